package io.idem.messaging;

import static io.idem.messaging.InboxTest.inbox;
import static io.idem.messaging.InboxTest.newDatabase;
import static io.idem.messaging.InboxTest.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Idempotency;
import io.idem.core.Recording;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jdbc.JdbcTransactions;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.net.ConnectException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Many messages through the inbox at once. */
class InboxBatchTest {

  private static final DeliveryDecision RAN = new DeliveryDecision.Ran(Recording.STORED);
  private static final DeliveryDecision SKIP = new DeliveryDecision.Skip();
  private static final DeliveryDecision LATER =
      new DeliveryDecision.RedeliverLater(Duration.ofMillis(250));

  private final DataSource dataSource = newDatabase();
  private Effects effects;
  private Idempotency engine;
  private Inbox<Note> inbox;

  @BeforeEach
  void open() {
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
    engine = effects.engine();
    inbox = inbox(engine, "billing");
  }

  @AfterEach
  void close() {
    effects.close();
  }

  @Test
  void aMessageThatIsThereTwiceIsConsumedOnce() throws Exception {
    BatchOutcome outcome = inbox.consumeEach(notes("1:a", "2:b", "1:a", "3:c"), Note::book);

    assertThat(outcome.decisions()).containsExactly(RAN, RAN, SKIP, RAN);
    assertThat(outcome.failure()).isNull();
    assertThat(outcome.firstNotDone()).isEmpty();
    assertThat(effects.all()).containsExactly("a", "b", "c");
  }

  @Test
  void aBatchThatIsDeliveredAgainIsSkipped() throws Exception {
    inbox.consumeEach(notes("1:a", "2:b"), Note::book);

    BatchOutcome outcome = inbox.consumeEach(notes("1:a", "2:b", "3:c"), Note::book);

    assertThat(outcome.decisions()).containsExactly(SKIP, SKIP, RAN);
    assertThat(effects.all()).containsExactly("a", "b", "c");
  }

  @Test
  void poisonIsParkedAndTheOthersAreConsumed() throws Exception {
    inbox.consume(Note.of("9", "nine"), Note::book);
    List<Note> notes = new ArrayList<>(notes("1:a", "9:other", "2:b"));
    notes.add(new Note(Map.of(), "no key"));

    BatchOutcome outcome = inbox.consumeEach(notes, Note::book);

    assertThat(reason(outcome.decisions().get(1))).isEqualTo(ParkReason.KEY_REUSED);
    assertThat(reason(outcome.decisions().get(3))).isEqualTo(ParkReason.NO_KEY);
    assertThat(outcome.firstNotDone()).hasValue(1);
    assertThat(effects.all()).containsExactly("nine", "a", "b");
  }

  @Test
  void theFailureOfOneTellsItsPlaceAndKeepsWhatWasBefore() throws Exception {
    BatchOutcome outcome =
        inbox.consumeEach(notes("1:a", "2:b", "3:bad", "4:d"), InboxBatchTest::bookOrFail);

    assertThat(outcome.decisions()).containsExactly(RAN, RAN);
    assertThat(outcome.failure().index()).isEqualTo(2);
    assertThat(outcome.failure().cause()).hasMessage("bad");
    assertThat(outcome.firstNotDone()).hasValue(2);
    assertThat(effects.all()).containsExactly("a", "b");
  }

  @Test
  void aFailureOfAllIsNarrowedDownToOne() throws Exception {
    List<Integer> sizes = new ArrayList<>();
    BatchOutcome outcome =
        inbox.consumeAll(
            notes("1:a", "2:b", "3:bad", "4:d"),
            (List<BatchHandler.Fresh<Note>> fresh) -> {
              sizes.add(fresh.size());
              for (BatchHandler.Fresh<Note> each : fresh) {
                bookOrFail(each.message(), each.attempt());
              }
            });

    assertThat(sizes).containsExactly(4, 1, 1, 1);
    assertThat(outcome.decisions()).containsExactly(RAN, RAN);
    assertThat(outcome.failure().index()).isEqualTo(2);
    assertThat(effects.all()).containsExactly("a", "b");
  }

