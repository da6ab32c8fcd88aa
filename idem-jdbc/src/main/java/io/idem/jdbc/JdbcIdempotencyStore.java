package io.idem.jdbc;

import io.idem.core.store.Batch;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.jdbc.internal.BatchTable;
import io.idem.jdbc.internal.LeasedCalls;
import io.idem.jdbc.internal.RecordTable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Leased keys in a table of a relational database.
 *
 * <p>Each call borrows a connection, commits, and gives it back. Autocommit may be on or off. The
 * data source must not be one that hands out the connection of a running transaction, because the
 * call would commit it. Thread-safe.
 */
public final class JdbcIdempotencyStore implements IdempotencyStore, BatchClaims, ExpiredEntries {

  /**
   * How long a claim waits for a statement in flight or for a transactional run of the same key,
   * neither of which can be seen before it commits.
   */
  private static final Duration IN_FLIGHT = Duration.ofMillis(200);

  private final DataSource dataSource;
  private final JdbcSettings settings;
  private final RecordTable table;
  private final BatchTable batches;
  private final LeasedCalls calls;
  private final @Nullable PartitionedPurge partitions;

  /**
   * Creates a store with the default settings.
   *
   * @param dataSource where connections come from
   * @throws IllegalStateException if the database is not one that Idem knows
   * @throws StoreUnavailableException if the database cannot be reached
   */
  public JdbcIdempotencyStore(DataSource dataSource) {
    this(dataSource, JdbcSettings.defaults());
  }

  /**
   * Creates a store.
   *
   * @param dataSource where connections come from
   * @param settings how records are kept
   * @throws IllegalStateException if the database is not one that Idem knows
   * @throws StoreUnavailableException if the database cannot be reached
   */
  public JdbcIdempotencyStore(DataSource dataSource, JdbcSettings settings) {
    this(dataSource, Dialect.of(dataSource), settings);
  }

  /**
   * Creates a store for a database that is known, without connecting to it.
   *
   * @param dataSource where connections come from
   * @param dialect which database it is
   * @param settings how records are kept
   */
  public JdbcIdempotencyStore(DataSource dataSource, Dialect dialect, JdbcSettings settings) {
    this.dataSource = dataSource;
    this.settings = settings;
    this.table = dialect.table(settings);
    this.batches = new BatchTable(table);
    this.calls = new LeasedCalls(dataSource, table);
    this.partitions = PartitionedPurge.of(JdbcTransactions.of(dataSource), dialect, settings);
  }

  @Override
  public Claim claim(ClaimRequest request) {
    return calls.make(
        () -> "Claiming record " + request.id(),
        session -> table.claim(session, request, null, IN_FLIGHT));
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return calls.make(
        () -> "Completing record " + lease.id(),
        session -> table.complete(session, lease, outcome, retention));
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return calls.make(
        () -> "Releasing record " + lease.id(), session -> table.release(session, lease));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return calls.make(
        () -> "Renewing the lease of record " + lease.id(),
        session -> table.renew(session, lease, leaseFor));
  }

  /**
   * {@inheritDoc}
   *
   * <p>One statement on PostgreSQL and MariaDB. Elsewhere one for keys that are all new, beside the
   * setting of its wait, and up to two more to look at those that are not.
   */
  @Override
  public List<Claim> claimAll(List<ClaimRequest> requests) {
    return Batch.claim(
        requests,
        null,
        false,
        distinct ->
            calls.make(
                () -> "Claiming " + distinct.size() + " records",
                session -> batches.claimAll(session, distinct, null, IN_FLIGHT)));
  }

  @Override
  public List<LeaseCheck> completeAll(List<Completion> completions) {
    Batch.requireBounded(completions.size());
    return calls.make(
        () -> "Completing " + completions.size() + " records",
        session -> batches.completeAll(session, completions));
  }

  /**
   * {@inheritDoc}
   *
   * <p>Rows that somebody else has locked are left to the next call where the database can skip
   * them. Due rows without an outcome are put off for a day, so that they do not stand in the way
   * of every later purge.
   *
   * <p>Of a partitioned table, partitions that are no longer needed are dropped first, with all
   * their records, which may be more than the limit; and those of keys to come are made.
   */
  @Override
  public int purgeExpired(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("The limit of a purge is at least 1, found " + limit);
    }
    if (partitions != null) {
      return partitions.purge(limit);
    }
    return calls.make(() -> "Purging expired records", session -> table.purge(session, limit));
  }

  @Override
  public Optional<Duration> purgeLag() {
    return Optional.of(calls.make(() -> "Looking for the oldest expired record", table::purgeLag));
  }

  @Override
  public Object purgeTarget() {
    return new PurgeTarget(dataSource, settings.table());
  }
}
