package io.idem.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.FailureMapping;
import io.idem.core.Idempotency;
import io.idem.core.Mode;
import io.idem.core.Recording;
import io.idem.core.store.Fingerprint;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One message through the inbox. */
class InboxTest {

  private static final DeliveryDecision RAN = new DeliveryDecision.Ran(Recording.STORED);
  private static final DeliveryDecision SKIP = new DeliveryDecision.Skip();

  private Ledger ledger;

  @BeforeEach
  void open() throws SQLException {
    ledger = new Ledger();
  }

  @AfterEach
  void close() throws SQLException {
    ledger.close();
  }

  @Test
  void aRedeliveryIsSkipped() throws Exception {
    Inbox<Note> inbox = inbox(ledger.engine(), "billing");

    assertThat(inbox.consume(Note.of("1", "a"), Ledger::book)).isEqualTo(RAN);
    assertThat(inbox.consume(Note.of("1", "a"), Ledger::book)).isEqualTo(SKIP);
    assertThat(ledger.effects()).containsExactly("a");
  }

  @Test
  void eachConsumerGroupConsumesAMessage() throws Exception {
    Idempotency engine = ledger.engine();

    assertThat(inbox(engine, "billing").consume(Note.of("1", "a"), Ledger::book)).isEqualTo(RAN);
    assertThat(inbox(engine, "shipping").consume(Note.of("1", "a"), Ledger::book)).isEqualTo(RAN);
    assertThat(ledger.effects()).containsExactly("a", "a");
  }

  @Test
  void anInboxWithoutAConsumerGroupIsRefused() {
    assertThatIllegalStateException()
        .isThrownBy(() -> Inbox.builder(ledger.engine(), "book", Note.READER).build())
        .withMessageContaining("consumerGroup");
  }

  @Test
  void aMessageWithoutAKeyIsParkedAndNeverRun() throws Exception {
    DeliveryDecision decision =
        inbox(ledger.engine(), "billing").consume(new Note(Map.of(), "a"), Ledger::book);

    assertThat(decision)
        .isInstanceOfSatisfying(
            DeliveryDecision.Park.class,
            park -> {
              assertThat(park.reason()).isEqualTo(ParkReason.NO_KEY);
              assertThat(park.detail()).contains(MessageIds.HEADER);
            });
    assertThat(ledger.effects()).isEmpty();
  }

  @Test
  void aKeyThatIsTooLongAndALookUpThatFailsAreParked() throws Exception {
    Inbox<Note> inbox = inbox(ledger.engine(), "billing");
    Inbox<Note> failing =
        Inbox.builder(ledger.engine(), "book", Note.READER)
            .consumerGroup("billing")
            .key(
                note -> {
                  throw new IllegalArgumentException("no JSON");
                })
            .build();

    assertThat(reason(inbox.consume(Note.of("x".repeat(1025), "a"), Ledger::book)))
        .isEqualTo(ParkReason.UNUSABLE_KEY);
    assertThat(reason(failing.consume(Note.of("1", "a"), Ledger::book)))
        .isEqualTo(ParkReason.UNUSABLE_KEY);
  }

  @Test
  void anotherMessageUnderTheSameKeyIsParked() throws Exception {
    Inbox<Note> inbox = inbox(ledger.engine(), "billing");
    inbox.consume(Note.of("1", "a"), Ledger::book);

    DeliveryDecision decision = inbox.consume(Note.of("1", "b"), Ledger::book);

    assertThat(reason(decision)).isEqualTo(ParkReason.KEY_REUSED);
    assertThat(decision.isDone()).isFalse();
    assertThatExceptionOfType(DeliveryParkedException.class)
        .isThrownBy(decision::orElseThrow)
        .satisfies(e -> assertThat(e.reason()).isEqualTo(ParkReason.KEY_REUSED));
    assertThat(ledger.effects()).containsExactly("a");
  }

  @Test
  void resendsThatDifferAreRepeatsWhereNothingIsCompared() throws Exception {
    Inbox<Note> inbox =
        Inbox.builder(ledger.engine(), "book", Note.READER)
            .consumerGroup("billing")
            .comparing(note -> Fingerprint.NONE)
            .build();
    inbox.consume(Note.of("1", "a"), Ledger::book);

    assertThat(inbox.consume(Note.of("1", "b"), Ledger::book)).isEqualTo(SKIP);
  }

  @Test
  void aFailureRollsBackAndTheRedeliveryRuns() throws Exception {
    Inbox<Note> inbox = inbox(ledger.engine(), "billing");

    assertThatThrownBy(
            () ->
                inbox.consume(
                    Note.of("1", "a"),
                    (note, attempt) -> {
                      Ledger.book(note, attempt);
                      throw new SQLException("gone");
                    }))
        .isInstanceOf(SQLException.class);

    assertThat(ledger.effects()).isEmpty();
    assertThat(inbox.consume(Note.of("1", "a"), Ledger::book)).isEqualTo(RAN);
  }