  @Test
  void aHandlerMaySayWhichMessageFailed() throws Exception {
    List<Integer> sizes = new ArrayList<>();
    BatchOutcome outcome =
        inbox.consumeAll(
            notes("0:x", "0:x", "1:a", "2:bad", "3:c"),
            (List<BatchHandler.Fresh<Note>> fresh) -> {
              sizes.add(fresh.size());
              for (BatchHandler.Fresh<Note> each : fresh) {
                try {
                  bookOrFail(each.message(), each.attempt());
                } catch (SQLException e) {
                  throw new MessageFailedException(each.index(), e);
                }
              }
            });

    assertThat(sizes).containsExactly(4, 2);
    assertThat(outcome.decisions()).containsExactly(RAN, SKIP, RAN);
    assertThat(outcome.failure().index()).isEqualTo(3);
    assertThat(outcome.failure().cause()).hasMessage("bad");
    assertThat(effects.all()).containsExactly("x", "a");
  }

  @Test
  void nothingOvertakesABusyMessageOfItsOrder() throws Exception {
    Busy busy = new Busy("2", "b");
    try (busy) {
      List<Note> notes =
          List.of(
              ordered("1", "a", "left"),
              ordered("2", "b", "left"),
              ordered("3", "c", "right"),
              ordered("4", "d", "left"),
              ordered("5", "e", "right"));

      BatchOutcome outcome = inbox.consumeEach(notes, Note::book);

      assertThat(outcome.decisions()).containsExactly(RAN, LATER, RAN, LATER, RAN);
      assertThat(outcome.firstNotDone()).hasValue(1);
      assertThat(effects.all()).containsExactly("a", "c", "e");
    }
  }

  @Test
  void nothingOvertakesAMessageThatThisNodeIsInTheMiddleOf() throws Exception {
    Busy busy = new Busy(inbox, "2", "b");
    try (busy) {
      BatchOutcome outcome = inbox.consumeEach(notes("1:a", "2:b", "3:c"), Note::book);

      assertThat(outcome.decisions()).containsExactly(RAN, LATER, LATER);
      assertThat(effects.all()).containsExactly("a");
    }
  }

  @Test
  void withoutAnOrderOnlyTheBusyMessageWaits() throws Exception {
    Inbox<Note> unordered =
        Inbox.builder(inbox.operation(), Note.READER).consumerGroup("billing").build();
    Busy busy = new Busy("2", "b");
    try (busy) {
      BatchOutcome outcome = unordered.consumeEach(notes("1:a", "2:b", "3:c"), Note::book);

      assertThat(outcome.decisions()).containsExactly(RAN, LATER, RAN);
      assertThat(effects.all()).containsExactly("a", "c");
    }
  }

  @Test
  void moreThanABatchMayHaveGoInSeveral() throws Exception {
    List<Note> notes = IntStream.range(0, 1_500).mapToObj(i -> Note.of("k" + i, "e" + i)).toList();
    List<Note> failing = new ArrayList<>(notes);
    failing.set(1_200, Note.of("k1200", "bad"));

    BatchOutcome outcome = inbox.consumeEach(failing, InboxBatchTest::bookOrFail);
    assertThat(outcome.failure().index()).isEqualTo(1_200);
    assertThat(outcome.decisions()).hasSize(1_200).containsOnly(RAN);

    BatchOutcome again = inbox.consumeEach(notes, InboxBatchTest::bookOrFail);
    assertThat(again.decisions().subList(0, 1_200)).containsOnly(SKIP);
    assertThat(again.decisions().subList(1_200, 1_500)).containsOnly(RAN);
    assertThat(effects.all()).hasSize(1_500);
  }

