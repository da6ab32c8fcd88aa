package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.lettuce.core.RedisClient;
import io.lettuce.core.event.command.CommandListener;
import io.lettuce.core.event.command.CommandStartedEvent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a run costs, counted where commands leave the client. */
class RoundTripsTest {

  private final ConcurrentLinkedQueue<String> sent = new ConcurrentLinkedQueue<>();
  private final TestNode node = TestNode.to(counting(), TestNode.TIMEOUT);
  private final RedisIdempotencyStore store = node.store();

  Servers servers() {
    return Servers.EMBEDDED;
  }

  private RedisClient counting() {
    RedisClient client = RedisClient.create(servers().standalone());
    client.addListener(
        new CommandListener() {
          @Override
          public void commandStarted(CommandStartedEvent event) {
            sent.add(event.getCommand().getType().toString());
          }
        });
    return client;
  }

  private List<String> takeSent() {
    List<String> taken = new ArrayList<>(sent);
    sent.clear();
    return taken;
  }

  @AfterEach
  void close() {
    node.close();
  }

  @Test
  void leasedRunTakesTwoAndItsReplayOne() {
    run(Requests.newId()); // the server knows the scripts from here on
    takeSent();

    RecordId id = Requests.newId();
    Lease lease = run(id);
    assertThat(takeSent()).containsExactly(servers().claim(), servers().completion());
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
    assertThat(store.claim(Requests.takeOverOf(id))).isInstanceOf(Claim.Completed.class);
    assertThat(takeSent()).containsExactly("GET", "GET");
    store.renew(lease, Requests.LEASE);
    store.release(lease);
    assertThat(takeSent().stream().filter("EVALSHA"::equals)).hasSize(2);
  }

  /** The first repeat on a node that has not met the record is a claim like any other. */
  @Test
  void replayOnAnotherNodeIsAClaimAndThenARead() {
    RecordId id = Requests.newId();
    run(id);
    RedisIdempotencyStore other = new RedisIdempotencyStore(node.redis());
    takeSent();

    assertThat(other.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
    assertThat(other.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
    assertThat(takeSent()).containsExactly(servers().claim(), "GET");
  }

  @Test
  void recordThatWasMetAndIsGoneIsClaimedAnew() {
    RecordId id = Requests.newId();
    run(id);
    node.send("DEL", id);
    takeSent();

    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Acquired.class);
    assertThat(takeSent()).containsExactly("GET", servers().claim());
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
  }

  @Test
  void valueThatTookThePlaceOfARecordIsToldAsEver() {
    RecordId id = Requests.newId();
    run(id);
    node.send("DEL", id);
    node.send("RPUSH", id, "somebody else's");

    assertThatThrownBy(() -> store.claim(Requests.claimOf(id)))
        .isInstanceOf(StoreUnavailableException.class);
  }

  @Test
  void onlyTheScriptTellsWhatIsLeftOfALease() {
    RecordId id = Requests.newId();
    store.claim(Requests.claimOf(id));
    store.claim(Requests.claimOf(id));
    takeSent();

    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
    assertThat(takeSent())
        .isEqualTo(servers().claimsPlainly() ? List.of("SET", "EVALSHA") : List.of("EVALSHA"));
  }

  /** A proxy may be older than the server behind it, and so may a primary after a failover. */
  @Test
  void aServerThatDoesNotKnowThePlainClaimIsAskedForItOnce() {
    List<String> names = new ArrayList<>();
    RedisPort outdated =
        command -> {
          names.add(command.name());
          return switch (command.name()) {
            case "INFO" -> "redis_version:7.0.0".getBytes(StandardCharsets.UTF_8);
            case "SET" -> throw new RedisReplyException("ERR syntax error", null);
            default -> node.redis().execute(command);
          };
        };
    RedisIdempotencyStore store = new RedisIdempotencyStore(outdated);
    run(Requests.newId()); // as above
    names.clear();

    RecordId id = Requests.newId();
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Acquired.class);
    assertThat(store.claimAll(List.of(Requests.claimOf(id))))
        .hasOnlyElementsOfType(Claim.Running.class);
    store.check();
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
    assertThat(names.stream().filter(name -> !name.equals("EVAL")))
        .containsExactly("SET", "EVALSHA", "EVALSHA", "INFO", "EVALSHA");
  }

  @Test
  void onePrimaryThatIsOlderIsEnoughForScripts() {
    List<String> names = new ArrayList<>();
    RedisPort mixed =
        new RedisPort() {
          @Override
          public @Nullable Object execute(RedisCommand command) {
            names.add(command.name());
            return node.redis().execute(command);
          }

          @Override
          public List<RedisPort> primaries() {
            return List.of(ofVersion("6.2.14"), ofVersion("7.2.5"));
          }
        };
    assertThat(new RedisIdempotencyStore(mixed).claim(Requests.claimOf(Requests.newId())))
        .isInstanceOf(Claim.Acquired.class);
    assertThat(names).startsWith("EVALSHA");
  }

  private static RedisPort ofVersion(String version) {
    return command -> ("redis_version:" + version).getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aServerOfUnknownVersionIsNotSentPlainClaims() {
    List<String> names = new ArrayList<>();
    RedisPort silent =
        command -> {
          names.add(command.name());
          if (command.name().equals("INFO")) {
            throw new RedisReplyException("NOPERM no permissions to run 'info'", null);
          }
          return node.redis().execute(command);
        };
    assertThat(new RedisIdempotencyStore(silent).claim(Requests.claimOf(Requests.newId())))
        .isInstanceOf(Claim.Acquired.class);
    assertThat(names).startsWith("INFO", "EVALSHA");
  }

  @Test
  void aServerThatForgotTheScriptsIsSentThemAgain() {
    RecordId id = Requests.newId();
    Lease lease = ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
    node.send("SCRIPT", "FLUSH");
    takeSent();

    assertThat(store.renew(lease, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    assertThat(takeSent()).containsExactly("EVALSHA", "EVAL");
  }

  private Lease run(RecordId id) {
    Lease lease = ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
    store.complete(lease, StoredOutcome.done(), Requests.RETENTION);
    return lease;
  }
}
