package io.idem.jdbc.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.MetRecords;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import io.idem.jdbc.LockWait;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The one algorithm of all databases, leased and transactional.
 *
 * <p>A claim goes in rounds:
 *
 * <ol>
 *   <li>A record that this node has met with an outcome is looked at first, once. If the outcome is
 *       still there, that is the answer.
 *   <li>Insert the record. If it went in, the key is the caller's.
 *   <li>Look at the record that was in the way. If there is none any more, or it came after the
 *       statement began, go round again.
 *   <li>If it is completed and past its retention, or abandoned and may be taken over, take it with
 *       a conditional update that decides both again. If it changed meanwhile, go round again.
 *   <li>Otherwise say what it is.
 * </ol>
 *
 * <p>A wait for a lock that was in vain means that a rival has not committed: Running. An insert
 * that was cancelled goes round again with the server's bound for locks, and no wait left: a server
 * that is slow is no rival. A conflict, such as a deadlock, goes round again in a transaction that
 * has done nothing yet, and is an error in every other. Thread-safe; errors are the driver's.
 */
public final class RecordTable {

  /** More rounds than any honest race takes; a stricter isolation level would go on for ever. */
  private static final int MAX_ROUNDS = 16;

  /** As often as a record moves in a row: when its partition is made, and when it is dropped. */
  private static final int MOVES = 2;

  /**
   * The shortest wait that is bounded by a cancellation, which comes up to a twentieth of a second
   * late.
   */
  private static final long LEAST_CANCELLED_MILLIS = 200;

  private static final String DIVISION_BY_ZERO = "22012";
  private static final String CANCELLED = "57014";

  private final DialectSpec dialect;
  private final boolean storeLabels;
  private final boolean partitioned;
  private final boolean boundByClient;
  private final @Nullable SessionBound sessionBound;
  private final long queryTimeoutMillis;
  private final Map<String, String> words;
  private final Map<Verb, Sql> statements = new EnumMap<>(Verb.class);
  private final Map<Verb, Sql> guarded = new EnumMap<>(Verb.class);
  private final StatementTimeouts timeouts = new StatementTimeouts();
  private final MetRecords met = new MetRecords();

  /** Whether the database is new enough for MERGE; null until somebody asks. */
  private volatile @Nullable Boolean merges;

  /**
   * Prepares the statements of one table.
   *
   * @param dialect the database
   * @param table the table
   * @param storeLabels whether rows keep the readable parts of their key
   * @param partitioned whether rows may move between partitions
   * @param lockWait who bounds the wait of claims, as far as the database lets it
   * @param queryTimeout how long a statement may take beyond its wait for a lock; zero for no limit
   */
  public RecordTable(
      DialectSpec dialect,
      TableName table,
      boolean storeLabels,
      boolean partitioned,
      LockWait lockWait,
      Duration queryTimeout) {
    this.dialect = dialect;
    this.storeLabels = storeLabels;
    this.partitioned = partitioned;
    this.boundByClient =
        lockWait == LockWait.BY_CLIENT
            && dialect.queryTimeouts() == DialectSpec.QueryTimeouts.CANCEL;
    this.sessionBound = lockWait == LockWait.OF_SESSION ? new SessionBound() : null;
    this.queryTimeoutMillis = Binder.millis(queryTimeout);
    this.words = Map.of("table", table.value(), "now", dialect.now());
    dialect.statements().forEach((verb, text) -> statements.put(verb, Sql.of(text, words)));
    DialectSpec.Savepoint savepoint = dialect.savepoint();
    if (savepoint != null) {
      statements.forEach(
          (verb, sql) -> guarded.put(verb, sql.between(savepoint.begin(), savepoint.end())));
    }
  }

  /**
   * Claims a key.
   *
   * @param session where
   * @param request what
   * @param outcome its outcome, to be written in the same step; null to leave the key running
   * @param waitAtMost how long to wait for a rival that has not committed
   * @return the answer
   * @throws SQLException if the database fails; SQL state 40001 also if a rival's record cannot be
   *     seen at the transaction's isolation level
   * @throws IllegalStateException if the connection is to bound the wait and does not
   */
  public Claim claim(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost)
      throws SQLException {
    boolean known = met.mayContain(request.id());
    if (known) {
      Claim completed = look(session, request.id());
      if (completed != null) {
        return completed;
      }
    }
    // What was looked at in vain is not there; in a transaction it may not have been looked at.
    return claim(session, request, outcome, waitAtMost, known && session.inTransaction());
  }

