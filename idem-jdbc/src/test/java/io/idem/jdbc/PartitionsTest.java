package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Partitions of the keys' own time: made ahead, dropped when past, and nothing lost on the way. */
class PartitionsTest {

  private static final Partitioning HOURLY = new Partitioning(Duration.ofHours(1), 2);
  private static final Duration LONG_AGO = Requests.RETENTION.plusMinutes(10);

  /** An hour in units of 65.536 s. */
  private static final long HOUR = 55;

  private final TestDatabase database = TestDatabase.partitioned(HOURLY);
  private final JdbcIdempotencyStore store = database.leased();

  @Test
  void keysLieInThePartitionOfTheirOwnTime() {
    RecordId now = claimed(idOf(now())).id();
    RecordId next = claimed(idOf(now() + HOUR)).id();
    RecordId late = claimed(idOf(now() - 10 * HOUR)).id();
    RecordId noTime = claimed(new RecordId(0x90L << 56, 1)).id();

    assertThat(tableOf(now)).startsWith("idem_record_p").isNotEqualTo(tableOf(next));
    assertThat(tableOf(next)).startsWith("idem_record_p");
    assertThat(tableOf(late)).isEqualTo("idem_record_rest");
    assertThat(tableOf(noTime)).isEqualTo("idem_record_high2");
    assertThat(partitions()).hasSize(3);
    store.purgeExpired(10);
    assertThat(partitions()).as("made once").hasSize(3);
  }

  @Test
  void expiryIsADrop() {
    String partition = partition(now() - 10 * HOUR);
    expired(1500, now() - 10 * HOUR);
    assertThat(store.purgeLag().orElseThrow()).isPositive();

    assertThat(store.purgeExpired(10)).isEqualTo(1500);
    assertThat(partitions()).doesNotContain(partition);
    assertThat(store.purgeLag()).contains(Duration.ZERO);
  }

  @Test
  void transactionalStoreDropsAsWell() {
    String partition = partition(now() - 10 * HOUR);
    expired(20, now() - 10 * HOUR);

    // As a pool that hands out connections with autocommit off, and with a strict isolation level.
    database.execute(
        "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database()"
            + " || ' SET default_transaction_isolation = serializable'; END $$");
    JdbcTransactionalStore strict = database.transactional(database.counting(3, false));
    assertThat(strict.purgeExpired(100)).isEqualTo(20);
    assertThat(partitions()).doesNotContain(partition);
  }

