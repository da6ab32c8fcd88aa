package io.idem.redis.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.redis.RedisCommand;
import io.idem.redis.RedisPort;
import io.idem.redis.RedisReplyException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands at the other end of a plain connection: a node, or a proxy that knows the others. */
class ServerCheckTest {

  private final List<String> warnings = new ArrayList<>();

  @Test
  void aNodeThatRedirectsSomeKeysIsRefused() {
    RedisReplyException moved = new RedisReplyException("MOVED 15495 10.0.0.2:6379", null);
    assertThatThrownBy(() -> check(new Cluster(key -> key[0] % 8 == 0 ? moved : null)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("RedisClusterClient");
  }

  /** It passes INFO and CLUSTER SLOTS on, and each key to the node that has it. */
  @Test
  void aProxyThatKnowsTheWayIsServed() {
    Cluster proxy = new Cluster(key -> null);
    assertThatCode(() -> check(proxy)).doesNotThrowAnyException();
    assertThat(proxy.keys).isNotEmpty().doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "NOPERM this user has no permissions to run the 'get' command",
        "CLUSTERDOWN The cluster is down"
      })
  void whatIsNoRedirectionIsNotTakenForOne(String reply) {
    RedisReplyException error = new RedisReplyException(reply, null);
    assertThatCode(() -> check(new Cluster(key -> error))).doesNotThrowAnyException();
  }

  private void check(RedisPort server) {
    byte[] next = {0};
    ServerCheck.check(
        server,
        () -> {
          next[0]++;
          return next.clone();
        },
        false,
        warnings::add);
    assertThat(warnings).isEmpty();
  }

  private interface Get {
    @Nullable RedisReplyException errorFor(byte[] key);
  }

  /** Two primaries, as one connection sees them. */
  private static final class Cluster implements RedisPort {

    private final Get get;
    private final List<Byte> keys = new ArrayList<>();

    Cluster(Get get) {
      this.get = get;
    }

    @Override
    public @Nullable Object execute(RedisCommand command) {
      return switch (command.name()) {
        case "INFO" -> bytes("redis_version:7.2.4\ncluster_enabled:1\nmaxmemory_policy:noeviction");
        case "CLUSTER" -> List.of(range(0, 8191, "one"), range(8192, 16_383, "two"));
        case "GET" -> answer(command.arguments().get(0));
        default -> throw new AssertionError(command.name());
      };
    }

    private @Nullable Object answer(byte[] key) {
      keys.add(key[0]);
      RedisReplyException error = get.errorFor(key);
      if (error != null) {
        throw error;
      }
      return null;
    }

    private static List<Object> range(long from, long to, String id) {
      return List.of(from, to, List.of(bytes("10.0.0.1"), 6379L, bytes(id)));
    }

    private static byte[] bytes(String text) {
      return text.getBytes(StandardCharsets.US_ASCII);
    }
  }
}
