package io.idem.spring.boot;

import io.idem.testkit.TestRedis;
import java.util.UUID;

/** Leases in Redis. */
class AsyncRedisEndpointTest extends AsyncEndpointContract {

  @Override
  String[] store() {
    return new String[] {
      "spring.autoconfigure.exclude=org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
      "spring.data.redis.url=" + TestRedis.standalone(),
      "idem.store=redis",
      "idem.namespace=" + UUID.randomUUID()
    };
  }
}