  /** As {@link #claim} for a record that was just met, or that a rival is about to commit. */
  Claim claimMet(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost)
      throws SQLException {
    return claim(session, request, outcome, waitAtMost, true);
  }

  private Claim claim(
      Session session,
      ClaimRequest request,
      @Nullable StoredOutcome outcome,
      Duration waitAtMost,
      boolean probablyThere)
      throws SQLException {
    // What databases take for a lock timeout is an int of milliseconds.
    long waitMillis = Math.min(Binder.millis(waitAtMost), Integer.MAX_VALUE);
    return withLockWait(
        session, waitMillis, () -> rounds(session, request, outcome, waitMillis, probablyThere));
  }

  /** Makes a call whose statements wait for locks at most so long, where a session decides that. */
  <R> R withLockWait(Session session, long waitMillis, Bounded<R> call) throws SQLException {
    DialectSpec.SessionLockWait setting = dialect.lockWait();
    if (setting == null) {
      return call.make();
    }
    Long before = setting.get() == null ? null : number(session, setting.get());
    Long wanted = Binder.ceilDiv(waitMillis, setting.millisPerUnit());
    if (wanted.equals(before)) {
      return call.make();
    }
    set(session, setting.set(), wanted);
    R answer;
    try {
      answer = call.make();
    } catch (SQLException | RuntimeException | Error e) {
      try {
        restore(session, setting, before);
      } catch (SQLException restoring) {
        e.addSuppressed(restoring);
      }
      throw e;
    }
    restore(session, setting, before);
    return answer;
  }

  /** A session that keeps our bound would cut others' statements short: it is used no more. */
  private static void restore(
      Session session, DialectSpec.SessionLockWait setting, @Nullable Long before)
      throws SQLException {
    try {
      set(session, setting.restore(), before);
    } catch (SQLException e) {
      try {
        session.connection().abort(Runnable::run);
      } catch (SQLException aborting) {
        e.addSuppressed(aborting);
      }
      throw e;
    }
  }

  /** What is done under a bound for locks. */
  @FunctionalInterface
  interface Bounded<R> {
    R make() throws SQLException;
  }

  /** The database. */
  DialectSpec dialect() {
    return dialect;
  }

  /** What stands for text in the templates. */
  Map<String, String> words() {
    return words;
  }

  private Claim rounds(
      Session session,
      ClaimRequest request,
      @Nullable StoredOutcome outcome,
      long waitMillis,
      boolean probablyThere)
      throws SQLException {
    long start = System.nanoTime();
    Binder values = values(session, request, outcome, waitMillis);
    for (int round = 1; round <= MAX_ROUNDS; round++) {
      long waited = (System.nanoTime() - start) / 1_000_000;
      long waitLeft = Math.max(1, waitMillis - waited);
      values.put(Param.WAIT, waitLeft);
      Claim claim;
      try {
        claim = round(session, request, outcome, values, waitLeft, probablyThere);
      } catch (SQLException e) {
        if (dialect.errors().lockTimeout(e)) {
          undo(session, e);
          return new Claim.Running(Fingerprint.NONE, Duration.ZERO);
        }
        if (session.mode() != Session.Mode.OWNED || !isConflict(e) || round == MAX_ROUNDS) {
          throw e;
        }
        // A victim that has nothing to lose: its transaction begins anew.
        restart(session, e);
        continue;
      }
      if (claim != null) {
        if (claim instanceof Claim.Completed
            || (outcome != null && claim instanceof Claim.Acquired)) {
          met.add(request.id());
        }
        return claim;
      }
    }
    throw new SQLException(
        "The record is there but cannot be seen after "
            + MAX_ROUNDS
            + " rounds: the isolation level is stricter than READ COMMITTED, or it changes all the"
            + " time",
        "40001");
  }

  /** The outcome of a record that is there; null if there is none, or if it must not be read so. */
  private @Nullable Claim look(Session session, RecordId id) throws SQLException {
    Sql sql = sql(session.inTransaction() ? Verb.LOOK : Verb.LOOK_ALONE);
    if (sql.text().isEmpty()) {
      return null;
    }
    Binder values = new Binder(dialect.uuidIds()).put(Param.ID, id.toBytes());
    try (Prepared prepared = prepare(session, sql, values, 0);
        ResultSet result = prepared.statement().executeQuery()) {
      Claim known =
          result.next()
              ? new Claim.Completed(Row.fingerprint(result, 1), Row.outcome(result, 2))
              : null;
      session.settle();
      return known;
    }
  }

