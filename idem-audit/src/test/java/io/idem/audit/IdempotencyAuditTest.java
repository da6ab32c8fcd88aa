package io.idem.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.audit.EntryPoint.Kind;
import io.idem.audit.EntryPoint.Protection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdempotencyAuditTest {

  private static final EntryPoint PAY =
      new EntryPoint(
          Kind.ENDPOINT, "POST /pay", "shop.Pay.pay(Order)", Protection.UNPROTECTED, "nothing");

  private static final EntryPoint LISTENER =
      new EntryPoint(
          Kind.LISTENER, "kafka orders", "shop.In.on(String)", Protection.UNPROTECTED, "nothing");

  private static final EntryPoint PUT =
      new EntryPoint(
          Kind.ENDPOINT, "PUT /orders/{id}", "shop.Put.put()", Protection.DECLARED, "by method");

  private static final StatementFinding DEBIT =
      new StatementFinding(
          new CallSite("shop.Accounts.debit", "Accounts.java:42"),
          "UPDATE account\n   SET balance = balance - ? /*  # no reason */",
          Classification.not(StatementKind.RELATIVE_UPDATE, "balance is computed"),
          3);

  private static final EntryPoints ALL = new EntryPoints(List.of(LISTENER, PUT, PAY));

  @TempDir private Path directory;

  private Path baseline;

  @AfterEach
  void forget() {
    System.clearProperty(IdempotencyAudit.WRITE);
  }

  private Path baseline(String... lines) throws Exception {
    baseline = directory.resolve("baseline.txt");
    Files.write(baseline, List.of(lines));
    return baseline;
  }

  @Test
  void whatIsNewFailsWithItsLineAndItsReason() throws Exception {
    Path empty = baseline();

    assertThatThrownBy(() -> IdempotencyAudit.assertNothingNew(ALL, List.of(DEBIT), empty))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("endpoint POST /pay -> shop.Pay.pay(Order)\n")
        .hasMessageContaining("listener kafka orders -> shop.In.on(String)\n")
        .hasMessageContaining(
            "statement RELATIVE_UPDATE shop.Accounts.debit -> UPDATE account SET balance = balance"
                + " - ? /* # no reason */\n      shop.Accounts.debit(Accounts.java:42): balance is"
                + " computed")
        .hasMessageNotContaining("PUT")
        .hasMessageContaining("-Didem.audit.write=true");
  }

  @Test
  void whatIsAcceptedPassesWithAReasonOrWithout() throws Exception {
    Path accepted =
        baseline(
            "# a comment",
            "",
            "listener kafka orders -> shop.In.on(String)  # it only logs",
            "endpoint POST /pay -> shop.Pay.pay(Order)");

    assertThatCode(() -> IdempotencyAudit.assertNothingNew(ALL, accepted))
        .doesNotThrowAnyException();
  }

  @Test
  void whatIsGoneFails() throws Exception {
    Path stale =
        baseline(
            "endpoint POST /pay -> shop.Pay.pay(Order)",
            "listener kafka orders -> shop.In.on(String)");

    assertThatThrownBy(
            () -> IdempotencyAudit.assertNothingNew(new EntryPoints(List.of(PAY)), stale))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("protected now, gone or not run")
        .hasMessageContaining("  listener kafka orders -> shop.In.on(String)\n")
        .hasMessageNotContaining("POST");
  }

  @Test
  void aMissingFileAcceptsNothing() {
    Path missing = directory.resolve("none.txt");

    assertThatThrownBy(() -> IdempotencyAudit.assertNothingNew(List.of(DEBIT), missing))
        .isInstanceOf(AssertionError.class);
    assertThatCode(() -> IdempotencyAudit.assertNothingNew(List.of(), missing))
        .doesNotThrowAnyException();
  }

  @Test
  void aWrittenFileIsInOrderKeepsReasonsAndPasses() throws Exception {
    Path file =
        baseline(
            "listener kafka orders -> shop.In.on(String)  # it only logs",
            "endpoint POST /gone -> shop.Gone.gone()");
    System.setProperty(IdempotencyAudit.WRITE, "true");
    IdempotencyAudit.assertNothingNew(ALL, List.of(DEBIT), file);
    System.clearProperty(IdempotencyAudit.WRITE);

    assertThat(Files.readAllLines(file))
        .filteredOn(line -> !line.startsWith("#"))
        .containsExactly(
            "endpoint POST /pay -> shop.Pay.pay(Order)",
            "listener kafka orders -> shop.In.on(String)  # it only logs",
            "statement RELATIVE_UPDATE shop.Accounts.debit -> UPDATE account SET balance = balance"
                + " - ? /* # no reason */");
    assertThatCode(() -> IdempotencyAudit.assertNothingNew(ALL, List.of(DEBIT), file))
        .doesNotThrowAnyException();
  }

  @Test
  void theSummaryCountsByKindAndProtection() {
    assertThat(ALL.summary())
        .isEqualTo("2 endpoints (1 declared, 1 unprotected), 1 listener (1 unprotected)");
    assertThat(new EntryPoints(List.of()).summary()).isEqualTo("0 endpoints, 0 listeners");
    assertThat(ALL.all()).containsExactly(PAY, PUT, LISTENER);
  }
}
