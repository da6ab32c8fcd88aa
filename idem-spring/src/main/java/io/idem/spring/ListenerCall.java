package io.idem.spring;

import io.idem.core.Attempt;
import io.idem.core.Mode;
import io.idem.messaging.MessageFailedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.aop.ProxyMethodInvocation;

/**
 * The call of a message listener from inside of an inbox, which may be made more than once. The
 * engine is told what the listener threw, the container what that was wrapped in. Not thread-safe.
 */
public final class ListenerCall {

  private static final Logger log = LoggerFactory.getLogger("io.idem.messaging");

  private final Listener listener;
  private final Class<? extends Exception> wrapper;
  private @Nullable Exception wrapping;
  private @Nullable Exception wrapped;

  /** What is called. */
  @FunctionalInterface
  public interface Listener {

    /**
     * Calls the listener.
     *
     * @param received a message, or a list of them
     * @throws Exception what the listener threw, wrapped or not
     */
    void call(Object received) throws Exception;
  }

  /** Finds out what a batch listener's failure says of the messages that it was given. */
  @FunctionalInterface
  public interface Reading {

    /**
     * Reads a failure.
     *
     * @param failure what was thrown, unwrapped
     * @param isListeners true if the container's adapter has wrapped it, as what it was thrown by
     *     the listener; false if it may be the adapter's own
     * @return what it tells of a message that has failed, or null for nothing: it is the failure of
     *     all
     */
    @Nullable MessageFailedException read(Exception failure, boolean isListeners);
  }

  /**
   * A call that is to be made.
   *
   * @param listener what is called
   * @param wrapper what the container's adapters wrap in what a listener threw
   */
  public ListenerCall(Listener listener, Class<? extends Exception> wrapper) {
    this.listener = listener;
    this.wrapper = wrapper;
  }

  /**
   * The call that advice was put around.
   *
   * @param invocation the call
   * @param argument which of its arguments is what was received
   * @param wrapper what the container's adapters wrap in what a listener threw
   * @return the same, as often as it is made
   */
  public static ListenerCall of(
      ProxyMethodInvocation invocation, int argument, Class<? extends Exception> wrapper) {
    return new ListenerCall(
        received -> {
          Object[] arguments = invocation.getArguments().clone();
          arguments[argument] = received;
          try {
            invocation.invocableClone(arguments).proceed();
          } catch (Exception | Error e) {
            throw e;
          } catch (Throwable e) {
            throw new IllegalStateException("A listener threw what is no exception", e);
          }
        },
        wrapper);
  }

  /**
   * Calls the listener with a single message, for which {@link CurrentAttempt} is there. A failure
   * that leaves a leased outcome unknown is logged here, because the next delivery may be parked
   * without it.
   *
   * @param message what it is given
   * @param attempt the attempt that it is part of
   * @throws Exception what the listener threw, unwrapped
   */
  public void proceed(Object message, Attempt attempt) throws Exception {
    try {
      CurrentAttempt.call(attempt, () -> listener.call(message));
    } catch (Exception e) {
      Exception failure = unwrapped(e);
      tellUnknown(attempt, failure, failure);
      throw failure;
    }
  }

  /**
   * Calls the listener with many messages, which have an attempt each. What leaves leased outcomes
   * unknown is logged here too.
   *
   * @param messages what it is given
   * @param attempt the attempt of one of them
   * @param reading what its failure says
   * @throws Exception what was read of what the listener threw, or what it threw, unwrapped
   */
  public void proceed(Iterable<?> messages, Attempt attempt, Reading reading) throws Exception {
    try {
      listener.call(messages);
    } catch (Exception e) {
      Exception failure = unwrapped(e);
      MessageFailedException told = reading.read(failure, failure != e);
      if (told == null && failure instanceof MessageFailedException) {
        // A listener knows no places of the deliveries, but has something to say of one.
        told = MessageFailedException.somewhere(failure);
      }
      if (told == null) {
        tellUnknown(attempt, failure, failure);
        throw failure;
      }
      if (told.index() < 0) {
        tellNoPlace(attempt, failure);
      } else if (!told.isBeforeAny()) {
        tellUnknown(attempt, told.failure(), failure);
      }
      throw told;
    }
  }

  private static void tellNoPlace(Attempt attempt, Exception failure) {
    if (attempt.mode() == Mode.LEASED) {
      log.warn(
          "The leased listener of operation '{}' failed, and said of one message what cannot be"
              + " told of those that it was given: it is transactional, there is a filter in front"
              + " of it, the message is none of them, or what it threw is no exception of its"
              + " container. Whatever releaseOn says, the outcome of all is unknown, and unless"
              + " onAbandoned says otherwise the next deliveries are parked",
          attempt.operation(),
          failure);
    }
  }

  private static void tellUnknown(Attempt attempt, Exception judged, Exception failure) {
    if (attempt.leavesUnknown(judged)) {
      log.warn(
          "The leased listener of operation '{}' failed, and its outcome is unknown: unless"
              + " onAbandoned says otherwise the next delivery is parked. Say with releaseOn,"
              + " recordFailures or onOtherFailure what such a failure means",
          attempt.operation(),
          failure);
    }
  }

  private Exception unwrapped(Exception e) {
    if (wrapper.isInstance(e) && e.getCause() instanceof Exception cause) {
      wrapping = e;
      wrapped = cause;
      return cause;
    }
    return e;
  }

  /**
   * What the container would have been thrown without an inbox.
   *
   * @param e what came out of the inbox
   * @return what the listener's failure was wrapped in, or the same
   */
  public Exception asThrown(Exception e) {
    boolean isMade = e != wrapped && e instanceof MessageFailedException told && told.index() < 0;
    Exception thrown = isMade ? ((MessageFailedException) e).failure() : e;
    return thrown == wrapped && wrapping != null ? wrapping : thrown;
  }
}
