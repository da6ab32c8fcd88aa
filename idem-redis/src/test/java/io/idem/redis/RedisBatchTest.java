package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.BatchBody;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a batch costs, and what becomes of it when something goes wrong in its middle. */
class RedisBatchTest {

  private static final StoredOutcome ANSWER = StoredOutcome.result(new byte[] {4, 2});

  /** Writes down how often a server was waited for, and lets a test act before that. */
  private static final class CountingPort implements RedisPort {

    private final RedisPort redis;
    private final List<Integer> trips = new ArrayList<>();
    private Runnable before = () -> {};

    CountingPort(RedisPort redis) {
      this.redis = redis;
    }

    @Override
    public @Nullable Object execute(RedisCommand command) {
      trips.add(1);
      return redis.execute(command);
    }

    @Override
    public List<@Nullable Object> executeAll(List<RedisCommand> commands) {
      before.run();
      trips.add(commands.size());
      return redis.executeAll(commands);
    }

    List<Integer> takeTrips() {
      List<Integer> taken = List.copyOf(trips);
      trips.clear();
      return taken;
    }
  }

  Servers servers() {
    return Servers.EMBEDDED;
  }

  @Test
  void fiveHundredKeysAreClaimedInOneRoundTripAndCompletedInAnother() {
    try (TestNode standalone = TestNode.to(servers().standalone());
        TestNode cluster = TestNode.toCluster(servers().cluster())) {
      for (TestNode node : List.of(standalone, cluster)) {
        CountingPort port = new CountingPort(node.redis());
        RedisIdempotencyStore store = new RedisIdempotencyStore(port);
        makeKnown(node);
        port.takeTrips();
        List<ClaimRequest> requests = newRequests(500);

        assertThat(store.claimAll(requests)).hasOnlyElementsOfType(Claim.Acquired.class);
        assertThat(port.takeTrips()).containsExactly(500);
        assertThat(store.completeAll(completions(requests))).containsOnly(LeaseCheck.HELD);
        assertThat(port.takeTrips()).containsExactly(500);
        assertThat(store.claimAll(requests)).hasOnlyElementsOfType(Claim.Completed.class);
        assertThat(port.takeTrips()).containsExactly(500);
        assertThat(store.claimAll(List.of())).isEmpty();
        assertThat(port.takeTrips()).isEmpty();
      }
    }
  }

  @Test
  void scriptsThatAreForgottenAreSentAgainForTheWholeBatch() {
    try (TestNode node = TestNode.to(servers().standalone())) {
      CountingPort port = new CountingPort(node.redis());
      RedisIdempotencyStore store = new RedisIdempotencyStore(port);
      List<ClaimRequest> requests = newRequests(20);
      node.store().claimAll(requests); // so that this store has not seen their records
      port.takeTrips();
      port.before = () -> node.send("SCRIPT", "FLUSH");

      assertThat(store.completeAll(completions(requests)))
          .hasSize(20)
          .containsOnly(LeaseCheck.HELD);
      assertThat(port.takeTrips()).containsExactly(20, 20);
    }
  }

  @Test
  void onlyTheKeysThatWereNotAnsweredAreSentAgain() {
    try (TestNode node = TestNode.to(servers().standalone())) {
      makeKnown(node);
      CountingPort port =
          new CountingPort(
              new RedisPort() {
                @Override
                public @Nullable Object execute(RedisCommand command) {
                  return node.redis().execute(command);
                }

                /** As if the server was started anew after the first half. */
                @Override
                public List<@Nullable Object> executeAll(List<RedisCommand> commands) {
                  int half = commands.size() / 2;
                  List<@Nullable Object> replies =
                      new ArrayList<>(node.redis().executeAll(commands.subList(0, half)));
                  if (commands.get(0).name().equals("EVALSHA")) {
                    node.send("SCRIPT", "FLUSH");
                  }
                  replies.addAll(node.redis().executeAll(commands.subList(half, commands.size())));
                  return replies;
                }
              });
      RedisIdempotencyStore store = new RedisIdempotencyStore(port);
      List<ClaimRequest> requests = newRequests(20);
      node.store().claimAll(requests); // as above

      assertThat(store.completeAll(completions(requests)))
          .hasSize(20)
          .containsOnly(LeaseCheck.HELD);
      assertThat(port.takeTrips()).endsWith(20, 10);
    }
  }