  @Test
  void aMessageThatAnotherNodeIsInTheMiddleOfIsRedeliveredLater() throws Exception {
    Inbox<Note> here = inbox(ledger.engine(), "billing");
    Inbox<Note> there = inbox(ledger.engine(), "billing");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    CompletableFuture<DeliveryDecision> first =
        CompletableFuture.supplyAsync(
            () ->
                here.consume(
                    Note.of("1", "a"),
                    (note, attempt) -> {
                      running.countDown();
                      awaited(end);
                    }));
    awaited(running);

    DeliveryDecision decision = there.consume(Note.of("1", "a"), Ledger::book);

    assertThat(decision).isEqualTo(new DeliveryDecision.RedeliverLater(Duration.ofMillis(250)));
    assertThatExceptionOfType(DeliveryBusyException.class)
        .isThrownBy(decision::orElseThrow)
        .satisfies(e -> assertThat(e.delay()).isEqualTo(Duration.ofMillis(250)));
    end.countDown();
    assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(RAN);
    assertThat(there.consume(Note.of("1", "a"), Ledger::book)).isEqualTo(SKIP);
  }

  @Test
  void inLeasedModeAnUnknownOutcomeIsParkedAndNeverRunAgain() {
    try (Idempotency engine = Idempotency.inMemory()) {
      Inbox<Note> inbox = inbox(engine, "billing");
      assertThat(inbox.operation().mode()).isEqualTo(Mode.LEASED);

      assertThatIllegalStateException()
          .isThrownBy(
              () ->
                  inbox.consume(
                      Note.of("1", "a"),
                      (note, attempt) -> {
                        throw new IllegalStateException("timed out");
                      }));
      List<String> effects = new ArrayList<>();
      DeliveryDecision again =
          inbox.consume(Note.of("1", "a"), (note, attempt) -> effects.add("again"));

      assertThat(reason(again)).isEqualTo(ParkReason.OUTCOME_UNKNOWN);
      assertThat(effects).isEmpty();
    }
  }

  @Test
  void aRecordedRejectionParksTheRedelivery() {
    try (Idempotency engine = Idempotency.inMemory()) {
      Inbox<Note> inbox =
          Inbox.builder(engine, "book", Note.READER)
              .consumerGroup("billing")
              .operation(
                  operation ->
                      operation.recordFailure(
                          FailureMapping.ofMessage(
                              "limit", ArithmeticException.class, ArithmeticException::new)))
              .build();
      MessageHandler<Note, ArithmeticException> rejecting =
          (note, attempt) -> {
            throw new ArithmeticException("over the limit");
          };

      assertThatThrownBy(() -> inbox.consume(Note.of("1", "a"), rejecting))
          .isInstanceOf(ArithmeticException.class);
      assertThat(inbox.consume(Note.of("1", "a"), rejecting))
          .isInstanceOfSatisfying(
              DeliveryDecision.Park.class,
              park -> {
                assertThat(park.reason()).isEqualTo(ParkReason.REJECTED);
                assertThat(park.cause()).hasMessage("over the limit");
              });
    }
  }

  @Test
  void outgoingIdsAreTheSameOnEveryRedelivery() throws Exception {
    Inbox<Note> inbox = inbox(ledger.engine(), "billing");
    List<String> ids = new ArrayList<>();
    MessageHandler<Note, SQLException> failing =
        (note, attempt) -> {
          ids.add(attempt.outgoingKey("receipt"));
          throw new SQLException("gone");
        };

    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> inbox.consume(Note.of("1", "a"), failing))
          .isInstanceOf(SQLException.class);
    }
    inbox.consume(Note.of("1", "a"), (note, attempt) -> ids.add(attempt.outgoingKey("receipt")));
    inbox.consume(Note.of("2", "a"), (note, attempt) -> ids.add(attempt.outgoingKey("receipt")));

    assertThat(ids).hasSize(4);
    assertThat(ids.subList(0, 3)).containsOnly(ids.get(0));
    assertThat(ids.get(3)).isNotEqualTo(ids.get(0));
  }

  @Test
  void remembersLongerThanABrokerKeepsMessages() {
    assertThat(inbox(ledger.engine(), "billing").operation().retention())
        .isEqualTo(Inbox.DEFAULT_RETENTION);
  }

  static Inbox<Note> inbox(Idempotency engine, String consumerGroup) {
    return Inbox.builder(engine, "book", Note.READER)
        .consumerGroup(consumerGroup)
        .operation(
            operation ->
                operation.waitAtMost(Duration.ofMillis(50)).retryAfter(Duration.ofMillis(250)))
        .inOrderOf(note -> note.headers().getOrDefault("order", "one"))
        .build();
  }

  static ParkReason reason(DeliveryDecision decision) {
    return ((DeliveryDecision.Park) decision).reason();
  }

  static void awaited(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
