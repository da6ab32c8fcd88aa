package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Completions on a server that compares before it sets: by whom, of what, and what they cost. */
class PlainCompletionTest {

  private static final StoredOutcome MINE = StoredOutcome.result(new byte[] {1});
  private static final StoredOutcome THEIRS = StoredOutcome.result(new byte[] {2});
  private static final long BOUND = 20;

  private final TestNode node = TestNode.to(servers().standalone());
  private final RecordingPort port = new RecordingPort(node.redis());
  private final RedisIdempotencyStore store = new RedisIdempotencyStore(port);
  private final RedisIdempotencyStore other = node.store();
  private final RecordId id = Requests.newId();

  Servers servers() {
    return Servers.VALKEY;
  }

  /** Writes down what is sent, and may answer in a server's place or send it twice. */
  private static class RecordingPort implements RedisPort {

    private final RedisPort redis;
    private final List<String> sent = new ArrayList<>();
    private String info = "";
    private boolean refusesComparing;
    private boolean sendsTwice;

    RecordingPort(RedisPort redis) {
      this.redis = redis;
    }

    @Override
    public @Nullable Object execute(RedisCommand command) {
      String name = nameOf(command);
      sent.add(name);
      if (name.equals("INFO") && !info.isEmpty()) {
        return info.getBytes(StandardCharsets.UTF_8);
      }
      if (name.equals("SET IFEQ") && refusesComparing) {
        throw new RedisReplyException("ERR syntax error", null);
      }
      if (sendsTwice) {
        redis.execute(command);
      }
      return redis.execute(command);
    }

    @Override
    public List<@Nullable Object> executeAll(List<RedisCommand> commands) {
      sent.add(commands.size() + " commands");
      return redis.executeAll(commands);
    }

    @Override
    public @Nullable RedisChannels listen(Consumer<byte[]> listener) {
      return redis.listen(listener);
    }

    private static String nameOf(RedisCommand command) {
      return command.name().equals("SET")
          ? "SET " + new String(command.arguments().get(2), StandardCharsets.UTF_8)
          : command.name();
    }

    /** Without the sources of scripts that the server did not know yet. */
    List<String> takeSent() {
      List<String> taken = sent.stream().filter(name -> !name.equals("EVAL")).toList();
      sent.clear();
      return taken;
    }
  }

  @AfterEach
  void close() {
    node.close();
  }

  private static Lease claim(RedisIdempotencyStore store, ClaimRequest request) {
    return ((Claim.Acquired) store.claim(request)).lease();
  }

  private static LeaseCheck complete(
      RedisIdempotencyStore store, Lease lease, StoredOutcome outcome) {
    return store.complete(lease, outcome, Requests.RETENTION);
  }

  private byte @Nullable [] value() {
    return (byte[]) node.send("GET", id);
  }

  private StoredOutcome outcome() {
    return ((Claim.Completed) other.claim(Requests.claimOf(id))).outcome();
  }

  @Test
  void aRunThatNobodyElseAskedForIsCompletedByOneCommand() {
    Lease lease = claim(store, Requests.claimOf(id));
    port.takeSent();

    assertThat(complete(store, lease, MINE)).isEqualTo(LeaseCheck.HELD);
    assertThat(port.takeSent()).containsExactly("SET IFEQ");
    assertThat(outcome()).isEqualTo(MINE);
    assertThat((Long) node.send("PTTL", id))
        .isBetween(1L, Requests.RETENTION.toMillis())
        .isGreaterThan(Requests.RETENTION.minusSeconds(BOUND).toMillis());
  }

  @Test
  void itWritesWhatTheScriptWrites() {
    for (Fingerprint fingerprint : List.of(Fingerprint.NONE, Fingerprint.of("request"))) {
      for (StoredOutcome outcome :
          List.of(StoredOutcome.done(), MINE, StoredOutcome.failure("fail", new byte[300]))) {
        Lease lease = claim(store, Requests.with(Requests.claimOf(id), fingerprint));
        byte[] running = value();
        assertThat(complete(other, lease, outcome)).as("by script").isEqualTo(LeaseCheck.HELD);
        byte[] byScript = value();
        node.send("SET", id, running, "PX", 100_000);
        port.takeSent();

        assertThat(complete(store, lease, outcome)).isEqualTo(LeaseCheck.HELD);
        assertThat(port.takeSent()).containsExactly("SET IFEQ");
        assertThat(value()).isEqualTo(byScript);
        node.send("DEL", id);
      }
    }
  }