  /** One round; null to go round again. */
  private @Nullable Claim round(
      Session session,
      ClaimRequest request,
      @Nullable StoredOutcome outcome,
      Binder values,
      long waitLeft,
      boolean probablyThere)
      throws SQLException {
    Lease first = new Lease(request.id(), request.token(), 1);
    Answer answer =
        probablyThere && has(Verb.INSERT_MEETING)
            ? insertMeeting(session, values, waitLeft)
            : insert(session, outcome, values, waitLeft);
    switch (answer.what()) {
      case TAKEN -> {
        return new Claim.Acquired(first);
      }
      case TAKEN_AND_CANCELLED -> {
        // A commit that waits for standbys stops waiting when it is cancelled. This one waits.
        return renew(session, first, request.leaseFor()) == LeaseCheck.HELD
            ? new Claim.Acquired(first)
            : null;
      }
      case MET -> {}
    }
    Row row = answer.row();
    if (row == null) {
      return null;
    }
    if (row.expired()) {
      values.put(Param.ATTEMPT, 1);
      return taken(session, Verb.TAKE_EXPIRED, values, waitLeft) ? new Claim.Acquired(first) : null;
    }
    if (row.completed()) {
      return new Claim.Completed(row.fingerprint(), row.outcome());
    }
    return running(session, request, row, values, waitLeft);
  }

  private @Nullable Claim running(
      Session session, ClaimRequest request, Row row, Binder values, long waitLeft)
      throws SQLException {
    Long leaseLeft = row.leaseLeft();
    long left = leaseLeft == null ? 0 : leaseLeft;
    boolean held = left > 0;
    if (request.token().equals(row.token())) {
      // The caller's own claim, whose answer was lost. Its lease may have run out meanwhile.
      Lease lease = new Lease(request.id(), request.token(), row.attempt());
      boolean owned =
          held
              || session.inTransaction()
              || renew(session, lease, request.leaseFor()) == LeaseCheck.HELD;
      return owned ? new Claim.Acquired(lease) : null;
    }
    if (held) {
      return new Claim.Running(row.fingerprint(), Duration.ofMillis(left));
    }
    if (leaseLeft == null && session.inTransaction()) {
      // Claimed earlier in this very transaction, which is its lease.
      return new Claim.Running(row.fingerprint(), Duration.ZERO);
    }
    if (row.token() == null
        || !request.takeOver()
        || !request.fingerprint().matches(row.fingerprint())) {
      return new Claim.Abandoned(row.fingerprint(), row.attempt());
    }
    int attempt = row.attempt() + 1;
    Binder taking =
        values.copy().put(Param.ATTEMPT, attempt).put(Param.SEEN_TOKEN, row.token().toBytes());
    if (request.fingerprint().equals(Fingerprint.NONE)) {
      // Who has nothing to compare takes over for the record's own request.
      taking.put(Param.FINGERPRINT, emptyIsNull(row.fingerprint().toBytes()));
    }
    return taken(session, Verb.TAKE_ABANDONED, taking, waitLeft)
        ? new Claim.Acquired(new Lease(request.id(), request.token(), attempt))
        : null;
  }

  /**
   * Completes an owned record.
   *
   * @param session where
   * @param lease whose
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck complete(
      Session session, Lease lease, StoredOutcome outcome, Duration retention) throws SQLException {
    return complete(session, lease, outcome, retention, false);
  }

  /**
   * Completes an owned record.
   *
   * @param session where
   * @param lease whose
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @param inTime whether its claim has it kept as long already
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck complete(
      Session session, Lease lease, StoredOutcome outcome, Duration retention, boolean inTime)
      throws SQLException {
    Verb verb = inTime ? Verb.COMPLETE_IN_TIME : Verb.COMPLETE;
    Binder values =
        owned(lease).put(Param.OUTCOME, bytes(outcome)).put(Param.KEEP, Binder.millis(retention));
    boolean held =
        holds(
            session,
            // The second is rare: lost, or a completion repeated because its answer was lost.
            () -> update(session, verb, values) == 1 || isCompleted(session, values));
    if (held) {
      met.add(lease.id());
    }
    return check(held);
  }

  private boolean isCompleted(Session session, Binder values) throws SQLException {
    try (Prepared prepared = prepare(session, sql(Verb.COMPLETED), values, 0);
        ResultSet result = prepared.statement().executeQuery()) {
      boolean completed = result.next();
      session.settle();
      return completed;
    }
  }

  /**
   * Asks whether a record is the owner's, until the answer cannot be no because it moved: a
   * statement that waits for one partition does not find what has moved to another meanwhile. A
   * transaction's own record cannot move, because its lock on the partition lasts.
   */
  private boolean holds(Session session, Bounded<Boolean> question) throws SQLException {
    boolean held = question.make();
    int again = partitioned && !session.inTransaction() ? MOVES : 0;
    while (!held && again-- > 0) {
      held = question.make();
    }
    return held;
  }

