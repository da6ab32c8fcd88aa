package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.testkit.Requests;
import io.idem.testkit.TestMariaDb;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Claims and batches through drivers and pools that are set in ways of their own. */
class DriverSettingsTest {

  private static final Duration WAIT = Duration.ofSeconds(1);
  private static final StoredOutcome ANSWER = StoredOutcome.result(new byte[] {4, 2, 0, -1});

  @ParameterizedTest
  @ValueSource(
      strings = {
        "preferQueryMode=simple",
        "preferQueryMode=extendedCacheEverything",
        "autosave=always&cleanupSavepoints=true",
        "defaultRowFetchSize=1",
        "stringtype=unspecified"
      })
  void answersAreTheSameOnPostgres(String options) throws SQLException {
    TestDatabase plain = TestDatabase.postgresql();
    PGSimpleDataSource source = new PGSimpleDataSource();
    try (Connection connection = plain.dataSource().getConnection()) {
      String url = connection.getMetaData().getURL();
      source.setURL(url + (url.contains("?") ? "&" : "?") + options);
      source.setUser(connection.getMetaData().getUserName());
    }
    check(new TestDatabase(source, Dialect.POSTGRESQL));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "mariadb | sessionVariables=sql_mode='EMPTY_STRING_IS_NULL'",
        "mariadb | sessionVariables=sql_mode='ANSI,NO_BACKSLASH_ESCAPES'",
        "mariadb | sessionVariables=sql_select_limit=1",
        "mariadb | useServerPrepStmts=true&defaultFetchSize=1",
        "mariadb | allowMultiQueries=true&rewriteBatchedStatements=true",
        "mysql | maxRows=1",
        "mysql | blobsAreStrings=true",
        "mysql | functionsNeverReturnBlobs=true",
        "mysql | useServerPrepStmts=true&useCursorFetch=true&defaultFetchSize=1",
        "mysql | allowMultiQueries=true&rewriteBatchedStatements=true"
      })
  void answersAreTheSameOnMariaDb(String driver, String options) {
    check(
        new TestDatabase(TestMariaDb.shared().newDatabase(driver, options), Dialect.MARIADB)
            .prepared());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "MODE=PostgreSQL;DATABASE_TO_LOWER=TRUE;DEFAULT_NULL_ORDERING=HIGH",
        "MODE=MySQL",
        "MODE=Oracle",
        "MODE=MSSQLServer",
        "DATABASE_TO_UPPER=FALSE"
      })
  void answersAreTheSameOnH2(String options) {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1;" + options);
    check(new TestDatabase(source, Dialect.H2).prepared());
  }

  /** A limit for every statement, as a pool may set it: what is left out of an answer is no key. */
  @ParameterizedTest
  @EnumSource
  void limitOfRowsHidesNothing(Backend backend) {
    TestDatabase database = backend.prepared();
    check(new TestDatabase(ofOneRow(database.dataSource()), backend.dialect()));
  }

  private static DataSource ofOneRow(DataSource source) {
    return proxy(
        DataSource.class,
        source,
        connection ->
            proxy(
                Connection.class,
                (Connection) connection,
                made -> {
                  if (made instanceof PreparedStatement statement) {
                    limit(statement);
                  }
                  return made;
                }));
  }

  private static void limit(PreparedStatement statement) {
    try {
      statement.setMaxRows(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private static <T> T proxy(Class<T> type, T target, Function<Object, Object> made) {
    return type.cast(
        Proxy.newProxyInstance(
            DriverSettingsTest.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> {
              Object result;
              try {
                result = method.invoke(target, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
              return result instanceof AutoCloseable ? made.apply(result) : result;
            }));
  }

  private static void check(TestDatabase database) {
    singleKeys(database);
    purge(database);
    JdbcIdempotencyStore leased = database.leased();
    batch(database, leased::claimAll, leased::completeAll);
    database
        .transactional()
        .inTransaction(
            scope -> {
              batch(database, scope);
              return true;
            });
    database.inTransaction(
        connection ->
            database
                .joining(connection)
                .inTransaction(
                    scope -> {
                      database.write(scope, Requests.newId());
                      batch(database, scope);
                      return true;
                    }));
  }

  private static void singleKeys(TestDatabase database) {
    JdbcIdempotencyStore store = database.leased();
    RecordId id = Requests.newId();
    Claim claim = store.claim(Requests.claimOf(id));
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
    assertThat(store.complete(leaseOf(claim), ANSWER, Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(outcome(database.leased().claim(Requests.claimOf(id)))).isEqualTo(ANSWER);
    Claim again =
        database.transactional().inTransaction(scope -> scope.claim(Requests.claimOf(id), WAIT));
    assertThat(outcome(again)).isEqualTo(ANSWER);
  }

  private static void purge(TestDatabase database) {
    JdbcIdempotencyStore store = database.leased();
    for (int i = 0; i < 3; i++) {
      RecordId id = Requests.newId();
      store.complete(leaseOf(store.claim(Requests.claimOf(id))), ANSWER, Requests.RETENTION);
      database.age(id, Requests.RETENTION.multipliedBy(2));
    }
    assertThat(store.purgeLag().orElseThrow()).isPositive();
    assertThat(store.purgeExpired(2)).isEqualTo(2);
    assertThat(store.purgeExpired(2)).isEqualTo(1);
  }

  private static void batch(TestDatabase database, TransactionScope scope) {
    batch(database, requests -> scope.claimAll(requests, WAIT), scope::completeAll);
  }

  /** Keys that are new, completed and running by turns. */
  private static void batch(
      TestDatabase database,
      Function<List<ClaimRequest>, List<Claim>> claimAll,
      Function<List<Completion>, List<LeaseCheck>> completeAll) {
    JdbcIdempotencyStore other = database.leased();
    List<ClaimRequest> requests =
        Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(9).toList();
    List<Class<?>> expected = new ArrayList<>();
    for (int i = 0; i < requests.size(); i += 3) {
      Claim done = other.claim(Requests.claimOf(requests.get(i + 1).id()));
      other.complete(leaseOf(done), ANSWER, Requests.RETENTION);
      other.claim(Requests.claimOf(requests.get(i + 2).id()));
      expected.addAll(List.of(Claim.Acquired.class, Claim.Completed.class, Claim.Running.class));
    }

    List<Claim> claims = claimAll.apply(requests);
    assertThat(claims).extracting(Object::getClass).isEqualTo(expected);
    assertThat(claims)
        .filteredOn(Claim.Completed.class::isInstance)
        .allSatisfy(claim -> assertThat(outcome(claim)).isEqualTo(ANSWER));
    List<Completion> completions =
        claims.stream()
            .filter(Claim.Acquired.class::isInstance)
            .map(claim -> new Completion(leaseOf(claim), ANSWER, Requests.RETENTION))
            .toList();
    assertThat(completeAll.apply(completions)).hasSize(3).containsOnly(LeaseCheck.HELD);
  }

  private static Lease leaseOf(Claim claim) {
    return ((Claim.Acquired) claim).lease();
  }

  private static StoredOutcome outcome(Claim claim) {
    return ((Claim.Completed) claim).outcome();
  }
}