  @Test
  void whatIsStillInUseOutlivesItsPartition() {
    long then = now() - 10 * HOUR;
    String partition = partition(then);
    expired(50, then);
    Lease running = claimed(idOf(then));
    Lease abandoned = claimed(idOf(then));
    database.age(abandoned.id(), LONG_AGO.multipliedBy(100));
    Lease fresh = completed(idOf(then));
    Lease old = completed(idOf(then));
    database.age(old.id(), LONG_AGO);

    assertThat(store.purgeExpired(100)).isEqualTo(51);

    assertThat(partitions()).doesNotContain(partition);
    assertThat(store.claim(Requests.claimOf(running.id()))).isInstanceOf(Claim.Running.class);
    assertThat(store.renew(running, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    assertThat(complete(running)).isEqualTo(LeaseCheck.HELD);
    assertThat(store.claim(Requests.claimOf(abandoned.id()))).isInstanceOf(Claim.Abandoned.class);
    assertThat(store.claim(Requests.claimOf(fresh.id()))).isInstanceOf(Claim.Completed.class);
    assertThat(store.claim(Requests.claimOf(old.id()))).isInstanceOf(Claim.Acquired.class);
    assertThat(tableOf(fresh.id())).isEqualTo("idem_record_rest");
    database.age(fresh.id(), LONG_AGO);
    assertThat(store.purgeExpired(100)).isEqualTo(1);
  }

  @Test
  void manyRecordsInUseKeepTheirPartition() {
    long then = now() - 10 * HOUR;
    String partition = partition(then);
    claimAll(1001, then);
    List<RecordId> expired = expired(30, then);

    assertThat(store.purgeExpired(100)).isZero();
    assertThat(partitions()).contains(partition);

    // What waits for them in vain is deleted row by row in the end.
    expired.forEach(id -> database.age(id, Duration.ofHours(3)));
    assertThat(store.purgeExpired(20)).isEqualTo(20);
    assertThat(store.purgeExpired(20)).isEqualTo(10);
    assertThat(partitions()).contains(partition);
    assertThat(database.number("SELECT count(*) FROM " + partition)).isEqualTo(1001);
  }

  @Test
  void partitionOfNowIsNeverDropped() {
    List<String> before = partitions();
    expired(10, now());

    assertThat(store.purgeExpired(100)).isZero();
    assertThat(partitions()).isEqualTo(before);
  }

  @Test
  void lateKeyOfADroppedPartitionRunsOnce() {
    long then = now() - 10 * HOUR;
    String partition = partition(then);
    expired(5, then);
    store.purgeExpired(100);
    assertThat(partitions()).doesNotContain(partition);

    RecordId late = completed(idOf(then)).id();
    assertThat(store.claim(Requests.claimOf(late))).isInstanceOf(Claim.Completed.class);
    store.purgeExpired(100);
    assertThat(store.claim(Requests.claimOf(late))).isInstanceOf(Claim.Completed.class);
  }

  @Test
  void openTransactionInThePartitionKeepsIt() {
    long then = now() - 10 * HOUR;
    String partition = partition(then);
    expired(5, then);
    RecordId late = idOf(then);

    database.inTransaction(
        connection -> {
          database
              .joining(connection)
              .inTransaction(
                  scope ->
                      scope.claimCompleted(
                          Requests.claimOf(late), StoredOutcome.done(), Duration.ZERO));
          assertThat(store.purgeExpired(100)).isZero();
          assertThat(partitions()).contains(partition);
          return true;
        });

    assertThat(database.leased().purgeExpired(100)).isEqualTo(5);
    assertThat(partitions()).doesNotContain(partition);
    assertThat(store.claim(Requests.claimOf(late))).isInstanceOf(Claim.Completed.class);
  }

  @Test
  void claimsDoNotQueueBehindADropThatWaits() {
    partition(now() - 10 * HOUR);
    expired(5, now() - 10 * HOUR);

    database.inTransaction(
        connection -> {
          database
              .joining(connection)
              .inTransaction(
                  scope ->
                      scope.claimCompleted(
                          Requests.claimOf(idOf(now())), StoredOutcome.done(), Duration.ZERO));
          // The transaction ends after the purge and the claim, so neither waited for it.
          assertThat(store.purgeExpired(100)).isZero();
          claimed(idOf(now()));
          return true;
        });

    assertThat(database.leased().purgeExpired(100)).isEqualTo(5);
  }

  @Test
  void claimsThatRaceWithDropsAreNeverForgotten() {
    for (int round = 0; round < 10; round++) {
      // Two hours, because a partition of an hour is rounded to a little more.
      long then = now() - (20 + 2 * round) * HOUR;
      String partition = partition(then);
      expired(500, then);
      AtomicBoolean dropped = new AtomicBoolean();
      Callable<Integer> claims =
          () -> {
            int claimed = 0;
            while (!dropped.get() || claimed < 20) {
              RecordId id = idOf(then);
              while (!(store.claim(Requests.claimOf(id)) instanceof Claim.Acquired)) {
                // A partition that is being looked at answers as one that is busy.
                assertThat(
                        database.number("SELECT count(*) FROM idem_record WHERE id = " + sql(id)))
                    .isZero();
              }
              assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
              claimed++;
            }
            return claimed;
          };
      Callable<Integer> purge =
          () -> {
            try {
              Together.await(
                  "the drop",
                  () -> {
                    database.leased(strict()).purgeExpired(1000);
                    return !partitions().contains(partition);
                  });
            } finally {
              dropped.set(true);
            }
            return 0;
          };

      List<Integer> counts = Together.run(List.of(claims, claims, purge));

      assertThat(database.number("SELECT count(*) FROM idem_record WHERE " + between(then)))
          .isEqualTo(counts.get(0) + counts.get(1));
    }
  }

  @Test
  void nodesShareTheWork() {
    for (int i = 0; i < 6; i++) {
      long then = now() - (10 + i) * HOUR;
      partition(then);
      expired(100, then);
    }
    Callable<Integer> purge =
        () -> {
          JdbcIdempotencyStore node = database.leased();
          return IntStream.range(0, 5).map(i -> node.purgeExpired(10)).sum();
        };

    List<Integer> gone = new ArrayList<>(Together.run(Collections.nCopies(4, purge)));

    gone.add(database.leased().purgeExpired(10));
    assertThat(gone.stream().mapToInt(Integer::intValue).sum()).isEqualTo(600);
    assertThat(partitions()).hasSize(3);
  }

  @Test
  void dropThatFailsLosesNothingAndLeavesRowsToBeDeleted() {
    long then = now() - 10 * HOUR;
    String partition = partition(then);
    expired(50, then);
    Lease fresh = completed(idOf(then));
    RecordId noTime = completed(new RecordId(0x90L << 56, 2)).id();
    database.age(noTime, LONG_AGO);
    database.execute("CREATE VIEW watched AS SELECT id FROM " + partition);

    assertThat(store.purgeExpired(100)).isEqualTo(1);
    assertThat(partitions()).contains(partition);
    assertThat(store.claim(Requests.claimOf(fresh.id()))).isInstanceOf(Claim.Completed.class);

    database.execute("DROP VIEW watched");
    assertThat(database.leased().purgeExpired(100)).isEqualTo(50);
  }

  @Test
  void recordsAheadOfThePartitionsMoveIntoTheirs() {
    Lease early = claimed(idOf(now() + 5 * HOUR));
    assertThat(tableOf(early.id())).isEqualTo("idem_record_rest");

    node(new Partitioning(Duration.ofHours(1), 8)).purgeExpired(10);

    assertThat(tableOf(early.id())).startsWith("idem_record_p");
    assertThat(partitions()).hasSize(9);
    assertThat(complete(early)).isEqualTo(LeaseCheck.HELD);
    assertThat(
            database.text(
                "SELECT array_to_string(reloptions, ',') FROM pg_class WHERE oid = '"
                    + tableOf(early.id())
                    + "' :: regclass"))
        .isEqualTo("fillfactor=95");
  }

  @Test
  void timeThatIsInUseWithoutAPartitionStaysWithoutOne() {
    claimAll(1001, now() + 5 * HOUR);

    node(new Partitioning(Duration.ofHours(1), 8)).purgeExpired(10);

    assertThat(partitions()).hasSize(8);
    assertThat(database.number("SELECT count(*) FROM idem_record_rest")).isEqualTo(1001);
  }

  @Test
  void widthMayChange() {
    node(new Partitioning(Duration.ofHours(3), 2)).purgeExpired(10);

    // Three of an hour, and of three hours up to the second period after this one.
    assertThat(partitions().size()).isBetween(5, 6);
    claimed(idOf(now() + 5 * HOUR));
    assertThat(database.number("SELECT count(*) FROM idem_record_rest")).isZero();
  }

  @Test
  void partitionsAreMadeForKeysThatAreOnTheirWay() {
    Callable<Integer> claims =
        () -> {
          for (int i = 0; i < 300; i++) {
            claimedInTheEnd(idOf(now() + (3 + i % 40) * HOUR));
          }
          return 300;
        };
    Callable<Integer> nodes =
        () -> {
          for (int ahead = 3; ahead < 40; ahead++) {
            node(new Partitioning(Duration.ofHours(1), ahead)).purgeExpired(10);
          }
          return 0;
        };

    Together.run(List.of(claims, claims, nodes));

    assertThat(database.number("SELECT count(*) FROM idem_record")).isEqualTo(600);
    assertThat(partitions().size()).isGreaterThan(20);
  }

  @Test
  void purgesInARowLeaveOneThreadBehind() {
    List<RecordId> noTime =
        IntStream.range(0, 5)
            .mapToObj(i -> completed(new RecordId(0x90L << 56, 10 + i)).id())
            .toList();
    noTime.forEach(id -> database.age(id, LONG_AGO));
    ThreadGroup group = new ThreadGroup("purging");
    AtomicInteger gone = new AtomicInteger();

    // What a thread starts is of its group, so what others do beside this test does not count.
    Thread purging =
        new Thread(
            group, () -> noTime.forEach(id -> gone.addAndGet(store.purgeExpired(1))), "purge");
    purging.start();
    Together.await("the purges", () -> !purging.isAlive());

    assertThat(gone).hasValue(5);
    Thread[] left = new Thread[20];
    List<String> names =
        Arrays.stream(left, 0, group.enumerate(left)).map(Thread::getName).toList();
    assertThat(names).filteredOn("idem-statement-timeouts"::equals).hasSizeLessThan(2);
  }

  @Test
  void purgeOfAPlainTableLeavesAPartitionedOneAlone() {
    RecordId noTime = completed(new RecordId(0x90L << 56, 3)).id();
    database.age(noTime, LONG_AGO);
    JdbcIdempotencyStore unaware = new JdbcIdempotencyStore(database.dataSource());

    // Row addresses mean nothing across partitions.
    assertThat(unaware.purgeExpired(100)).isZero();
    assertThat(unaware.purgeLag().orElseThrow()).isPositive();
    assertThat(store.purgeExpired(100)).isEqualTo(1);
  }

  @Test
  void purgeInsideATransactionIsRefused() {
    database.inTransaction(
        connection -> {
          JdbcTransactionalStore joining =
              new JdbcTransactionalStore(
                  JdbcTransactions.joining(connection), Dialect.POSTGRESQL, database.settings());
          assertThatThrownBy(() -> joining.purgeExpired(10))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("of its own");
          return false;
        });
  }

  @Test
  void layoutIsChecked() {
    new JdbcSchema(database.dataSource(), database.settings()).check();
    assertThatThrownBy(() -> new JdbcSchema(database.dataSource(), JdbcSettings.defaults()).check())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is partitioned")
        .hasMessageContaining("withPartitioning");

    TestDatabase plain = TestDatabase.postgresql();
    assertThatThrownBy(
            () -> new JdbcSchema(plain.dataSource(), database.settings()).createIfAbsent())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("not partitioned")
        .hasMessageContaining("postgresql-partitioned");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"ops.idem_record", "Keys_2", "a_name_of_forty_eight_letters_or_digits_or_su"})
  void tableMayHaveAnotherName(String table) {
    database.execute("CREATE SCHEMA ops");
    JdbcSettings settings = database.settings().withTable(table);
    new JdbcSchema(database.dataSource(), settings).createIfAbsent();
    JdbcIdempotencyStore named = new JdbcIdempotencyStore(database.dataSource(), settings);

    named.claim(Requests.claimOf(idOf(now())));
    assertThat(named.purgeExpired(10)).isZero();
    assertThat(
            database.number(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = '" + table + "' :: regclass"))
        .isEqualTo(6);
    assertThat(database.number("SELECT count(*) FROM " + table + "_rest")).isZero();
  }

  @Test
  void onlyPostgresqlHasPartitions() {
    TestDatabase h2 = TestDatabase.h2();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new JdbcIdempotencyStore(h2.dataSource(), database.settings()))
        .withMessageContaining("PostgreSQL only");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new JdbcSchema(h2.dataSource(), database.settings()));
  }

  @Test
  void settingsHaveBounds() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Partitioning(Duration.ofMinutes(1), 3));
    assertThatIllegalArgumentException().isThrownBy(() -> new Partitioning(Duration.ofDays(1), 0));
  }

  /** Connections whose transactions would keep to their first snapshot. */
  private DataSource strict() {
    return (DataSource)
        Proxy.newProxyInstance(
            DataSource.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (self, method, args) -> {
              Object result = method.invoke(database.dataSource(), args);
              if (result instanceof Connection connection) {
                connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
              }
              return result;
            });
  }

  private JdbcIdempotencyStore node(Partitioning partitioning) {
    return new JdbcIdempotencyStore(
        database.dataSource(), database.settings().withPartitioning(partitioning));
  }

  /** Here the database's clock is this machine's. */
  private static long now() {
    return System.currentTimeMillis() >> 16;
  }

  private static RecordId idOf(long units) {
    RecordId random = Requests.newId();
    return new RecordId((units << 32) | (random.high() >>> 32), random.low());
  }

  /** Makes a partition of an hour that is over. */
  private String partition(long units) {
    String name = "idem_record_old" + units;
    database.execute(
        "CREATE TABLE %s PARTITION OF idem_record FOR VALUES FROM (%s) TO (%s)"
            .formatted(name, first(units), first(units + HOUR)));
    return name;
  }

  private static String first(long units) {
    return "'" + HexFormat.of().toHexDigits((int) units) + "-0000-0000-0000-000000000000'";
  }

  private static String between(long units) {
    return "id >= " + first(units) + " AND id < " + first(units + HOUR);
  }

  private static String sql(RecordId id) {
    return "CAST('" + id + "' AS uuid)";
  }

  private List<String> partitions() {
    String names =
        database.text(
            "SELECT string_agg(inhrelid :: regclass :: text, ' ' ORDER BY 1) FROM pg_inherits"
                + " WHERE inhparent = 'idem_record' :: regclass"
                + " AND inhrelid :: regclass :: text ~ '_(p|old)[0-9a-f]+$'");
    return List.of(names.split(" "));
  }

  private String tableOf(RecordId id) {
    return database.text("SELECT tableoid :: regclass FROM idem_record WHERE id = " + sql(id));
  }

  private List<RecordId> claimAll(int count, long units) {
    List<RecordId> ids = Stream.generate(() -> idOf(units)).limit(count).toList();
    for (int from = 0; from < count; from += 1000) {
      List<RecordId> some = ids.subList(from, Math.min(count, from + 1000));
      database
          .transactional()
          .inTransaction(
              scope ->
                  scope.claimAllCompleted(
                      some.stream().map(Requests::claimOf).toList(),
                      StoredOutcome.done(),
                      Duration.ZERO));
    }
    return ids;
  }

  private List<RecordId> expired(int count, long units) {
    List<RecordId> ids = claimAll(count, units);
    String all = String.join(", ", ids.stream().map(PartitionsTest::sql).toList());
    database.execute(
        "UPDATE idem_record SET expires_at = expires_at - "
            + LONG_AGO.toMillis()
            + " WHERE id IN ("
            + all
            + ")");
    return ids;
  }

  private Lease claimed(RecordId id) {
    return ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
  }

  /** Who waits in vain for a partition that is being made is told "running", and asks again. */
  private void claimedInTheEnd(RecordId id) {
    Claim claim = store.claim(Requests.claimOf(id));
    for (int i = 0;
        i < 20 && claim.equals(new Claim.Running(Fingerprint.NONE, Duration.ZERO));
        i++) {
      claim = store.claim(Requests.claimOf(id));
    }
    assertThat(claim).isInstanceOf(Claim.Acquired.class);
  }

  private Lease completed(RecordId id) {
    Lease lease = claimed(id);
    assertThat(complete(lease)).isEqualTo(LeaseCheck.HELD);
    return lease;
  }

  private LeaseCheck complete(Lease lease) {
    return store.complete(lease, StoredOutcome.done(), Requests.RETENTION);
  }
}