  /**
   * Whether a completion can commit its transaction by the way.
   *
   * @return true if {@link #completeAndCommit} is one round trip
   */
  public boolean commitsWithCompletion() {
    return !sql(Verb.COMPLETE_AND_COMMIT).text().isEmpty();
  }

  /**
   * Completes an owned record and commits the transaction.
   *
   * @param session a transaction whose commit is the caller's to decide
   * @param lease whose
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @param inTime whether its claim has it kept as long already
   * @return LOST if the record was not owned; then nothing is committed, and the transaction can
   *     only be rolled back
   * @throws SQLException if the database fails; it may have committed
   */
  public LeaseCheck completeAndCommit(
      Session session, Lease lease, StoredOutcome outcome, Duration retention, boolean inTime)
      throws SQLException {
    Binder values =
        owned(lease).put(Param.OUTCOME, bytes(outcome)).put(Param.KEEP, Binder.millis(retention));
    Verb merge = inTime ? Verb.MERGE_IN_TIME_AND_COMMIT : Verb.MERGE_AND_COMMIT;
    Sql sql = sql(merges(session) ? merge : Verb.COMPLETE_AND_COMMIT);
    try (Prepared prepared = bound(prepare(session, sql.text(), 0, true), sql, values)) {
      prepared.statement().execute();
    } catch (SQLException e) {
      if (DIVISION_BY_ZERO.equals(e.getSQLState())) {
        return LeaseCheck.LOST;
      }
      throw e;
    }
    met.add(lease.id());
    return LeaseCheck.HELD;
  }

  private boolean merges(Session session) throws SQLException {
    Boolean known = merges;
    if (known == null) {
      known =
          !sql(Verb.MERGE_AND_COMMIT).text().isEmpty()
              && session.connection().getMetaData().getDatabaseMajorVersion()
                  >= DialectSpec.MERGES_FROM;
      merges = known;
    }
    return known;
  }

  /**
   * Deletes an owned record.
   *
   * @param session where
   * @param lease whose
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck release(Session session, Lease lease) throws SQLException {
    Binder values = owned(lease);
    return check(holds(session, () -> update(session, Verb.RELEASE, values) == 1));
  }

  /**
   * Lets a lease run out at another time.
   *
   * @param session where
   * @param lease whose
   * @param leaseFor how long it holds from now
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck renew(Session session, Lease lease, Duration leaseFor) throws SQLException {
    Binder values = owned(lease).put(Param.LEASE, Binder.millis(leaseFor));
    return check(holds(session, () -> update(session, Verb.RENEW, values) == 1));
  }

  /**
   * Deletes completed records past their retention.
   *
   * @param session where
   * @param limit the most to delete
   * @return how many were deleted
   * @throws SQLException if the database fails
   */
  public int purge(Session session, int limit) throws SQLException {
    Binder values = new Binder(dialect.uuidIds()).put(Param.LIMIT, limit);
    int deleted = update(session, Verb.PURGE, values);
    if (deleted < limit) {
      update(session, Verb.DEFER, values);
    }
    return deleted;
  }

  /**
   * For how long the oldest record that could be purged has been past its retention.
   *
   * @param session where
   * @return zero if there is none
   * @throws SQLException if the database fails
   */
  public Duration purgeLag(Session session) throws SQLException {
    Binder none = new Binder(dialect.uuidIds());
    try (Prepared prepared = prepare(session, sql(Verb.LAG), none, 0);
        ResultSet result = prepared.statement().executeQuery()) {
      Duration lag = result.next() ? Duration.ofMillis(result.getLong(1)) : Duration.ZERO;
      session.settle();
      return lag;
    }
  }