  @Test
  void aFormerOwnerThatWasPausedIsRefused() {
    Lease paused = claim(store, Requests.claimOf(id));
    node.age(id, Requests.LEASE.plusSeconds(1));
    Lease thief = claim(other, Requests.takeOverOf(id));
    byte[] taken = value();
    port.takeSent();

    assertThat(complete(store, paused, MINE)).isEqualTo(LeaseCheck.LOST);
    assertThat(port.takeSent()).containsExactly("SET IFEQ", "EVALSHA");
    assertThat(value()).as("untouched").isEqualTo(taken);
    assertThat(complete(other, thief, THEIRS)).isEqualTo(LeaseCheck.HELD);
    assertThat(complete(store, paused, MINE)).isEqualTo(LeaseCheck.LOST);
    assertThat(outcome()).isEqualTo(THEIRS);
  }

  @Test
  void aRecordThatEndedAndWasClaimedAnewIsNotTheFormerOwners() {
    Duration keep = Duration.ofDays(30);
    RedisIdempotencyStore forgetful =
        new RedisIdempotencyStore(port, RedisSettings.defaults().withForgetUnfinishedAfter(keep));
    Lease former = claim(forgetful, Requests.claimOf(id));
    node.age(id, keep.plus(Requests.LEASE).plusSeconds(1));
    port.takeSent();

    assertThat(complete(forgetful, former, MINE)).as("it is gone").isEqualTo(LeaseCheck.LOST);
    assertThat(port.takeSent()).containsExactly("SET IFEQ", "EVALSHA");
    assertThat(value()).as("and stays so").isNull();

    Lease again = claim(forgetful, Requests.claimOf(id));
    node.age(id, keep.plus(Requests.LEASE).plusSeconds(1));
    Lease successor = claim(other, Requests.claimOf(id));
    assertThat(successor.attempt()).isEqualTo(again.attempt());
    assertThat(complete(forgetful, again, MINE)).isEqualTo(LeaseCheck.LOST);
    assertThat(complete(other, successor, THEIRS)).isEqualTo(LeaseCheck.HELD);
    assertThat(outcome()).isEqualTo(THEIRS);
  }

  @Test
  void aLeaseThatRanOutAndWasNotTakenOverIsStillCompleted() {
    Lease lease = claim(store, Requests.claimOf(id));
    node.age(id, Requests.LEASE.plusSeconds(1));
    port.takeSent();

    assertThat(complete(store, lease, MINE)).isEqualTo(LeaseCheck.HELD);
    assertThat(port.takeSent()).containsExactly("SET IFEQ");
  }

