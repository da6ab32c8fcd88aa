package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchException;

import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.messaging.MessageFailedException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a container is thrown is what it would have been thrown without an inbox. */
class ListenerCallTest {

  /** As a container's adapter wraps what a listener threw. */
  private static final class Wrapper extends Exception {
    private static final long serialVersionUID = 1;

    Wrapper(Exception cause) {
      super(cause);
    }
  }

  private final Idempotency engine = Idempotency.inMemory();
  private final IllegalStateException failure = new IllegalStateException("no");
  private final Wrapper wrapping = new Wrapper(failure);

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void theEngineIsToldTheFailureAndTheContainerItsWrapper() {
    ListenerCall call = throwing(wrapping);

    assertThat(thrownBy(attempt -> call.proceed("message", attempt))).isSameAs(failure);
    assertThat(call.asThrown(failure)).isSameAs(wrapping);
  }

  @Test
  void whatWasNotWrappedIsThrownAsItIs() {
    ListenerCall call = throwing(failure);

    assertThat(thrownBy(attempt -> call.proceed("message", attempt))).isSameAs(failure);
    assertThat(call.asThrown(failure)).isSameAs(failure);
  }

  @Test
  void whatTheInboxThrowsItselfIsNotTheListeners() {
    ListenerCall call = throwing(wrapping);
    Exception others = new IllegalArgumentException("of the inbox");

    assertThat(thrownBy(attempt -> call.proceed("message", attempt))).isSameAs(failure);
    assertThat(call.asThrown(others)).isSameAs(others);
  }

  @Test
  void aPlaceThatCannotBeToldIsNotTheContainersBusiness() {
    ListenerCall call = throwing(wrapping);

    Exception told =
        thrownBy(
            attempt ->
                call.proceed(
                    List.of("message"),
                    attempt,
                    (read, isListeners) -> MessageFailedException.somewhere(read)));

    assertThat(told).isInstanceOf(MessageFailedException.class);
    assertThat(call.asThrown(told)).isSameAs(wrapping);
  }

  @Test
  void aPlaceStaysWithWhatIsThrown() {
    ListenerCall call = throwing(wrapping);

    Exception told =
        thrownBy(
            attempt ->
                call.proceed(
                    List.of("a", "b"),
                    attempt,
                    (read, isListeners) -> new MessageFailedException(1, read)));

    assertThat(call.asThrown(told)).isSameAs(told);
  }

  @Test
  void aListenersOwnWordOfAPlaceIsThrownAsItThrewIt() {
    MessageFailedException own = new MessageFailedException(1, failure);
    Wrapper around = new Wrapper(own);
    ListenerCall call = throwing(around);

    Exception told =
        thrownBy(attempt -> call.proceed(List.of("a", "b"), attempt, (read, isListeners) -> null));

    assertThat(told)
        .isInstanceOfSatisfying(
            MessageFailedException.class, somewhere -> assertThat(somewhere.index()).isEqualTo(-1));
    assertThat(call.asThrown(told)).isSameAs(around);
  }

  @Test
  void aListenersOwnWordOfNoPlaceIsThrownAsItThrewIt() {
    MessageFailedException own = MessageFailedException.somewhere(failure);
    ListenerCall call = throwing(own);

    Exception told =
        thrownBy(attempt -> call.proceed(List.of("a", "b"), attempt, (read, isListeners) -> null));

    assertThat(call.asThrown(told)).isSameAs(own);
  }

  private static ListenerCall throwing(Exception thrown) {
    return new ListenerCall(
        received -> {
          throw thrown;
        },
        Wrapper.class);
  }

  /** What is called in an attempt of a leased operation that releases its key for everything. */
  private Exception thrownBy(Calling calling) {
    return catchException(
        () ->
            engine
                .operation("consume")
                .releaseOn(Exception.class)
                .build()
                .execute(
                    IdempotentRequest.of("key-1"),
                    attempt -> {
                      calling.call(attempt);
                      return null;
                    }));
  }

  @FunctionalInterface
  private interface Calling {
    void call(Attempt attempt) throws Exception;
  }
}