  /**
   * Whether an error means that the transaction may be run again.
   *
   * @param e what the driver said
   * @return true for a deadlock or a serialization conflict
   */
  public boolean isConflict(SQLException e) {
    return dialect.errors().conflict(e);
  }

  private Answer insert(
      Session session, @Nullable StoredOutcome outcome, Binder values, long waitLeft)
      throws SQLException {
    Prepared cancelled = cancelledInTime(session, outcome, values, waitLeft);
    Answer answer;
    try (Prepared prepared =
        cancelled != null ? cancelled : boundedInsert(session, outcome, values, waitLeft)) {
      answer = inserted(session, prepared.statement());
    } catch (SQLException e) {
      if (cancelled != null && cancelled.isCancelled() && CANCELLED.equals(e.getSQLState())) {
        // For a rival, or for a slow server? The next round has no wait left, and the server tells.
        undo(session, e);
        return new Answer(Met.MET, null);
      }
      if (!dialect.errors().duplicate(e)) {
        throw e;
      }
      answer = null;
    }
    if (answer == null) {
      return new Answer(Met.MET, read(session, readingMet(session), values));
    }
    boolean late = cancelled != null && cancelled.isCancelled() && !session.inTransaction();
    return late && answer.what() == Met.TAKEN ? new Answer(Met.TAKEN_AND_CANCELLED, null) : answer;
  }

  /** What an insert came to; null if what it met has to be read. */
  private @Nullable Answer inserted(Session session, PreparedStatement statement)
      throws SQLException {
    ResultSet result = firstResult(session, statement);
    boolean taken;
    if (result == null) {
      taken = statement.getUpdateCount() == 1;
    } else {
      // No row if nothing went in.
      taken = result.next() && result.getInt(1) == 1;
    }
    session.settle();
    return taken ? new Answer(Met.TAKEN, null) : null;
  }

  /** An insert that reads what it meets by itself. */
  private Answer insertMeeting(Session session, Binder values, long waitLeft) throws SQLException {
    try (Prepared prepared =
        prepare(session, claimSql(session, Verb.INSERT_MEETING), values, waitLeft)) {
      ResultSet result = firstResult(session, prepared.statement());
      Answer answer = new Answer(Met.MET, null); // if what was in the way is gone where it is read
      if (result != null && result.next()) {
        boolean taken = result.getInt(1) == 1;
        answer = taken ? new Answer(Met.TAKEN, null) : new Answer(Met.MET, Row.of(result));
      }
      session.settle();
      return answer;
    }
  }

  /** The insert of a claim whose wait the server bounds. */
  private Prepared boundedInsert(
      Session session, @Nullable StoredOutcome outcome, Binder values, long waitMillis)
      throws SQLException {
    boolean unbounded = sessionBound != null && sessionBound.isEnough(session, waitMillis);
    return prepare(session, insertion(session, outcome, unbounded), values, waitMillis);
  }

  /**
   * The insert of a claim that is cancelled when it has waited long enough. Null if a cancellation
   * cannot be had or trusted, or would come too late.
   */
  private @Nullable Prepared cancelledInTime(
      Session session, @Nullable StoredOutcome outcome, Binder values, long waitMillis)
      throws SQLException {
    if (!boundByClient || waitMillis < LEAST_CANCELLED_MILLIS || !timeouts.areHeeded()) {
      return null;
    }
    Sql sql = insertion(session, outcome, true);
    PreparedStatement statement = session.connection().prepareStatement(sql.text());
    StatementTimeouts.Timed timed = timeouts.begin(statement, waitMillis);
    if (timed == null) {
      statement.close();
      return null;
    }
    return bound(new Prepared(statement, timed, false), sql, values);
  }

  private @Nullable Row read(Session session, Sql sql, Binder values) throws SQLException {
    try (Prepared prepared = prepare(session, sql, values, 0);
        ResultSet result = prepared.statement().executeQuery()) {
      Row row = result.next() ? Row.of(result) : null;
      session.settle();
      return row;
    }
  }

