package io.idem.examples.payments;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The books in the database. Every method joins the caller's transaction. */
@Repository
class Ledger {

  private static final String PAYMENT_COLUMNS =
      "id, status, from_account, to_account, amount, currency, reference, created_at";

  private final JdbcClient jdbc;

  Ledger(JdbcClient jdbc) {
    this.jdbc = jdbc;
  }

  /** The present, in the precision that both databases keep. */
  static Instant timestamp(Clock clock) {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  Optional<Account> account(String id) {
    return account(id, "");
  }

  /** The account, which nobody else changes or locks before this transaction ends. */
  Optional<Account> lock(String id) {
    return account(id, " for update");
  }

  private Optional<Account> account(String id, String suffix) {
    return jdbc.sql("select id, currency, balance, kind from account where id = ?" + suffix)
        .param(id)
        .query(Ledger::readAccount)
        .optional();
  }

  /** Writes one line and moves the account's balance along with it. */
  void add(@Nullable UUID paymentId, String account, long amount, Instant at) {
    jdbc.sql("update account set balance = balance + ? where id = ?")
        .params(amount, account)
        .update();
    jdbc.sql(
            "insert into ledger_entry (payment_id, account_id, amount, created_at)"
                + " values (:payment, :account, :amount, :at)")
        .param("payment", paymentId, Types.OTHER)
        .param("account", account)
        .param("amount", amount)
        .param("at", at.atOffset(ZoneOffset.UTC))
        .update();
  }

  void insert(Payment payment) {
    jdbc.sql("insert into payment (" + PAYMENT_COLUMNS + ") values (?, ?, ?, ?, ?, ?, ?, ?)")
        .params(
            payment.id(),
            payment.status(),
            payment.from(),
            payment.to(),
            payment.amount(),
            payment.currency(),
            payment.reference(),
            payment.createdAt().atOffset(ZoneOffset.UTC))
        .update();
  }

  Optional<Payment> payment(UUID id) {
    return jdbc.sql("select " + PAYMENT_COLUMNS + " from payment where id = ?")
        .param(id)
        .query(Ledger::readPayment)
        .optional();
  }

  /** What the account paid and was paid, newest first. */
  List<Payment> payments(String account, int limit) {
    return jdbc.sql(
            "select "
                + PAYMENT_COLUMNS
                + " from payment where from_account = :account or to_account = :account"
                + " order by created_at desc, id limit :limit")
        .param("account", account)
        .param("limit", limit)
        .query(Ledger::readPayment)
        .list();
  }

  /** Everybody's payments, newest first. */
  List<Payment> payments(int limit) {
    return jdbc.sql(
            "select " + PAYMENT_COLUMNS + " from payment order by created_at desc, id limit ?")
        .param(limit)
        .query(Ledger::readPayment)
        .list();
  }

  /** The newest lines first. */
  List<LedgerEntry> entries(int limit) {
    return jdbc.sql(
            "select id, payment_id, account_id, amount, created_at from ledger_entry"
                + " order by id desc limit ?")
        .param(limit)
        .query(Ledger::readEntry)
        .list();
  }

  LedgerSummary summary() {
    return jdbc.sql(
            "select (select count(*) from payment) as payments, count(*) as entries,"
                + " cast(coalesce(sum(amount), 0) as bigint) as total from ledger_entry")
        .query(
            (row, number) ->
                new LedgerSummary(
                    row.getLong("payments"), row.getLong("entries"), row.getLong("total")))
        .single();
  }

  private static Account readAccount(ResultSet row, int number) throws SQLException {
    return new Account(
        row.getString("id"),
        row.getString("currency"),
        row.getLong("balance"),
        row.getString("kind"));
  }

  private static Payment readPayment(ResultSet row, int number) throws SQLException {
    return new Payment(
        row.getObject("id", UUID.class),
        row.getString("status"),
        row.getString("from_account"),
        row.getString("to_account"),
        row.getLong("amount"),
        row.getString("currency"),
        row.getString("reference"),
        createdAt(row));
  }

  private static LedgerEntry readEntry(ResultSet row, int number) throws SQLException {
    return new LedgerEntry(
        row.getLong("id"),
        row.getObject("payment_id", UUID.class),
        row.getString("account_id"),
        row.getLong("amount"),
        createdAt(row));
  }

  private static Instant createdAt(ResultSet row) throws SQLException {
    return row.getObject("created_at", OffsetDateTime.class).toInstant();
  }
}
