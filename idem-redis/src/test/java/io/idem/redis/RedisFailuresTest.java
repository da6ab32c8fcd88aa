package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Servers that cannot hold records, do not answer, or hold something else. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RedisFailuresTest {

  private final TestRedis.Server server = servers().start();
  private final TestNode node = TestNode.to(server.url());
  private final RedisIdempotencyStore store = node.store();
  private final RecordId id = Requests.newId();

  Servers servers() {
    return Servers.EMBEDDED;
  }

  @AfterEach
  void restore() {
    Map.of("maxmemory", "0", "maxmemory-policy", "noeviction", "min-replicas-to-write", "0")
        .forEach((setting, value) -> node.send("CONFIG", "SET", setting, value));
    node.send("DEL", id);
  }

  @AfterAll
  void stop() {
    node.close();
    server.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "somebody else's value",
        "\u00c1",
        "a value that is longer than a record"
      })
  void aValueOfSomebodyElseIsReportedAndLeftAlone(String foreign) {
    node.send("SET", id, foreign);
    Lease lease = new Lease(id, Requests.newToken(), 1);

    assertThatThrownBy(() -> store.claim(Requests.takeOverOf(id)))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContainingAll(id.toString(), "no record of this version", "left alone");
    assertThatThrownBy(() -> store.complete(lease, StoredOutcome.done(), Requests.RETENTION))
        .isInstanceOf(StoreUnavailableException.class);
    assertThatThrownBy(() -> store.release(lease)).isInstanceOf(StoreUnavailableException.class);
    assertThatThrownBy(() -> store.renew(lease, Requests.LEASE))
        .isInstanceOf(StoreUnavailableException.class);
    assertThat((byte[]) node.send("GET", id)).isEqualTo(foreign.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aKeyOfAnotherTypeIsReportedAndLeftAlone() {
    node.send("HSET", id, "field", "value");

    assertThatThrownBy(() -> store.claim(Requests.takeOverOf(id)))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContainingAll("WRONGTYPE", "left alone");
    assertThat(node.send("HLEN", id)).isEqualTo(1L);
  }

  @Test
  void aRecordOfALaterFormatIsLeftAlone() {
    store.claim(Requests.claimOf(id));
    node.send("SETRANGE", id, "2", new byte[] {48});

    assertThatThrownBy(() -> store.claim(Requests.takeOverOf(id)))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContaining("later version");
  }

  @Test
  void aFullServerRefusesAndKeepsWhatItHas() {
    Lease lease = ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
    Lease done = ((Claim.Acquired) store.claim(Requests.claimOf(Requests.newId()))).lease();
    store.complete(done, StoredOutcome.done(), Requests.RETENTION);
    node.send("CONFIG", "SET", "maxmemory", "1");

    assertThat(store.claim(Requests.claimOf(done.id())))
        .as("a replay")
        .isInstanceOf(Claim.Completed.class);
    assertThatThrownBy(() -> store.claim(Requests.claimOf(Requests.newId())))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContainingAll("OOM", "more memory");
    assertThatThrownBy(() -> store.complete(lease, StoredOutcome.done(), Requests.RETENTION))
        .isInstanceOf(StoreUnavailableException.class);
    node.send("CONFIG", "SET", "maxmemory", "0");
    assertThat(store.complete(lease, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
  }

  @Test
  void withoutTheReplicasItDemandsAServerTakesNoClaim() {
    node.send("CONFIG", "SET", "min-replicas-to-write", "1");

    assertThatThrownBy(() -> store.claim(Requests.claimOf(id)))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContainingAll("NOREPLICAS", "min-replicas-to-write");
    assertThat(node.send("EXISTS", id)).isEqualTo(0L);
  }

  @Test
  void aServerThatDoesNotAnswerIsWaitedForWithinTheBound() {
    try (TestRedis.Server silent = servers().start();
        TestNode impatient =
            TestNode.to(RedisClient.create(silent.url()), Duration.ofMillis(200))) {
      RedisIdempotencyStore bounded = impatient.store();
      impatient.send("CLIENT", "PAUSE", "10000");
      long start = System.nanoTime();

      assertThatThrownBy(() -> bounded.claim(Requests.claimOf(id)))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("within 200 ms");
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(8));
    }
  }

  @Test
  void aServerThatIsGoneIsUnavailableAndItsReturnIsNoticed() throws InterruptedException {
    try (TestRedis.Server mortal = servers().start();
        TestNode orphan = TestNode.to(RedisClient.create(mortal.url()), Duration.ofMillis(500))) {
      RedisIdempotencyStore survivor = orphan.store();
      Semaphore told = new Semaphore(0);
      try (var watch = survivor.watch(id, told::release)) {
        assertThat(watch).isNotNull();
        assertThat(told.tryAcquire(20, TimeUnit.SECONDS)).as("it listens").isTrue();
        mortal.kill();
        assertThatThrownBy(() -> survivor.claim(Requests.claimOf(id)))
            .isInstanceOf(StoreUnavailableException.class);
        assertThatThrownBy(() -> TestNode.to(mortal.url()))
            .isInstanceOf(StoreUnavailableException.class)
            .hasMessageContaining("cannot be reached");

        mortal.restart();
        Lease lease = claimWhenItIsBack(survivor);
        assertThat(told.tryAcquire(20, TimeUnit.SECONDS)).as("it listens again").isTrue();
        assertThat(survivor.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
        told.drainPermits();
        assertThat(survivor.complete(lease, StoredOutcome.done(), Requests.RETENTION))
            .isEqualTo(LeaseCheck.HELD);
        assertThat(told.tryAcquire(20, TimeUnit.SECONDS)).as("it is told").isTrue();
      }
    }
  }

  /** Each claim waits for the server as long as a command may take. */
  private Lease claimWhenItIsBack(RedisIdempotencyStore survivor) {
    StoreUnavailableException last = null;
    for (int i = 0; i < 60; i++) {
      try {
        return ((Claim.Acquired) survivor.claim(Requests.takeOverOf(id))).lease();
      } catch (StoreUnavailableException e) {
        last = e;
      }
    }
    throw new AssertionError("The return of the server was not noticed", last);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1})
  void aTimeoutThatIsNoneIsRefusedBeforeAnythingIsConnected(long millis) {
    Object before = clients();
    RedisClient client = RedisClient.create(server.url());
    try {
      assertThatThrownBy(() -> LettuceRedis.of(client, Duration.ofMillis(millis)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(clients()).isEqualTo(before);
    } finally {
      client.shutdown();
    }
  }

  private String clients() {
    return new String((byte[]) node.send("INFO", "clients"), StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.startsWith("connected_clients"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aReplicaIsRefused() {
    try (TestRedis.Server replica = servers().start("replicaof 127.0.0.1 " + server.port());
        TestNode toReplica = TestNode.to(replica.url())) {
      assertThatThrownBy(toReplica::store)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("'slave'");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.0.16", "5.0.14", "", "6", "x.y"})
  void aServerThatIsTooOldIsRefused(String version) {
    RedisPort old = command -> ("redis_version:" + version).getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> new RedisIdempotencyStore(old))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll("6.2", "'" + version + "'");
  }

  /** Every record has an expiry, so the policies named volatile evict as well. */
  @ParameterizedTest
  @ValueSource(strings = {"allkeys-lru", "volatile-lru", "volatile-ttl"})
  void evictionIsWarnedAboutOrRefused(String policy) {
    node.send("CONFIG", "SET", "maxmemory-policy", policy);
    Logger logger = (Logger) LoggerFactory.getLogger("io.idem.redis");
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    logger.addAppender(log);
    try {
      node.store().check();
    } finally {
      logger.detachAppender(log);
    }
    assertThat(log.list)
        .as("once, not at each check")
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getLevel()).isEqualTo(Level.WARN);
              assertThat(event.getFormattedMessage())
                  .contains("'" + policy + "'", "maxmemory-policy to noeviction");
            });
    RedisSettings strict = RedisSettings.defaults().withRequireNoEviction(true);
    assertThatThrownBy(() -> new RedisIdempotencyStore(node.redis(), strict))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("'" + policy + "'");
  }

  @Test
  void anUnfinishedRecordIsForgottenOnlyIfThatIsAskedFor() {
    store.claim(Requests.claimOf(id));
    assertThat((Long) node.send("PTTL", id)).isGreaterThan(Duration.ofDays(36_000).toMillis());
    node.send("DEL", id);

    Duration keep = Duration.ofDays(30);
    RedisIdempotencyStore forgetful =
        new RedisIdempotencyStore(
            node.redis(), RedisSettings.defaults().withForgetUnfinishedAfter(keep));
    Lease lease = ((Claim.Acquired) forgetful.claim(Requests.claimOf(id))).lease();
    node.age(id, keep);
    assertThat(forgetful.claim(Requests.claimOf(id))).isInstanceOf(Claim.Abandoned.class);
    forgetful.renew(lease, Requests.LEASE);
    assertThat((Long) node.send("PTTL", id)).isGreaterThan(keep.toMillis());
    node.age(id, keep.plus(Requests.LEASE).plusSeconds(1));
    assertThat(forgetful.claim(Requests.claimOf(id))).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void aKeyWithoutAnAnswerTakesFewBytes() {
    Lease lease = ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
    assertThat((Long) node.send("STRLEN", id)).as("embedded in its object").isEqualTo(44);
    store.complete(lease, StoredOutcome.done(), Requests.RETENTION);
    assertThat((Long) node.send("STRLEN", id)).isEqualTo(39);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{idem}:", "a{", "b}"})
  void aPrefixThatGathersKeysInOneSlotIsRefused(String prefix) {
    assertThatThrownBy(() -> RedisSettings.defaults().withPrefix(prefix))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + prefix + "'");
  }
}
