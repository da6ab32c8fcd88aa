package io.idem.spring.boot;

import java.util.UUID;

/** Leases in a database, although its store could be transactional. */
class AsyncH2EndpointTest extends AsyncEndpointContract {

  @Override
  String[] store() {
    return new String[] {
      "spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1"
    };
  }
}
