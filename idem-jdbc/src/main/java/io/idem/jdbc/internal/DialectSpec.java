package io.idem.jdbc.internal;

import io.idem.jdbc.DriverErrors;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What tells one database from another, as data: statements, error codes, limits.
 *
 * @param product the name the driver's metadata gives
 * @param minMajor the oldest major version that works
 * @param minMinor the oldest minor version of it that works
 * @param folder where its DDL lies, below {@code io/idem/jdbc/schema}
 * @param now the database's wall clock in epoch milliseconds; it advances within a transaction
 * @param uuidIds whether 16-byte values are bound as {@link java.util.UUID} rather than as bytes
 * @param queryTimeouts how a single statement is limited
 * @param statements the statement of every verb
 * @param lockWait how a session's lock wait is set; null if the claims' statements do it themselves
 * @param savepoint how a claim is undone within a transaction; null if a failed statement harms
 *     nothing but itself
 * @param schema how the schema is looked at
 * @param errors what the driver's errors mean
 * @param batches how a batch is claimed
 */
public record DialectSpec(
    String product,
    int minMajor,
    int minMinor,
    String folder,
    String now,
    boolean uuidIds,
    QueryTimeouts queryTimeouts,
    Map<Verb, String> statements,
    @Nullable SessionLockWait lockWait,
    @Nullable Savepoint savepoint,
    Schema schema,
    DriverErrors errors,
    Batches batches) {

  /**
   * PostgreSQL 12 and later.
   *
   * <p>A claim is one insert. It sets {@code lock_timeout} for the transaction and sets it back to
   * what it was; after an error the rollback does. After a conflict a read follows, which has a
   * snapshot of its own and therefore sees what was committed while the insert waited. The other
   * statements set the bound and set it back in common table expressions.
   *
   * <p>A new row's expiry is rounded up to 1.024 seconds, which takes a bit operation: the index of
   * the purge keeps equal values in a third of the space.
   */
  public static final DialectSpec POSTGRESQL =
      new DialectSpec(
          "PostgreSQL",
          12,
          0,
          "postgresql",
          "CAST(date_part('epoch', clock_timestamp()) * 1000 AS bigint)",
          true,
          QueryTimeouts.CANCEL,
          Verb.standardBut(
              Insert.POSTGRESQL,
              Map.of(
                  Verb.TAKE_EXPIRED,
                  Take.postgresql("t.state = 2 AND t.expires_at <= {now}"),
                  Verb.TAKE_ABANDONED,
                  Take.postgresql(
                      "t.state = 1 AND t.owner_token = {seen_token}"
                          + " AND (t.lease_until IS NULL OR t.lease_until <= {now})"),
                  // The arrays say their types, which preferQueryMode=simple does not. The keys go
                  // in by the order of their ids. The setting is set back on the outer side of the
                  // join, so that it is even if no row is left over.
                  Verb.INSERT_ALL,
                  """
                  WITH s AS MATERIALIZED (
                    SELECT current_setting('lock_timeout') AS before,
                      set_config('lock_timeout', CAST({wait} AS text), true) AS during,
                      {now} AS now
                  ), b AS MATERIALIZED (
                    SELECT * FROM unnest(
                      CAST({lease} AS bigint[]), CAST({keep} AS bigint[]),
                      CAST({age} AS bigint[]), CAST({state} AS integer[]),
                      CAST({id} AS uuid[]), CAST({token} AS uuid[]),
                      CAST({fingerprint} AS bytea[]), CAST({namespace} AS text[]),
                      CAST({operation} AS text[]), CAST({source} AS text[]),
                      CAST({key} AS text[]), CAST({outcome} AS bytea[]))
                    AS b (lease, keep, age, state, id, owner_token, fingerprint, namespace,
                      operation, source, idempotency_key, outcome)
                  ), ins AS (
                    INSERT INTO {table} (
                      lease_until, expires_at, created_at, attempt, state, id, owner_token,
                      fingerprint, namespace, operation, source, idempotency_key, outcome)
                    SELECT s.now + lease, (s.now + keep) | 1023, s.now + age, 1, state,
                      id, owner_token, fingerprint, namespace, operation, source, idempotency_key,
                      outcome
                    FROM s CROSS JOIN b ORDER BY id
                    ON CONFLICT (id) DO NOTHING
                    RETURNING id
                  ), restored AS MATERIALIZED (
                    SELECT set_config('lock_timeout', s.before, true)
                    FROM s CROSS JOIN (SELECT count(*) AS taken FROM ins) c
                  )
                  SELECT 0 AS taken, r.state, r.owner_token, r.attempt, r.fingerprint, r.outcome,
                    r.lease_until - {now} AS lease_left, r.expires_at - {now} AS expires_in, o.id
                  FROM restored LEFT JOIN (
                    SELECT id FROM b WHERE NOT EXISTS (SELECT 1 FROM ins WHERE ins.id = b.id)
                  ) o ON true
                  LEFT JOIN {table} r ON r.id = o.id
                  """,
                  Verb.READ_ALL,
                  "",
                  Verb.COMPLETE_ALL,
                  """
                  UPDATE {table} t SET state = 2, outcome = b.outcome,
                    expires_at = GREATEST(t.expires_at, {now} + b.keep)
                  FROM unnest(CAST({id} AS uuid[]), CAST({token} AS uuid[]),
                    CAST({outcome} AS bytea[]), CAST({keep} AS bigint[]))
                    AS b (id, token, outcome, keep)
                  WHERE t.id = b.id AND t.owner_token = b.token AND t.state = 1
                  """,
                  Verb.LAG,
                  """
                  SELECT {now} - expires_at FROM {table}
                  WHERE state = 2 AND expires_at <= (SELECT {now}) ORDER BY expires_at LIMIT 1
                  """,
                  // Asked for as a subquery, the clock is read once and the index can be used. Of
                  // ONLY this table: a ctid says nothing without the partition it is of.
                  Verb.PURGE,
                  """
                  DELETE FROM ONLY {table} WHERE ctid = ANY (ARRAY (
                    SELECT ctid FROM ONLY {table} WHERE state = 2 AND expires_at <= (SELECT {now})
                    ORDER BY expires_at LIMIT {limit} FOR UPDATE SKIP LOCKED))
                  """,
                  Verb.DEFER,
                  """
                  UPDATE ONLY {table} SET expires_at = {now} + 86400000 WHERE ctid = ANY (ARRAY (
                    SELECT ctid FROM ONLY {table} WHERE state = 1 AND expires_at <= (SELECT {now})
                    ORDER BY expires_at LIMIT {limit} FOR UPDATE SKIP LOCKED))
                  """)),
          null,
          new Savepoint(
              "SAVEPOINT idem_claim",
              "RELEASE SAVEPOINT idem_claim",
              "ROLLBACK TO SAVEPOINT idem_claim; RELEASE SAVEPOINT idem_claim"),
          new Schema(
              "SELECT obj_description(to_regclass(CAST(? AS text) || ?), 'pg_class')",
              "SELECT pg_advisory_xact_lock(1768187245)",
              false,
              "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(CAST(? AS text))"),
          // 23514: a partition was made for a key that was on its way into the default one.
          new DriverErrors(Set.of(), Set.of("55P03"), Set.of("40001", "40P01", "23514"), null),
          Batches.HALVING);

  /**
   * H2 2.3 and later, in its own mode or another one of its compatibility modes.
   *
   * <p>A failed insert leaves the transaction usable, so a duplicate is told by its error. The
   * clock is the time inside a version 7 UUID: CURRENT_TIMESTAMP stands still within a transaction.
   * H2 applies a query timeout to the whole session, so none is set.
   */
  public static final DialectSpec H2 =
      new DialectSpec(
          "H2",
          2,
          3,
          "h2",
          "CAST(X'0000' || SUBSTRING(CAST(RANDOM_UUID(7) AS VARBINARY(16)) FROM 1 FOR 6) AS BIGINT)",
          false,
          QueryTimeouts.NONE,
          Verb.standardBut(
              Map.of(
                  // Not every compatibility mode knows LIMIT.
                  Verb.LAG,
                  """
                  SELECT {now} - expires_at FROM {table} WHERE state = 2 AND expires_at <= {now}
                  ORDER BY expires_at FETCH FIRST ROW ONLY
                  """,
                  // By the standing clock, for which H2 uses the index. It is never ahead.
                  Verb.PURGE,
                  """
                  DELETE FROM {table} WHERE state = 2 AND id IN (
                    SELECT id FROM {table} WHERE state = 2 AND expires_at
                      <= CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)
                    ORDER BY expires_at FETCH FIRST {limit} ROWS ONLY)
                  AND expires_at <= CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)
                  """,
                  Verb.DEFER,
                  """
                  UPDATE {table} SET expires_at = {now} + 86400000 WHERE state = 1 AND id IN (
                    SELECT id FROM {table} WHERE state = 1 AND expires_at
                      <= CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)
                    ORDER BY expires_at FETCH FIRST {limit} ROWS ONLY)
                  """)),
          new SessionLockWait(
              "SELECT LOCK_TIMEOUT()", "SET LOCK_TIMEOUT ?", "SET LOCK_TIMEOUT ?", 1),
          null,
          new Schema(
              """
              SELECT REMARKS FROM INFORMATION_SCHEMA.TABLES
              WHERE UPPER(TABLE_SCHEMA)
                  = COALESCE(UPPER(NULLIF(RTRIM(CAST(? AS VARCHAR), '.'), '')), UPPER(CURRENT_SCHEMA))
                AND UPPER(TABLE_NAME) = UPPER(?)
              """,
              null,
              true,
              null),
          new DriverErrors(Set.of("23505"), Set.of("50200"), Set.of("40001", "90131"), null),
          Batches.HALVING);

  /**
   * MariaDB 10.6 and later, through either driver.
   *
   * <p>A claim is a plain insert, and after a duplicate error a read of the row that was in the
   * way. Of a record that is probably there, both are one compound statement, which the server
   * takes longer to parse than to do. In a transaction the read is a locking one: it sees what a
   * rival committed during the wait, also at REPEATABLE READ, and it takes no snapshot that the
   * caller's own reads would then be bound to. {@code SET STATEMENT} bounds the wait for one
   * statement alone.
   */
  public static final DialectSpec MARIADB =
      new DialectSpec(
          "MariaDB",
          10,
          6,
          "mariadb",
          InnoDb.NOW,
          false,
          QueryTimeouts.DRIVER,
          InnoDb.statementsBut(
              Map.ofEntries(
                  Map.entry(
                      Verb.INSERT,
                      InnoDb.WAITING
                          + InnoDb.insert(
                              "state, outcome, " + InnoDb.OWNER_COLUMNS,
                              "{state}, {outcome}, " + InnoDb.OWNER)),
                  Map.entry(
                      Verb.INSERT_ALONE,
                      InnoDb.WAITING
                          + InnoDb.insert(
                              "state, lease_until, " + InnoDb.OWNER_COLUMNS,
                              "1, {now} + {lease}, " + InnoDb.OWNER)),
                  Map.entry(Verb.INSERT_DONE, InnoDb.WAITING + InnoDb.insert("state", "2")),
                  Map.entry(Verb.INSERT_MEETING, InnoDb.INSERT_OR_READ),
                  Map.entry(Verb.READ, InnoDb.READ_AT_ONCE),
                  Map.entry(Verb.TAKE_EXPIRED, InnoDb.WAITING + InnoDb.changing(Verb.TAKE_EXPIRED)),
                  Map.entry(
                      Verb.TAKE_ABANDONED, InnoDb.WAITING + InnoDb.changing(Verb.TAKE_ABANDONED)),
                  Map.entry(Verb.INSERT_ALL, InnoDb.CLAIM_IN_ORDER),
                  Map.entry(Verb.READ_ALL, ""))),
          null,
          null,
          InnoDb.SCHEMA,
          InnoDb.ERRORS,
          Batches.ORDERED);

  /**
   * MySQL 8.0 and later.
   *
   * <p>As {@link #MARIADB}, with a statement for each step: there is neither a compound statement
   * nor a setting for one statement outside stored routines.
   */
  public static final DialectSpec MYSQL =
      new DialectSpec(
          "MySQL",
          8,
          0,
          "mysql",
          InnoDb.NOW,
          false,
          QueryTimeouts.DRIVER,
          InnoDb.statementsBut(
              Map.of(
                  Verb.READ,
                  InnoDb.READ,
                  Verb.TAKE_EXPIRED,
                  InnoDb.changing(Verb.TAKE_EXPIRED),
                  Verb.TAKE_ABANDONED,
                  InnoDb.changing(Verb.TAKE_ABANDONED),
                  Verb.INSERT_ALL,
                  """
                  INSERT INTO {table} (
                    lease_until, expires_at, created_at, attempt, state, id, owner_token,
                    fingerprint, namespace, operation, source, idempotency_key, outcome)
                  SELECT {now} + {lease}, {now} + {keep}, {now} + {age}, 1, {state}, {id}, {token},
                    {fingerprint}, {namespace}, {operation}, {source}, {key}, {outcome}
                  FROM {rows} ORDER BY r.v_id
                  """,
                  Verb.READ_ALL,
                  """
                  SELECT 0 AS taken, state, owner_token, attempt, fingerprint, outcome,
                    lease_until - {now} AS lease_left, expires_at - {now} AS expires_in, t.id
                  FROM {rows} STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON t.id = {id}
                  """)),
          // Below 1 it is out of range, which strict sessions refuse.
          new SessionLockWait(
              null,
              "SET @idem_lock_wait = @@SESSION.innodb_lock_wait_timeout,"
                  + " SESSION innodb_lock_wait_timeout = GREATEST(1, ?)",
              "SET SESSION innodb_lock_wait_timeout = @idem_lock_wait",
              1000),
          null,
          InnoDb.SCHEMA,
          InnoDb.ERRORS,
          Batches.OPTIMISTIC);

  /**
   * The major version from which {@link Verb#MERGE_AND_COMMIT} is understood where it is not empty.
   */
  static final int MERGES_FROM = 15;

  /**
   * With what a statement fails that would commit if the record were there. No trigger that fires
   * at the commit is likely to fail with it: a division by zero could be one's.
   */
  static final String LOST_BEFORE_COMMIT = "2201G";

  /** How a statement is kept from taking for ever. */
  enum QueryTimeouts {
    /** The driver would limit its whole session. */
    NONE,
    /** The driver does. */
    DRIVER,
    /**
     * See {@link StatementTimeouts}, where a cancellation spares what comes after the statement.
     */
    CANCEL
  }

  /** How a batch of keys is claimed. */
  enum Batches {
    /** See {@link HalvingRun}. */
    HALVING,
    /** See {@link OrderedRun}. */
    ORDERED,
    /** See {@link OptimisticRun}. */
    OPTIMISTIC
  }

  /**
   * A session setting that bounds the wait for a lock.
   *
   * @param get reads it in its own unit; null if {@code set} puts it aside by itself
   * @param set writes it, with one parameter
   * @param restore sets it back; its parameter is what {@code get} read, if that is there
   * @param millisPerUnit its unit
   */
  record SessionLockWait(@Nullable String get, String set, String restore, long millisPerUnit) {}

  /**
   * Statements around a claim, in a database where any error spoils the transaction.
   *
   * @param begin sent before the claim in the same round trip
   * @param end sent after it in the same round trip
   * @param undo makes the transaction usable again after an error
   */
  record Savepoint(String begin, String end, String undo) {}

  /**
   * How the schema is looked at.
   *
   * @param comment reads the table's comment; its parameters are the schema with its dot, possibly
   *     empty, and the table
   * @param lock keeps other creators out until the transaction ends; null if the script may be run
   *     by several at once
   * @param indexInSchema whether the name of a new index carries its schema
   * @param partitioned asks whether a table is partitioned; its parameter is the table. Null if
   *     there is no such layout
   */
  record Schema(
      String comment, @Nullable String lock, boolean indexInSchema, @Nullable String partitioned) {}

  private static final class Insert {

    /**
     * Where the values of an insert come from.
     *
     * @param text what follows the columns
     * @param clock the time in its values
     * @param expiry the expiry in its values
     */
    private record Source(String text, String clock, String expiry) {

      /** Values that read the clock each time. */
      static Source of(String text) {
        return new Source(text, "{now}", "({now} + {keep}) | 1023");
      }

      String values(String others) {
        return text.replace("{values}", expiry + ", {id}, {fingerprint}, " + others)
            .replace("{clock}", clock);
      }
    }

    private static final String OWNER_COLUMNS =
        "created_at, owner_token, namespace, operation, source, idempotency_key";

    private static final String OWNER =
        "{clock}, {token}, {namespace}, {operation}, {source}, {key}";

    /**
     * Bounds the wait of an insert and sets the bound back, both within the statement: of two rows
     * that are made one after the other, the first is inserted, and the second is not, which is
     * asked for when the first has been inserted or has met another. What the bound was before is
     * put aside under a name of our own. Operands of CASE and AND are computed from left to right.
     */
    private static final Source BOUNDED =
        Source.of(
            """
        SELECT {values}, 1 FROM (VALUES (true), (false)) b (begins) WHERE CASE WHEN begins
        THEN set_config('idem.lock_timeout', current_setting('lock_timeout'), true) IS NOT NULL
          AND set_config('lock_timeout', CAST({wait} AS text), true) IS NOT NULL
        ELSE set_config('lock_timeout', current_setting('idem.lock_timeout'), true) IS NULL END
        """);

    /** Bounds the wait of an insert whose transaction ends with it, which sets the bound back. */
    private static final Source BOUNDED_TO_ITS_END =
        Source.of(
            """
        VALUES ({values},
          CASE WHEN set_config('lock_timeout', CAST({wait} AS text), true) IS NOT NULL THEN 1 END)
        """);

    private static final Source UNBOUNDED = Source.of("VALUES ({values}, 1)");

    /**
     * As above, but the clock is read once for several values: a reading is four calls of
     * functions, which a statement prepares anew whenever it is executed.
     */
    private static final Source UNBOUNDED_BY_ONE_CLOCK =
        new Source("SELECT {values}, 1 FROM (SELECT {now}) clock (n)", "n", "(n + {keep}) | 1023");

    static final Map<Verb, String> POSTGRESQL =
        Map.of(
            Verb.INSERT,
            inTransaction(BOUNDED),
            Verb.INSERT_ALONE,
            alone(BOUNDED_TO_ITS_END),
            Verb.INSERT_DONE,
            done(BOUNDED),
            Verb.INSERT_UNBOUNDED,
            inTransaction(UNBOUNDED_BY_ONE_CLOCK),
            Verb.INSERT_ALONE_UNBOUNDED,
            alone(UNBOUNDED_BY_ONE_CLOCK),
            Verb.INSERT_DONE_UNBOUNDED,
            done(UNBOUNDED),
            Verb.LOOK,
            Verb.LOOK_ALONE.standard(),
            Verb.COMPLETE_AND_COMMIT,
            "WITH u AS ("
                + Verb.COMPLETE.standard()
                + " RETURNING 1) SELECT "
                + failsFor("count(*)")
                + " FROM u; COMMIT",
            Verb.MERGE_AND_COMMIT,
            merging(", expires_at = GREATEST(expires_at, {now} + {keep})"),
            Verb.MERGE_IN_TIME_AND_COMMIT,
            merging(""));

    private static String inTransaction(Source source) {
      return insert("state, outcome, " + OWNER_COLUMNS, "{state}, {outcome}, " + OWNER, source);
    }

    private static String alone(Source source) {
      return insert(
          "state, lease_until, " + OWNER_COLUMNS, "1, {clock} + {lease}, " + OWNER, source);
    }

    private static String done(Source source) {
      return insert("state", "2", source);
    }

    /** The attempt comes last, because what sets the bound may stand in its place. */
    private static String insert(String columns, String values, Source source) {
      return "INSERT INTO {table} (expires_at, id, fingerprint, "
          + columns
          + ", attempt) "
          + source.values(values)
          + " ON CONFLICT (id) DO NOTHING";
    }

    /** The value is one that is not known when the statement is planned. */
    private static String merging(String expiry) {
      return """
      MERGE INTO {table} USING (SELECT 1) one
      ON id = {id} AND owner_token = {token} AND state = 1
      WHEN MATCHED THEN UPDATE SET state = 2, outcome = {outcome}%s
      WHEN NOT MATCHED THEN
        INSERT (attempt) VALUES (%s); COMMIT
      """
          .formatted(expiry, failsFor("clock_timestamp() IS NULL"));
    }

    /** Fails with {@link #LOST_BEFORE_COMMIT} for 0, and is 1 for 1. */
    private static String failsFor(String value) {
      return "width_bucket(1.0, 1, 2, CAST(" + value + " AS int))";
    }
  }

  private static final class Take {

    /** A take-over with the wait bound of the insert above. */
    static String postgresql(String condition) {
      return """
      WITH s AS MATERIALIZED (
        SELECT current_setting('lock_timeout') AS before,
          set_config('lock_timeout', CAST({wait} AS text), true) AS during
      ), u AS (
        UPDATE {table} t SET attempt = {attempt}, state = {state}, owner_token = {token},
          lease_until = {now} + {lease}, expires_at = {now} + {keep}, created_at = {now} + {age},
          fingerprint = {fingerprint}, namespace = {namespace}, operation = {operation},
          source = {source}, idempotency_key = {key}, outcome = {outcome}
        FROM s WHERE s.during IS NOT NULL AND t.id = {id} AND\s"""
          + condition
          + """

        RETURNING 1
      )
      SELECT c.taken, set_config('lock_timeout', s.before, true)
      FROM s CROSS JOIN (SELECT count(*) AS taken FROM u) c
      """;
    }
  }

  /** What MariaDB and MySQL have in common. */
  private static final class InnoDb {

    /**
     * The clock by its UTC reading: SYSDATE() is the session zone's, whose last hour of summer time
     * comes twice. It advances with each statement, which is when a rival's wait is not counted.
     */
    static final String NOW =
        "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)";

    /** In whole seconds, rounded up; a single millisecond stands for not waiting at all. */
    static final String WAITING =
        "SET STATEMENT innodb_lock_wait_timeout = ({wait} + 998) DIV 1000 FOR ";

    static final String READ = Verb.READ.standard() + " LOCK IN SHARE MODE";

    /** Under the shared lock that a failed insert left nothing is to be waited for. */
    static final String READ_AT_ONCE = READ + " NOWAIT";

    static final String OWNER_COLUMNS =
        "created_at, owner_token, namespace, operation, source, idempotency_key";

    static final String OWNER = "{now}, {token}, {namespace}, {operation}, {source}, {key}";

    /** An insert and, if it meets a duplicate, a read of that. */
    static final String INSERT_OR_READ =
        WAITING
            + """
            BEGIN NOT ATOMIC
              DECLARE taken INT DEFAULT 1;
              BEGIN
                DECLARE CONTINUE HANDLER FOR 1062 SET taken = 0;
            """
            + Verb.INSERT.standard()
            + """
            ;
              END;
              IF taken = 1 THEN
                SELECT 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
              ELSE
            """
            + READ
            + """
            ;
              END IF;
            END
            """;

    static final Schema SCHEMA =
        new Schema(
            """
            SELECT table_comment FROM information_schema.tables
            WHERE table_schema = COALESCE(NULLIF(TRIM(TRAILING '.' FROM ?), ''), DATABASE())
              AND table_name = ?
            """,
            null,
            false,
            null);

    /** 1213 is a deadlock, 1020 a row that changed after the transaction's snapshot. */
    static final DriverErrors ERRORS =
        new DriverErrors(
            Set.of("1062"),
            Set.of("1205"),
            Set.of("1213", "1020", "40001"),
            "SELECT @@GLOBAL.innodb_rollback_on_timeout");

    /**
     * A batch on MariaDB. Each key is an insert of its own, so that one that fails undoes no other:
     * rivals who wait for a row that is undone inherit locks on the gap it leaves, and deadlock.
     * What was met is read under the shared locks that the failed inserts left.
     *
     * <p>Where a lock timeout rolls everything back, the answer is -1 and nothing was done.
     *
     * <p>No text in it is empty: sessions in EMPTY_STRING_IS_NULL would take it for null, and with
     * it what was met.
     */
    static final String CLAIM_IN_ORDER =
        """
        SET STATEMENT innodb_lock_wait_timeout = 0 FOR BEGIN NOT ATOMIC
          DECLARE met INT DEFAULT 0;
          DECLARE seen, blocked LONGTEXT CHARACTER SET latin1 DEFAULT ',';
          DECLARE clock BIGINT DEFAULT {now};
          IF @@GLOBAL.innodb_rollback_on_timeout THEN
            SELECT -1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
          ELSE
            IF {own} THEN START TRANSACTION; END IF;
            BEGIN
              DECLARE CONTINUE HANDLER FOR 1062 SET met = 1;
              DECLARE CONTINUE HANDLER FOR 1205 SET met = 2;
              each_key: FOR r IN (SELECT * FROM {rows} ORDER BY v_id) DO
                INSERT INTO {table} (
                  lease_until, expires_at, created_at, attempt, state, id, owner_token,
                  fingerprint, namespace, operation, source, idempotency_key, outcome)
                VALUES (
                  clock + {lease}, clock + {keep}, clock + {age}, 1, {state}, {id}, {token},
                  {fingerprint}, {namespace}, {operation}, {source}, {key}, {outcome});
                IF met = 1 THEN
                  SET seen = CONCAT(seen, '"', r.v_id, '",'), met = 0;
                ELSEIF met = 2 THEN
                  SET blocked = CONCAT(blocked, '"', r.v_id, '",'), met = 0;
                  IF {stop} THEN LEAVE each_key; END IF;
                END IF;
              END FOR each_key;
            END;
            IF seen = ',' AND blocked = ',' THEN
              SELECT 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
            ELSE
              SELECT 0 AS taken, NULL AS state, NULL AS owner_token, NULL AS attempt,
                NULL AS fingerprint, NULL AS outcome, NULL AS lease_left, NULL AS expires_in,
                NULL AS id
              UNION ALL
              SELECT 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, UNHEX(b.id)
              FROM JSON_TABLE(CONCAT('[', TRIM(BOTH ',' FROM blocked), ']'),
                '$[*]' COLUMNS(id CHAR(32) PATH '$')) b
              UNION ALL
              (SELECT 0, t.state, t.owner_token, t.attempt, t.fingerprint, t.outcome,
                t.lease_until - {now}, t.expires_at - {now}, UNHEX(s.id)
              FROM JSON_TABLE(CONCAT('[', TRIM(BOTH ',' FROM seen), ']'),
                '$[*]' COLUMNS(id CHAR(32) PATH '$')) s
              LEFT JOIN {table} t FORCE INDEX (PRIMARY) ON t.id = UNHEX(s.id)
              LOCK IN SHARE MODE);
            END IF;
            IF {own} THEN COMMIT; END IF;
          END IF;
        END
        """;

    /** The forced index keeps it from scanning, and locking, a small table. */
    private static final String COMPLETE_ALL =
        """
        UPDATE {rows} STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON t.id = {id}
        SET t.state = 2, t.outcome = {outcome},
          t.expires_at = GREATEST(t.expires_at, {now} + {keep})
        WHERE t.owner_token = {token} AND t.state = 1
        """;

    /** The due rows of a purge. Joined in this order, no other row is locked. */
    private static final String DUE =
        """
        (SELECT id FROM {table} WHERE state = %d AND expires_at <= {now}
          ORDER BY expires_at LIMIT {limit} FOR UPDATE SKIP LOCKED) due
        STRAIGHT_JOIN {table} t ON t.id = due.id
        """;

    /** An insert of these columns beside those that every record has. */
    static String insert(String columns, String values) {
      return "INSERT INTO {table} (expires_at, id, fingerprint, attempt, "
          + columns
          + ") VALUES ({now} + {keep}, {id}, {fingerprint}, 1, "
          + values
          + ")";
    }

    static Map<Verb, String> statementsBut(Map<Verb, String> differences) {
      Map<Verb, String> all = new EnumMap<>(differences);
      all.put(
          Verb.RENEW,
          Verb.RENEW
              .standard()
              .replace("{now} + {lease}", "{now} + {lease} + (lease_until <=> {now} + {lease})"));
      all.put(Verb.COMPLETE_ALL, COMPLETE_ALL);
      all.put(Verb.PURGE, "DELETE t FROM " + DUE.formatted(Row.COMPLETED));
      all.put(
          Verb.DEFER,
          "UPDATE " + DUE.formatted(Row.RUNNING) + " SET t.expires_at = {now} + 86400000");
      return Verb.standardBut(all);
    }

    /**
     * An update that changes every row it matches. Sessions may count changed rows rather than
     * matched ones, and a time may be what it was to the millisecond.
     */
    static String changing(Verb verb) {
      return verb.standard()
          .replace(
              "expires_at = {now} + {keep}",
              "expires_at = {now} + {keep} + (expires_at = {now} + {keep})");
    }
  }
}