  @Test
  void aRenewalLeavesTheRecordAsItWas() {
    Lease lease = claim(store, Requests.claimOf(id));
    assertThat(store.renew(lease, Duration.ofHours(1))).isEqualTo(LeaseCheck.HELD);
    assertThat(store.renew(lease, Duration.ZERO)).isEqualTo(LeaseCheck.HELD);
    assertThat(store.renew(lease, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    port.takeSent();

    assertThat(complete(store, lease, MINE)).isEqualTo(LeaseCheck.HELD);
    assertThat(port.takeSent()).containsExactly("SET IFEQ");
    assertThat(store.renew(lease, Requests.LEASE)).as("completed").isEqualTo(LeaseCheck.LOST);
    assertThat(store.release(lease)).as("completed").isEqualTo(LeaseCheck.LOST);
  }

  @Test
  void whatWasReleasedIsNotCompletedAndBelongsToTheNext() {
    Lease released = claim(store, Requests.claimOf(id));
    assertThat(store.release(released)).isEqualTo(LeaseCheck.HELD);
    assertThat(complete(store, released, MINE)).isEqualTo(LeaseCheck.LOST);
    assertThat(value()).isNull();

    Lease next = claim(other, Requests.claimOf(id));
    assertThat(complete(store, released, MINE)).isEqualTo(LeaseCheck.LOST);
    assertThat(complete(other, next, THEIRS)).isEqualTo(LeaseCheck.HELD);
  }

  @Test
  void whoWaitsIsToldByTheScriptThatFollows() throws InterruptedException {
    Lease lease = claim(store, Requests.claimOf(id));
    Semaphore woken = new Semaphore(0);
    try (var watch = other.watch(id, woken::release)) {
      assertThat(watch).isNotNull();
      assertThat(woken.tryAcquire(BOUND, TimeUnit.SECONDS)).as("it listens").isTrue();
      assertThat(other.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
      port.takeSent();

      assertThat(complete(store, lease, MINE)).isEqualTo(LeaseCheck.HELD);
      assertThat(port.takeSent()).containsExactly("SET IFEQ", "EVALSHA");
      assertThat(woken.tryAcquire(BOUND, TimeUnit.SECONDS)).as("it is woken").isTrue();
    }
    assertThat(outcome()).isEqualTo(MINE);
  }

  /** A client may send a command again that it has lost the reply of with its connection. */
  @Test
  void aCompletionThatArrivesTwiceIsHeld() {
    Lease lease = claim(store, Requests.claimOf(id));
    port.takeSent();
    port.sendsTwice = true;

    assertThat(complete(store, lease, MINE)).isEqualTo(LeaseCheck.HELD);
    assertThat(port.takeSent()).containsExactly("SET IFEQ", "EVALSHA");
    assertThat(complete(store, lease, MINE)).as("asked again").isEqualTo(LeaseCheck.HELD);
    assertThat(port.takeSent()).as("its record is forgotten").containsExactly("EVALSHA");
  }

  @Test
  void aBatchAnswersInOrderWhateverBecameOfItsKeys() {
    List<ClaimRequest> requests =
        Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(8).toList();
    List<Lease> leases =
        store.claimAll(requests).stream().map(claim -> ((Claim.Acquired) claim).lease()).toList();
    store.release(leases.get(1));
    node.age(leases.get(3).id(), Requests.LEASE.plusSeconds(1));
    Lease thief = claim(other, Requests.takeOverOf(leases.get(3).id()));
    other.claim(Requests.claimOf(leases.get(5).id())); // and marks it
    complete(other, leases.get(6), MINE);
    port.takeSent();

    assertThat(
            store.completeAll(
                leases.stream()
                    .map(lease -> new Completion(lease, MINE, Requests.RETENTION))
                    .toList()))
        .containsExactly(
            LeaseCheck.HELD,
            LeaseCheck.LOST,
            LeaseCheck.HELD,
            LeaseCheck.LOST,
            LeaseCheck.HELD,
            LeaseCheck.HELD,
            LeaseCheck.HELD,
            LeaseCheck.HELD);
    assertThat(port.takeSent()).startsWith("8 commands", "4 commands");
    assertThat(complete(other, thief, THEIRS)).isEqualTo(LeaseCheck.HELD);
  }

  @Test
  void whatAnotherNodeClaimedIsCompletedByScript() {
    Lease lease = claim(other, Requests.claimOf(id));

    assertThat(complete(store, lease, MINE)).isEqualTo(LeaseCheck.HELD);
    assertThat(port.takeSent()).endsWith("EVALSHA").doesNotContain("SET IFEQ");
  }

  /** A proxy may be older than the server behind it, and so may a primary after a failover. */
  @Test
  void aServerThatRefusesToCompareIsAskedOnce() {
    port.refusesComparing = true;
    List<Lease> leases = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      leases.add(claim(store, Requests.claimOf(Requests.newId())));
    }
    port.takeSent();

    assertThat(complete(store, leases.get(0), MINE)).isEqualTo(LeaseCheck.HELD);
    assertThat(complete(store, leases.get(1), MINE)).isEqualTo(LeaseCheck.HELD);
    store.check();
    assertThat(complete(store, leases.get(2), MINE)).isEqualTo(LeaseCheck.HELD);
    assertThat(port.takeSent())
        .containsExactly("SET IFEQ", "EVALSHA", "EVALSHA", "INFO", "EVALSHA");
    claim(store, Requests.claimOf(id));
    assertThat(port.takeSent()).as("which says nothing of claims").containsExactly("SET NX");
  }

  @ParameterizedTest
  @CsvSource({
    "7.4.2, '', false",
    "8.2.9, '', false",
    "8.4.0, '', true",
    "9.0.0, '', true",
    "7.2.4, 7.2.11, false",
    "7.2.4, 8.0.6, false",
    "7.2.4, 8.1.0, true",
    "7.2.4, 9.1.2, true",
    "7.2.4, x, false",
  })
  void theServersVersionSaysWhetherItCompares(String redis, String valkey, boolean compares) {
    port.info = "redis_version:" + redis + (valkey.isEmpty() ? "" : "\nvalkey_version:" + valkey);
    RedisIdempotencyStore told = new RedisIdempotencyStore(port);
    complete(told, claim(told, Requests.claimOf(id)), MINE);

    assertThat(port.takeSent()).endsWith("SET NX", compares ? "SET IFEQ" : "EVALSHA");
  }

  @Test
  void onePrimaryThatDoesNotCompareIsEnoughForScripts() {
    RecordingPort old = new RecordingPort(node.redis());
    old.info = "redis_version:7.2.4\nvalkey_version:8.0.1";
    RecordingPort mixed =
        new RecordingPort(node.redis()) {
          @Override
          public List<RedisPort> primaries() {
            return List.of(node.redis(), old);
          }
        };
    RedisIdempotencyStore careful = new RedisIdempotencyStore(mixed);

    assertThat(complete(careful, claim(careful, Requests.claimOf(id)), MINE))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(mixed.takeSent()).containsExactly("SET NX", "EVALSHA");
  }
}
