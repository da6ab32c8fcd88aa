package io.idem.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.AbandonedPolicy;
import io.idem.core.FailureMapping;
import io.idem.core.Idempotency;
import io.idem.core.Mode;
import io.idem.core.Recording;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.TransactionalStore;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One message through the inbox. */
class InboxTest {

  private static final DeliveryDecision RAN = new DeliveryDecision.Ran(Recording.STORED);
  private static final DeliveryDecision SKIP = new DeliveryDecision.Skip();

  private Effects effects;

  @BeforeEach
  void open() {
    effects = new Effects(newDatabase(), JdbcTransactionalStore::new);
  }

  @AfterEach
  void close() {
    effects.close();
  }

  @Test
  void textsThatAreNoUnicodeAreComparedAsTheyAre() {
    assertThat(Inbox.fingerprintOf("\uD800")).isNotEqualTo(Inbox.fingerprintOf("\uD801"));
    assertThat(Inbox.fingerprintOf("\uDC00")).isNotEqualTo(Inbox.fingerprintOf("?"));
    assertThat(Inbox.fingerprintOf("\uD83D\uDE00"))
        .isEqualTo(Inbox.fingerprintOf("\uD83D\uDE00".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void aRedeliveryIsSkipped() throws Exception {
    Inbox<Note> inbox = inbox(effects.engine(), "billing");

    assertThat(inbox.consume(Note.of("1", "a"), Note::book)).isEqualTo(RAN);
    assertThat(inbox.consume(Note.of("1", "a"), Note::book)).isEqualTo(SKIP);
    assertThat(effects.all()).containsExactly("a");
  }

  @Test
  void whatTheHandlerThrowsIsThrownAsItIs() {
    StoreUnavailableException ofAnotherStore =
        new StoreUnavailableException("a nested operation", new SQLException("taken", "23505"));

    assertThatThrownBy(
            () ->
                inbox(effects.engine(), "billing")
                    .consume(
                        Note.of("1", "a"),
                        (note, attempt) -> {
                          throw ofAnotherStore;
                        }))
        .isSameAs(ofAnotherStore);
  }

  @Test
  void eachConsumerGroupConsumesAMessage() throws Exception {
    Idempotency engine = effects.engine();

    assertThat(inbox(engine, "billing").consume(Note.of("1", "a"), Note::book)).isEqualTo(RAN);
    assertThat(inbox(engine, "shipping").consume(Note.of("1", "a"), Note::book)).isEqualTo(RAN);
    assertThat(effects.all()).containsExactly("a", "a");
  }

  @Test
  void anInboxWithoutAConsumerGroupIsRefused() {
    assertThatIllegalStateException()
        .isThrownBy(() -> Inbox.builder(effects.engine(), "book", Note.READER).build())
        .withMessageContaining("consumerGroup");
  }

  @Test
  void aMessageWithoutAKeyIsParkedAndNeverRun() throws Exception {
    DeliveryDecision decision =
        inbox(effects.engine(), "billing").consume(new Note(Map.of(), "a"), Note::book);

    assertThat(decision)
        .isInstanceOfSatisfying(
            DeliveryDecision.Park.class,
            park -> {
              assertThat(park.reason()).isEqualTo(ParkReason.NO_KEY);
              assertThat(park.detail()).contains(MessageIds.HEADER);
            });
    assertThat(effects.all()).isEmpty();
  }

  @Test
  void aKeyThatIsTooLongAndALookUpThatFailsAreParked() throws Exception {
    Inbox<Note> inbox = inbox(effects.engine(), "billing");
    Inbox<Note> failing =
        Inbox.builder(effects.engine(), "book", Note.READER)
            .consumerGroup("billing")
            .key(
                note -> {
                  throw new IllegalArgumentException("no JSON");
                })
            .build();

    assertThat(reason(inbox.consume(Note.of("x".repeat(1025), "a"), Note::book)))
        .isEqualTo(ParkReason.UNUSABLE_KEY);
    assertThat(reason(failing.consume(Note.of("1", "a"), Note::book)))
        .isEqualTo(ParkReason.UNUSABLE_KEY);
  }

  @Test
  void whatAComparisonThrowsIsNotInTheReason() throws Exception {
    Inbox<Note> inbox =
        Inbox.builder(effects.engine(), "book", Note.READER)
            .consumerGroup("billing")
            .comparing(
                note -> {
                  throw new IllegalArgumentException("no JSON: " + note.payload());
                })
            .build();

    assertThat(inbox.consume(Note.of("1", "secret"), Note::book))
        .isInstanceOfSatisfying(
            DeliveryDecision.Park.class,
            park -> {
              assertThat(park.reason()).isEqualTo(ParkReason.UNUSABLE_KEY);
              assertThat(park.detail()).contains("compared").doesNotContain("secret");
              assertThat(park.cause()).hasMessageContaining("secret");
            });
  }

  @Test
  void anotherMessageUnderTheSameKeyIsParked() throws Exception {
    Inbox<Note> inbox = inbox(effects.engine(), "billing");
    inbox.consume(Note.of("1", "a"), Note::book);

    DeliveryDecision decision = inbox.consume(Note.of("1", "b"), Note::book);

    assertThat(reason(decision)).isEqualTo(ParkReason.KEY_REUSED);
    assertThat(decision.isDone()).isFalse();
    assertThatExceptionOfType(DeliveryParkedException.class)
        .isThrownBy(decision::orElseThrow)
        .satisfies(e -> assertThat(e.reason()).isEqualTo(ParkReason.KEY_REUSED));
    assertThat(effects.all()).containsExactly("a");
  }

  @Test
  void resendsThatDifferAreRepeatsWhereNothingIsCompared() throws Exception {
    Inbox<Note> inbox =
        Inbox.builder(effects.engine(), "book", Note.READER)
            .consumerGroup("billing")
            .comparing(note -> Fingerprint.NONE)
            .build();
    inbox.consume(Note.of("1", "a"), Note::book);

    assertThat(inbox.consume(Note.of("1", "b"), Note::book)).isEqualTo(SKIP);
  }

  @Test
  void aFailureRollsBackAndTheRedeliveryRuns() throws Exception {
    Inbox<Note> inbox = inbox(effects.engine(), "billing");

    assertThatThrownBy(
            () ->
                inbox.consume(
                    Note.of("1", "a"),
                    (note, attempt) -> {
                      Note.book(note, attempt);
                      throw new SQLException("gone");
                    }))
        .isInstanceOf(SQLException.class);

    assertThat(effects.all()).isEmpty();
    assertThat(inbox.consume(Note.of("1", "a"), Note::book)).isEqualTo(RAN);
  }

  @Test
  void aMessageThatAnotherNodeIsInTheMiddleOfIsRedeliveredLater() throws Exception {
    Inbox<Note> here = inbox(effects.engine(), "billing");
    Inbox<Note> there = inbox(effects.engine(), "billing");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    CompletableFuture<DeliveryDecision> first =
        CompletableFuture.supplyAsync(
            () ->
                here.consume(
                    Note.of("1", "a"),
                    (note, attempt) -> {
                      running.countDown();
                      Together.await(end);
                    }));
    Together.await(running);

    DeliveryDecision decision = there.consume(Note.of("1", "a"), Note::book);

    assertThat(decision).isEqualTo(new DeliveryDecision.RedeliverLater(Duration.ofMillis(250)));
    assertThatExceptionOfType(DeliveryBusyException.class)
        .isThrownBy(decision::orElseThrow)
        .satisfies(e -> assertThat(e.delay()).isEqualTo(Duration.ofMillis(250)));
    end.countDown();
    assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(RAN);
    assertThat(there.consume(Note.of("1", "a"), Note::book)).isEqualTo(SKIP);
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
  void inLeasedModeARedeliveryResumesBehindFinishedSteps() {
    try (Idempotency engine = Idempotency.inMemory()) {
      Inbox<Note> inbox =
          Inbox.builder(engine, "book", Note.READER)
              .consumerGroup("billing")
              .operation(operation -> operation.onAbandoned(new AbandonedPolicy.Retry<>()))
              .build();
      List<String> sent = new ArrayList<>();
      assertThatIllegalStateException()
          .isThrownBy(
              () ->
                  inbox.consume(
                      Note.of("1", "a"),
                      (note, attempt) -> {
                        attempt.step("charge", sent::add);
                        throw new IllegalStateException("timed out");
                      }));

      DeliveryDecision again =
          inbox.consume(
              Note.of("1", "a"),
              (note, attempt) -> {
                attempt.step("charge", sent::add);
                attempt.step("ship", sent::add);
                assertThat(sent)
                    .containsExactly(attempt.outgoingKey("charge"), attempt.outgoingKey("ship"));
              });

      assertThat(again).isEqualTo(RAN);
      assertThat(inbox.consume(Note.of("1", "a"), (note, attempt) -> sent.add("again")))
          .isEqualTo(SKIP);
      assertThat(sent).hasSize(2);
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

  /** Transactions of a framework fail in words of its own. */
  @Test
  void aTransactionThatFailsIsNoRejection() throws Exception {
    AtomicBoolean failing = new AtomicBoolean();
    DataSource dataSource = newDatabase();
    JdbcTransactionalStore store = new JdbcTransactionalStore(dataSource);
    TransactionalStore failingAtCommit =
        new TransactionalStore() {
          @Override
          public <R, X extends Throwable> R inTransaction(TransactionWork<R, X> work) throws X {
            R result = store.inTransaction(work);
            if (failing.get()) {
              throw new IllegalArgumentException("no commit");
            }
            return result;
          }
        };
    Inbox<Note> inbox = inbox(effects.engine(failingAtCommit), "billing");
    inbox.consume(Note.of("1", "a"), (note, attempt) -> {});

    failing.set(true);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> inbox.consume(Note.of("1", "a"), (note, attempt) -> {}))
        .withMessage("no commit");
    failing.set(false);

    assertThat(inbox.consume(Note.of("1", "a"), (note, attempt) -> {})).isEqualTo(SKIP);
  }

  @Test
  void outgoingIdsAreTheSameOnEveryRedelivery() throws Exception {
    Inbox<Note> inbox = inbox(effects.engine(), "billing");
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
    assertThat(inbox(effects.engine(), "billing").operation().retention())
        .isEqualTo(Inbox.DEFAULT_RETENTION);
  }

  static DataSource newDatabase() {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    return dataSource;
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
}