  /** The insert of a claim, in the form that costs least. */
  private Sql insertion(Session session, @Nullable StoredOutcome outcome, boolean unbounded) {
    Verb bounded = Verb.INSERT;
    Verb unboundedForm = Verb.INSERT_UNBOUNDED;
    if (!session.inTransaction()) {
      bounded = Verb.INSERT_ALONE;
      unboundedForm = Verb.INSERT_ALONE_UNBOUNDED;
    } else if (outcome != null && bytes(outcome) == null) {
      bounded = Verb.INSERT_DONE;
      unboundedForm = Verb.INSERT_DONE_UNBOUNDED;
    }
    // Another form may leave out columns that this one needs.
    Verb verb = unbounded && has(unboundedForm) ? unboundedForm : bounded;
    return claimSql(session, has(verb) ? verb : Verb.INSERT);
  }

  private boolean has(Verb verb) {
    return !sql(verb).text().isEmpty();
  }

  /** Reads what an insert met. */
  private Sql readingMet(Session session) {
    return sql(session.inTransaction() ? Verb.READ : Verb.READ_ALONE);
  }

  private boolean taken(Session session, Verb verb, Binder values, long waitLeft)
      throws SQLException {
    Sql sql = claimSql(session, verb);
    try (Prepared prepared = prepare(session, sql, values, waitLeft)) {
      PreparedStatement statement = prepared.statement();
      ResultSet result = firstResult(session, statement);
      boolean taken;
      if (result == null) {
        taken = statement.getUpdateCount() == 1;
      } else {
        result.next();
        taken = result.getInt(1) == 1;
      }
      session.settle();
      return taken;
    }
  }

  private int update(Session session, Verb verb, Binder values) throws SQLException {
    try (Prepared prepared = prepare(session, sql(verb), values, 0)) {
      PreparedStatement statement = prepared.statement();
      int count = statement.executeUpdate();
      session.settle();
      return count;
    }
  }

  /** Skips the count of a savepoint's statement. Null if the dialect answers with a count. */
  @Nullable ResultSet firstResult(Session session, PreparedStatement statement)
      throws SQLException {
    boolean isResult = statement.execute();
    if (!isResult && isGuarded(session)) {
      isResult = statement.getMoreResults();
    }
    return isResult ? statement.getResultSet() : null;
  }

  void undo(Session session, SQLException cause) throws SQLException {
    try {
      switch (session.mode()) {
        case AUTOCOMMIT -> {}
        case COMMIT_EACH -> session.connection().rollback();
        case OWNED -> {
          if (dialect.savepoint() != null) {
            session.connection().rollback();
          }
        }
        case JOINED -> {
          if (dialect.savepoint() != null) {
            try (Statement statement = session.connection().createStatement()) {
              statement.execute(dialect.savepoint().undo());
            }
          }
          String rolledBack = dialect.errors().timeoutRollsBack();
          if (rolledBack != null && number(session, rolledBack) == 1) {
            throw new SQLException(
                "The lock timeout rolled the whole transaction back"
                    + " (innodb_rollback_on_timeout is on)",
                "40001");
          }
        }
      }
    } catch (SQLException e) {
      e.addSuppressed(cause);
      throw e;
    }
  }

  static void restart(Session session, SQLException cause) throws SQLException {
    try {
      session.connection().rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
      throw cause;
    }
  }

  Prepared prepare(Session session, Sql sql, Binder values, long waitMillis) throws SQLException {
    return bound(prepare(session, sql.text(), waitMillis), sql, values);
  }

  private static Prepared bound(Prepared prepared, Sql sql, Binder values) throws SQLException {
    try {
      values.bind(prepared.statement(), sql.params());
      return prepared;
    } catch (SQLException | RuntimeException | Error e) {
      prepared.close();
      throw e;
    }
  }

  /** A statement that takes no longer than it may, without its values. */
  Prepared prepare(Session session, String text, long waitMillis) throws SQLException {
    return prepare(session, text, waitMillis, !session.inTransaction());
  }

  private Prepared prepare(Session session, String text, long waitMillis, boolean commits)
      throws SQLException {
    PreparedStatement statement = session.connection().prepareStatement(text);
    try {
      return new Prepared(statement, limit(statement, waitMillis), commits);
    } catch (SQLException | RuntimeException | Error e) {
      statement.close();
      throw e;
    }
  }

