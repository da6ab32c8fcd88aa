package io.idem.examples.payments;

import java.time.Clock;
import java.util.Collection;
import java.util.List;
import javax.sql.DataSource;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.init.DatabasePopulatorUtils;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.jdbc.support.JdbcUtils;
import org.springframework.jdbc.support.MetaDataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Creates the tables where they are missing and opens the books where they are blank. Safe to run
 * at every start, and by several services that share one PostgreSQL and start together.
 */
@Component
class LedgerSchema implements InitializingBean {

  /** The accounts that a fresh database starts with, and what each of them holds. */
  static final Collection<String> CUSTOMERS = List.of("alice", "bob");

  static final long OPENING_BALANCE = 1_000_000;
  static final String CURRENCY = "EUR";

  /** Where the opening balances come from, so that the books balance from the first line on. */
  private static final String OPENING_ACCOUNT = "opening";

  /** Any number that nothing else locks on: "payments" on a telephone keypad. */
  private static final long SCHEMA_LOCK = 72_963_687;

  private final DataSource dataSource;
  private final JdbcClient jdbc;
  private final Ledger ledger;
  private final TransactionTemplate transaction;
  private final Clock clock;

  LedgerSchema(
      DataSource dataSource,
      JdbcClient jdbc,
      Ledger ledger,
      TransactionTemplate transaction,
      Clock clock) {
    this.dataSource = dataSource;
    this.jdbc = jdbc;
    this.ledger = ledger;
    this.transaction = transaction;
    this.clock = clock;
  }

  @Override
  public void afterPropertiesSet() throws MetaDataAccessException {
    boolean postgres = databaseName().equals("PostgreSQL");
    transaction.executeWithoutResult(
        status -> {
          if (postgres) {
            // "if not exists" alone is not safe against a rival that creates the same table now.
            jdbc.sql("select pg_advisory_xact_lock(?)").param(SCHEMA_LOCK).query().listOfRows();
          }
          createTables();
          openBooks();
        });
  }

  private String databaseName() throws MetaDataAccessException {
    return JdbcUtils.extractDatabaseMetaData(
        dataSource, metaData -> metaData.getDatabaseProductName());
  }

  private void createTables() {
    var scripts =
        new ResourceDatabasePopulator(
            new ClassPathResource("ledger.sql"), new ClassPathResource("shop.sql"));
    DatabasePopulatorUtils.execute(scripts, dataSource);
  }

  private void openBooks() {
    if (ledger.account(OPENING_ACCOUNT).isPresent()) {
      return;
    }
    var now = Ledger.timestamp(clock);
    open(OPENING_ACCOUNT, "EQUITY");
    for (String customer : CUSTOMERS) {
      open(customer, "CUSTOMER");
      ledger.add(null, OPENING_ACCOUNT, -OPENING_BALANCE, now);
      ledger.add(null, customer, OPENING_BALANCE, now);
    }
  }

  private void open(String account, String kind) {
    jdbc.sql("insert into account (id, currency, kind, balance) values (?, ?, ?, 0)")
        .params(account, CURRENCY, kind)
        .update();
  }
}