  @Test
  void inATransactionOfTheCallersAFailureIsThrown() throws Exception {
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      try (Idempotency joined =
          Idempotency.builder()
              .transactionalStore(
                  new JdbcTransactionalStore(
                      new OwnersTransaction(connection), Dialect.H2, JdbcSettings.defaults()))
              .purgeEvery(Duration.ZERO)
              .build()) {
        Inbox<Note> inside = inbox(joined, "billing");

        assertThatThrownBy(
                () -> inside.consumeEach(notes("1:a", "2:bad"), InboxBatchTest::bookOrFail))
            .isInstanceOf(SQLException.class)
            .hasMessage("bad");
        connection.rollback();
      }
    }
    assertThat(effects.all()).isEmpty();
  }

  @Test
  void underLeasesEachMessageHasItsOwn() {
    try (Idempotency memory = Idempotency.inMemory()) {
      Inbox<Note> leased = inbox(memory, "billing");
      List<Object> effects = new ArrayList<>();
      MessageHandler<Note, IllegalArgumentException> handler =
          (note, attempt) -> {
            if ("bad".equals(note.payload())) {
              throw new IllegalArgumentException("bad");
            }
            effects.add(note.payload());
          };

      BatchOutcome outcome = leased.consumeEach(notes("1:a", "1:a", "2:bad", "3:c"), handler);
      BatchOutcome again = leased.consumeEach(notes("1:a", "1:a", "2:bad", "3:c"), handler);

      assertThat(outcome.decisions()).containsExactly(RAN, SKIP);
      assertThat(outcome.failure().index()).isEqualTo(2);
      assertThat(reason(again.decisions().get(2))).isEqualTo(ParkReason.OUTCOME_UNKNOWN);
      assertThat(again.decisions().get(3)).isEqualTo(RAN);
      assertThat(effects).containsExactly("a", "c");
    }
  }

  @Test
  void underOneLeaseEachTheFailureOfAllIsThrown() {
    try (Idempotency memory = Idempotency.inMemory()) {
      Inbox<Note> leased = inbox(memory, "billing");

      assertThatThrownBy(
              () ->
                  leased.consumeAll(
                      notes("1:a", "2:b"),
                      (List<BatchHandler.Fresh<Note>> fresh) -> {
                        throw new SQLException("gone");
                      }))
          .isInstanceOf(SQLException.class);
      assertThat(leased.consumeEach(notes("1:a", "2:b"), (note, attempt) -> {}).decisions())
          .allMatch(decision -> reason(decision) == ParkReason.OUTCOME_UNKNOWN);
    }
  }

  @Test
  void underLeasesTheMessagesBeforeTheFailedOneAreDone() throws Exception {
    try (Idempotency memory = Idempotency.inMemory()) {
      Inbox<Note> leased = leased(memory);
      List<Object> effects = new ArrayList<>();
      List<Note> notes = notes("0:x", "0:x", "1:a", "2:bad", "3:c");

      BatchOutcome outcome =
          leased.consumeAll(notes, failingAtBad(effects, new ConnectException("refused")));
      BatchOutcome again = leased.consumeAll(notes, all(effects));

      assertThat(outcome.decisions()).containsExactly(RAN, SKIP, RAN);
      assertThat(outcome.failure().index()).isEqualTo(3);
      assertThat(outcome.failure().cause()).hasMessage("refused");
      assertThat(again.decisions()).containsExactly(SKIP, SKIP, SKIP, RAN, RAN);
      assertThat(effects).containsExactly("x", "a", "bad", "c");
    }
  }

  @Test
  void underLeasesAFailureThatReleasesNothingLeavesTheRestUnknown() throws Exception {
    try (Idempotency memory = Idempotency.inMemory()) {
      Inbox<Note> leased = leased(memory);
      List<Object> effects = new ArrayList<>();
      List<Note> notes = notes("1:a", "2:bad", "3:c");

      BatchOutcome outcome =
          leased.consumeAll(notes, failingAtBad(effects, new SQLException("timeout")));
      BatchOutcome again = leased.consumeAll(notes, all(effects));

      assertThat(outcome.decisions()).containsExactly(RAN);
      assertThat(outcome.failure().index()).isEqualTo(1);
      assertThat(again.decisions().get(0)).isEqualTo(SKIP);
      assertThat(again.decisions().subList(1, 3))
          .allMatch(decision -> reason(decision) == ParkReason.OUTCOME_UNKNOWN);
      assertThat(effects).containsExactly("a");
    }
  }

  @Test
  void underLeasesWhatFailedBeforeAnyMessageGoesOnceMoreWithoutIt() throws Exception {
    try (Idempotency memory = Idempotency.inMemory()) {
      Inbox<Note> leased = leased(memory);
      List<Object> effects = new ArrayList<>();
      BatchHandler<Note, RuntimeException> readingFirst =
          fresh -> {
            for (BatchHandler.Fresh<Note> each : fresh) {
              if ("bad".equals(each.message().payload())) {
                throw MessageFailedException.beforeAny(each, new SQLException("unreadable"));
              }
            }
            fresh.forEach(each -> effects.add(each.message().payload()));
          };

      BatchOutcome outcome = leased.consumeAll(notes("1:a", "2:bad", "3:c"), readingFirst);
      BatchOutcome rest = leased.consumeAll(notes("2:mended", "3:c"), readingFirst);

      assertThat(outcome.decisions()).containsExactly(RAN);
      assertThat(outcome.failure().index()).isEqualTo(1);
      assertThat(outcome.failure().cause()).hasMessage("unreadable");
      assertThat(rest.decisions()).containsExactly(RAN, RAN);
      assertThat(effects).containsExactly("a", "mended", "c");
    }
  }

  @Test
  void underLeasesAPlaceThatCannotBeToldLeavesAllUnknownWhateverIsReleased() throws Exception {
    for (MessageFailedException thrown :
        List.of(
            new MessageFailedException(3, new ConnectException("outside")),
            new MessageFailedException(0, new ConnectException("not fresh")),
            MessageFailedException.somewhere(new ConnectException("anywhere")))) {
      try (Idempotency memory = Idempotency.inMemory()) {
        Inbox<Note> leased = leased(memory);
        leased.consumeEach(notes("0:x"), (note, attempt) -> {});

        BatchOutcome outcome =
            leased.consumeAll(
                notes("0:x", "1:a", "2:b"),
                (List<BatchHandler.Fresh<Note>> fresh) -> {
                  throw thrown;
                });

        assertThat(outcome.decisions()).containsExactly(SKIP);
        assertThat(outcome.failure().index()).isEqualTo(1);
        assertThat(outcome.failure().cause()).isSameAs(thrown.failure());
        assertThat(leased.consumeEach(notes("1:a", "2:b"), (note, attempt) -> {}).decisions())
            .allMatch(decision -> reason(decision) == ParkReason.OUTCOME_UNKNOWN);
      }
    }
  }

  @Test
  void underLeasesAPlaceInABatchWithinIsNone() throws Exception {
    try (Connection connection = dataSource.getConnection();
        Idempotency joined =
            Idempotency.builder()
                .transactionalStore(
                    new JdbcTransactionalStore(
                        new OwnersTransaction(connection), Dialect.H2, JdbcSettings.defaults()))
                .purgeEvery(Duration.ZERO)
                .build();
        Idempotency memory = Idempotency.inMemory()) {
      connection.setAutoCommit(false);
      Inbox<Note> within = inbox(joined, "within");
      Inbox<Note> leased = leased(memory);

      BatchOutcome outcome =
          leased.consumeAll(
              notes("1:a", "2:b"),
              (List<BatchHandler.Fresh<Note>> fresh) ->
                  within.consumeAll(
                      notes("7:y", "8:z"),
                      (List<BatchHandler.Fresh<Note>> inner) -> {
                        throw new MessageFailedException(
                            inner.get(1), new ConnectException("refused"));
                      }));
      connection.rollback();

      assertThat(outcome.decisions()).isEmpty();
      assertThat(outcome.failure().index()).isZero();
      assertThat(leased.consumeEach(notes("1:a", "2:b"), (note, attempt) -> {}).decisions())
          .allMatch(decision -> reason(decision) == ParkReason.OUTCOME_UNKNOWN);
    }
  }

  private static Inbox<Note> leased(Idempotency memory) {
    return Inbox.builder(memory, "book", Note.READER)
        .consumerGroup("billing")
        .operation(operation -> operation.releaseOn(ConnectException.class))
        .build();
  }

  private static BatchHandler<Note, RuntimeException> all(List<Object> effects) {
    return fresh -> fresh.forEach(each -> effects.add(each.message().payload()));
  }

  private static BatchHandler<Note, RuntimeException> failingAtBad(
      List<Object> effects, Exception failure) {
    return fresh -> {
      for (BatchHandler.Fresh<Note> each : fresh) {
        if ("bad".equals(each.message().payload())) {
          throw new MessageFailedException(each, failure);
        }
        effects.add(each.message().payload());
      }
    };
  }

  private static void bookOrFail(Note note, io.idem.core.Attempt attempt) throws SQLException {
    Note.book(note, attempt);
    if ("bad".equals(note.payload())) {
      throw new SQLException("bad");
    }
  }

  private static List<Note> notes(String... keysAndPayloads) {
    return IntStream.range(0, keysAndPayloads.length)
        .mapToObj(i -> keysAndPayloads[i].split(":"))
        .map(parts -> Note.of(parts[0], parts[1]))
        .toList();
  }

  private static Note ordered(String key, String payload, String order) {
    return new Note(Map.of(MessageIds.HEADER, key, "order", order), payload);
  }

  /** A transaction that somebody else began and will end, and that can be marked. */
  private static final class OwnersTransaction
      implements JdbcTransactions, JdbcTransactions.Transaction {

    private final Connection connection;
    private boolean rollbackOnly;

    OwnersTransaction(Connection connection) {
      this.connection = connection;
    }

    @Override
    public <R, X extends Throwable> R inTransaction(Work<R, X> work) throws X {
      boolean returned = false;
      try {
        R result = work.run(this);
        returned = true;
        return result;
      } finally {
        rollbackOnly |= !returned;
      }
    }

    @Override
    public boolean isJoined() {
      return true;
    }

    @Override
    public Connection connection() {
      return connection;
    }

    @Override
    public void setRollbackOnly() {
      rollbackOnly = true;
    }

    @Override
    public boolean isRollbackOnly() {
      return rollbackOnly;
    }
  }

  /** Somebody who is in the middle of a message until this is closed, and then gives it up. */
  private final class Busy implements AutoCloseable {

    private final CountDownLatch end = new CountDownLatch(1);
    private final CompletableFuture<Void> running;

    Busy(String key, String payload) {
      this(inbox(effects.engine(), "billing"), key, payload);
    }

    Busy(Inbox<Note> there, String key, String payload) {
      CountDownLatch started = new CountDownLatch(1);
      running =
          CompletableFuture.runAsync(
              () ->
                  assertThatThrownBy(
                          () ->
                              there.consume(
                                  Note.of(key, payload),
                                  (note, attempt) -> {
                                    started.countDown();
                                    Together.await(end);
                                    throw new IllegalArgumentException("given up");
                                  }))
                      .isInstanceOf(IllegalArgumentException.class));
      Together.await(started);
    }

    @Override
    public void close() {
      end.countDown();
      running.orTimeout(30, TimeUnit.SECONDS).join();
    }
  }
}