  @Test
  void onlyKeysThatRunTakeASecondRoundTripFromRedis7On() {
    try (TestNode standalone = TestNode.to(servers().standalone());
        TestNode cluster = TestNode.toCluster(servers().cluster())) {
      for (TestNode node : List.of(standalone, cluster)) {
        CountingPort port = new CountingPort(node.redis());
        RedisIdempotencyStore store = new RedisIdempotencyStore(port);
        makeKnown(node);
        List<ClaimRequest> done = newRequests(20);
        List<ClaimRequest> running = newRequests(20);
        store.claimAll(done);
        store.completeAll(completions(done));
        store.claimAll(running);
        store.claimAll(running.stream().map(each -> Requests.claimOf(each.id())).toList());
        port.takeTrips();
        List<ClaimRequest> mixed = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
          mixed.add(Requests.claimOf(Requests.newId()));
          mixed.add(Requests.claimOf(done.get(i).id()));
          mixed.add(Requests.claimOf(running.get(i).id()));
        }

        List<Claim> answers = store.claimAll(mixed);
        for (int i = 0; i < 60; i += 3) {
          assertThat(answers.get(i)).isInstanceOf(Claim.Acquired.class);
          assertThat(answers.get(i + 1)).isInstanceOf(Claim.Completed.class);
          assertThat(answers.get(i + 2)).isInstanceOf(Claim.Running.class);
        }
        assertThat(port.takeTrips())
            .isEqualTo(servers().claimsPlainly() ? List.of(60, 20) : List.of(60));
      }
    }
  }

  @Test
  void aValueOfSomebodyElseFailsTheBatchAndIsLeftAlone() {
    try (TestNode node = TestNode.to(servers().standalone())) {
      RedisIdempotencyStore store = node.store();
      List<ClaimRequest> requests = newRequests(10);
      RecordId foreign = requests.get(4).id();
      node.send("SET", foreign, "somebody else's value");

      assertThatThrownBy(() -> store.claimAll(requests))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContainingAll(foreign.toString(), "left alone");
      assertThatThrownBy(() -> store.completeAll(completions(requests)))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining(foreign.toString());
      assertThat((byte[]) node.send("GET", foreign)).asString().isEqualTo("somebody else's value");
      node.send("DEL", foreign);
      assertThat(store.claimAll(requests).subList(0, 4))
          .as("what was completed beside it")
          .hasOnlyElementsOfType(Claim.Completed.class);
    }
  }

  @Test
  void aFullServerRefusesTheBatchAndStillReplays() {
    try (TestRedis.Server server = servers().start();
        TestNode node = TestNode.to(server.url())) {
      RedisIdempotencyStore store = node.store();
      List<ClaimRequest> done = newRequests(10);
      store.claimAll(done);
      store.completeAll(completions(done));
      List<ClaimRequest> running = newRequests(10);
      store.claimAll(running);
      node.send("CONFIG", "SET", "maxmemory", "1");

      assertThatThrownBy(() -> store.claimAll(newRequests(10)))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContainingAll("OOM", "more memory");
      assertThatThrownBy(() -> store.completeAll(completions(running)))
          .isInstanceOf(StoreUnavailableException.class);
      assertThat(store.claimAll(done)).hasOnlyElementsOfType(Claim.Completed.class);
      assertThat(store.claim(Requests.claimOf(running.get(0).id())))
          .as("although it cannot leave a mark")
          .isInstanceOf(Claim.Running.class);
      node.send("CONFIG", "SET", "maxmemory", "0");
      assertThat(store.completeAll(completions(running))).containsOnly(LeaseCheck.HELD);
    }
  }

  /** The server carries the claims out after the caller has given up: nobody may keep the keys. */
  @Test
  void keysOfABatchWithoutAnAnswerAreGivenBack() {
    try (TestRedis.Server server = servers().start();
        TestNode node = TestNode.to(server.url());
        TestNode impatient = TestNode.to(RedisClient.create(server.url()), Duration.ofMillis(200));
        Idempotency idempotency = Idempotency.builder().store(impatient.store()).build()) {
      Operation<String> operation = idempotency.operation("charge", String.class).build();
      List<IdempotentRequest> requests =
          Stream.generate(() -> IdempotentRequest.of(UUID.randomUUID().toString()))
              .limit(100)
              .toList();
      makeKnown(node); // or nothing would be claimed before the script is sent
      Object before = node.send("DBSIZE");
      long sets = calls(node, "set");
      long scripts = scripts(node);
      node.send("CLIENT", "PAUSE", "700");

      assertThatThrownBy(() -> operation.executeAll(requests, BatchBody.each(item -> "never")))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("within 200 ms");
      await(() -> calls(node, "set") - sets >= 100, "claims, by whatever sets");
      int more = servers().claimsPlainly() ? 100 : 200;
      await(() -> scripts(node) - scripts >= more, "returns");
      await(() -> node.send("DBSIZE").equals(before), "every key is free");
    }
  }

  @Test
  void aBatchThatWasNotSentIsNotSentLater() {
    try (TestRedis.Server server = servers().start();
        TestNode node = TestNode.to(RedisClient.create(server.url()), Duration.ofMillis(300))) {
      RedisIdempotencyStore store = node.store();
      List<ClaimRequest> requests = newRequests(50);
      server.kill();

      assertThatThrownBy(() -> store.claimAll(requests))
          .isInstanceOf(StoreUnavailableException.class);
      server.restart();
      try (TestNode fresh = TestNode.to(server.url())) {
        await(() -> answers(node), "the client is back");
        assertThat(fresh.send("DBSIZE")).isEqualTo(0L);
      }
    }
  }

  /**
   * A client may have queued what it then refuses, and would send it when it is connected again.
   */
  @Test
  void whatIsRefusedWhileItIsSentIsCancelled() {
    List<io.lettuce.core.protocol.RedisCommand<?, ?, ?>> queued = new ArrayList<>();
    InvocationHandler refusing =
        (proxy, method, arguments) -> {
          for (Object command : (Collection<?>) arguments[0]) {
            queued.add((io.lettuce.core.protocol.RedisCommand<?, ?, ?>) command);
          }
          throw new RedisException("Request queue size exceeded");
        };
    @SuppressWarnings("unchecked")
    StatefulConnection<byte[], byte[]> connection =
        (StatefulConnection<byte[], byte[]>)
            Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {StatefulConnection.class}, refusing);
    List<RedisCommand> commands =
        Collections.nCopies(3, new RedisCommand("GET", List.of(new byte[] {1}), 0));

    assertThatThrownBy(
            () -> new LettuceBatch(connection, commands, TestNode.TIMEOUT, error -> {}).replies())
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContaining("queue size");
    assertThat(queued)
        .hasSize(3)
        .allMatch(io.lettuce.core.protocol.RedisCommand::isCancelled, "cancelled");
  }

  @Test
  void aClientWhoseViewOfTheClusterIsOldIsRedirected() {
    RedisClusterClient client = RedisClusterClient.create(servers().cluster());
    try (LettuceRedis redis = LettuceRedis.of(client, TestNode.TIMEOUT)) {
      RedisIdempotencyStore store = new RedisIdempotencyStore(redis);
      List<ClaimRequest> requests = newRequests(200);
      swapSlots(client);
      assertThat(store.claimAll(requests)).isEqualTo(acquired(requests));
      swapSlots(client);
      assertThat(store.completeAll(completions(requests)))
          .hasSize(200)
          .containsOnly(LeaseCheck.HELD);
    } finally {
      client.shutdown();
    }
  }

  /** Lets the client believe that two primaries have each other's slots. */
  private static void swapSlots(RedisClusterClient client) {
    List<RedisClusterNode> primaries =
        client.getPartitions().stream()
            .filter(node -> node.is(RedisClusterNode.NodeFlag.UPSTREAM))
            .toList();
    BitSet first = bits(primaries.get(0));
    BitSet second = bits(primaries.get(1));
    primaries.get(0).setSlots(second.stream().boxed().toList());
    primaries.get(1).setSlots(first.stream().boxed().toList());
    client.getPartitions().updateCache();
  }

  private static BitSet bits(RedisClusterNode node) {
    BitSet bits = new BitSet();
    node.getSlots().forEach(bits::set);
    return bits;
  }

  private static boolean answers(TestNode node) {
    try {
      return node.send("PING") != null;
    } catch (StoreUnavailableException e) {
      return false;
    }
  }

  private static long scripts(TestNode node) {
    return calls(node, "evalsha") + calls(node, "eval");
  }

  private static long calls(TestNode node, String command) {
    return statOf(node, "commandstats", "cmdstat_" + command + ":calls=");
  }

  private static long statOf(TestNode node, String section, String name) {
    return new String((byte[]) node.send("INFO", section), StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.substring(name.length()).split(",", 2)[0].trim()))
        .findFirst()
        .orElse(0);
  }

  private static void await(BooleanSupplier condition, String what) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  /** Lets every server know the scripts, the one of completions above all. */
  private static void makeKnown(TestNode node) {
    RedisIdempotencyStore owner = node.store();
    RedisIdempotencyStore stranger = node.store(); // to whom a plain command is not enough
    for (int i = 0; i < 50; i++) { // on every node of a cluster
      List<ClaimRequest> one = newRequests(1);
      owner.claimAll(one);
      stranger.completeAll(completions(one));
    }
  }

  private static List<ClaimRequest> newRequests(int count) {
    return Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(count).toList();
  }

  private static List<Claim> acquired(List<ClaimRequest> requests) {
    return requests.stream().<Claim>map(each -> new Claim.Acquired(leaseOf(each))).toList();
  }

  private static List<Completion> completions(List<ClaimRequest> requests) {
    return requests.stream()
        .map(each -> new Completion(leaseOf(each), ANSWER, Requests.RETENTION))
        .toList();
  }

  private static Lease leaseOf(ClaimRequest request) {
    return new Lease(request.id(), request.token(), 1);
  }
}