  private StatementTimeouts.@Nullable Timed limit(PreparedStatement statement, long waitMillis)
      throws SQLException {
    if (queryTimeoutMillis == 0 || dialect.queryTimeouts() == DialectSpec.QueryTimeouts.NONE) {
      return null;
    }
    // On top of the wait, so that the wait always ends first and as itself.
    if (dialect.queryTimeouts() == DialectSpec.QueryTimeouts.CANCEL) {
      StatementTimeouts.Timed timed = timeouts.begin(statement, queryTimeoutMillis + waitMillis);
      if (timed != null) {
        return timed;
      }
    }
    long seconds = Binder.ceilDiv(queryTimeoutMillis, 1000) + Binder.ceilDiv(waitMillis, 1000);
    statement.setQueryTimeout((int) Math.min(seconds, Integer.MAX_VALUE / 1000));
    return null;
  }

  Sql claimSql(Session session, Verb verb) {
    Sql sql = isGuarded(session) ? guarded.get(verb) : null;
    return sql == null ? sql(verb) : sql;
  }

  /** Whether claims go between a savepoint and its end. */
  private boolean isGuarded(Session session) {
    return session.mode() == Session.Mode.JOINED && dialect.savepoint() != null;
  }

  Sql sql(Verb verb) {
    Sql sql = statements.get(verb);
    if (sql == null) {
      throw new IllegalStateException("The dialect " + dialect.product() + " lacks " + verb);
    }
    return sql;
  }

  Binder owned(Lease lease) {
    return new Binder(dialect.uuidIds())
        .put(Param.ID, lease.id().toBytes())
        .put(Param.TOKEN, lease.token().toBytes());
  }

  Binder values(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, long waitMillis) {
    // A completed row has no owner and, without an answer, nothing to describe: it is kept small.
    boolean inbox = outcome != null && bytes(outcome) == null;
    long leaseMillis = Math.max(1, Binder.millis(request.leaseFor()));
    // The clock is read before the wait, so the wait counts as well.
    long keepMillis =
        (outcome == null ? leaseMillis : 0) + waitMillis + Binder.millis(request.retention());
    RecordLabel label = storeLabels && !inbox ? request.label() : null;
    Binder values =
        new Binder(dialect.uuidIds())
            .put(Param.ID, request.id().toBytes())
            .put(Param.STATE, outcome == null ? Row.RUNNING : Row.COMPLETED)
            .put(Param.FINGERPRINT, emptyIsNull(request.fingerprint().toBytes()))
            .put(Param.KEEP, keepMillis);
    if (outcome == null) {
      values.put(Param.TOKEN, request.token().toBytes());
    } else {
      values.put(Param.OUTCOME, bytes(outcome));
    }
    if (!inbox) {
      values.put(Param.AGE, 0L);
    }
    if (!session.inTransaction()) {
      values.put(Param.LEASE, leaseMillis + waitMillis);
    }
    if (label != null) {
      values
          .put(Param.NAMESPACE, Labels.clean(label.namespace()))
          .put(Param.OPERATION, Labels.clean(label.operation()))
          .put(Param.SOURCE, Labels.clean(label.source()))
          .put(Param.KEY, Labels.clean(label.key()));
    }
    return values;
  }

  static byte @Nullable [] bytes(StoredOutcome outcome) {
    return outcome.equals(StoredOutcome.done()) ? null : outcome.toBytes();
  }

  private static byte @Nullable [] emptyIsNull(byte[] bytes) {
    return bytes.length == 0 ? null : bytes;
  }

  private static LeaseCheck check(boolean held) {
    return held ? LeaseCheck.HELD : LeaseCheck.LOST;
  }

  private static long number(Session session, String query) throws SQLException {
    try (Statement statement = session.connection().createStatement();
        ResultSet result = statement.executeQuery(query)) {
      result.next();
      return result.getLong(1);
    }
  }

  private static void set(Session session, String sql, @Nullable Long value) throws SQLException {
    try (PreparedStatement statement = session.connection().prepareStatement(sql)) {
      if (value != null) {
        statement.setLong(1, value);
      }
      statement.execute();
    }
  }

  /** What an insert came to. */
  private enum Met {
    TAKEN,
    /** It went in, and was cancelled while its transaction may have been committing. */
    TAKEN_AND_CANCELLED,
    MET
  }

  /**
   * The answer of an insert.
   *
   * @param row what it met; null also if that cannot be seen yet, or if the insert was cancelled
   */
  private record Answer(Met what, @Nullable Row row) {}
}
