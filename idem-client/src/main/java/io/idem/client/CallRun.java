package io.idem.client;

import io.github.resilience4j.retry.Retry;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The attempts of one call, one after the other: what an adapter of a client library drives.
 *
 * <p>An adapter adds {@link #headers()} to the request and sends it. It tells {@link #answered} or
 * {@link #failed} what came of it, and does what these return: hand over the response, send the
 * very same request again after a while, or fail. {@link #execute} does that for clients that
 * block. Not thread-safe: the attempts follow each other, on whatever threads.
 */
public final class CallRun {

  /** What to do after an attempt. */
  public sealed interface Next {

    /** The response of this attempt is the answer of the call. */
    record Deliver() implements Next {}

    /**
     * Send the request again.
     *
     * @param delay how long to wait before, zero or more
     */
    record Again(Duration delay) implements Next {}

    /**
     * The call has failed.
     *
     * @param failure {@link CallOutcomeUnknownException}, or the failure of the attempt if nothing
     *     can have been carried out
     */
    record Fail(Throwable failure) implements Next {}
  }

  private final IdempotentCalls calls;
  private final OutgoingCall call;
  private final Map<String, String> headers;
  private final Retry.AsyncContext<AttemptEnd> retries;
  private final long start = System.nanoTime();
  private boolean mayHaveRun;
  private int attempts;

  CallRun(IdempotentCalls calls, OutgoingCall call, Map<String, String> headers) {
    this.calls = calls;
    this.call = call;
    this.headers = headers;
    this.retries = calls.retries();
    this.mayHaveRun = call.sentBefore();
  }

  /**
   * The headers to add to the request, the same for every attempt.
   *
   * @return values by name; empty if the request has them already
   */
  public Map<String, String> headers() {
    return headers;
  }

  /**
   * How much is left of the call's total time.
   *
   * @return at least one millisecond, for a timeout of the next attempt
   */
  public Duration remaining() {
    Duration left = calls.totalTime().minusNanos(System.nanoTime() - start);
    return left.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : left;
  }

  /**
   * Takes note that the client library has sent the request by itself before the attempt that is
   * under way, and that this may have been carried out. To be called before {@link #answered} or
   * {@link #failed}.
   */
  public void sentUnseen() {
    mayHaveRun = true;
  }

  /**
   * Takes note of an answer.
   *
   * @param answer what was received
   * @return what to do
   */
  public Next answered(ReceivedAnswer answer) {
    attempts++;
    Reading reading = calls.read(answer);
    Duration retryAfter = calls.retryAfter(answer);
    Duration delay = reading.again() ? delay(retryAfter) : ended();
    Reading.Kind kind = reading.kind();
    if (delay != null) {
      mayHaveRun |= kind == Reading.Kind.UNKNOWN || kind == Reading.Kind.BUSY;
      return new Next.Again(delay);
    }
    boolean unknown =
        kind == Reading.Kind.UNKNOWN || (kind == Reading.Kind.TURNED_AWAY && mayHaveRun);
    return unknown ? unknown(answer, null) : new Next.Deliver();
  }

  /**
   * Takes note that an attempt had no answer.
   *
   * @param failure why, without what the client library wraps around it
   * @return what to do; never {@link Next.Deliver}
   */
  public Next failed(Throwable failure) {
    attempts++;
    if (failure instanceof CallOutcomeUnknownException other && isOfThisCall(other.key())) {
      // Another run has sent it as often as it may be, because there is an adapter behind this one.
      ended();
      return new Next.Fail(failure);
    }
    Failures kind = Failures.of(failure);
    if (kind == Failures.STOPPED) {
      return stopped(failure);
    }
    mayHaveRun |= kind == Failures.NO_ANSWER;
    boolean again = kind == Failures.NO_ANSWER || kind == Failures.NOT_CONNECTED;
    Duration delay = again ? delay(null) : ended();
    if (delay != null) {
      return new Next.Again(delay);
    }
    return mayHaveRun ? unknown(null, failure) : new Next.Fail(failure);
  }

  /**
   * Sends a request until its call is answered.
   *
   * <p>If the thread is interrupted, nothing is sent any more; it stays interrupted, and the
   * outcome is unknown.
   *
   * @param exchange how it is sent
   * @param <R> the client library's response
   * @return the response of the last attempt
   * @throws CallOutcomeUnknownException if it is not known whether the call was carried out
   * @throws IOException what the last attempt failed with, if nothing can have been carried out
   */
  public <R> R execute(CallExchange<R> exchange) throws IOException {
    while (true) {
      R response = null;
      Next next;
      try {
        response = exchange.send();
        next = answered(exchange.read(response));
      } catch (IOException | InterruptedException | RuntimeException e) {
        // Not every client says that it was the interrupt.
        next = Thread.currentThread().isInterrupted() ? stopped(e) : failed(e);
        if (e instanceof InterruptedException) {
          Thread.currentThread().interrupt();
        }
      }
      if (next instanceof Next.Deliver && response != null) {
        return response;
      }
      if (response != null) {
        exchange.discard(response);
      }
      if (next instanceof Next.Again again) {
        pause(exchange, again.delay());
      } else if (next instanceof Next.Fail fail) {
        throw thrown(fail.failure());
      }
    }
  }

  private void pause(CallExchange<?> exchange, Duration delay) throws CallOutcomeUnknownException {
    try {
      // A pause of no time would not notice.
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      exchange.pause(delay);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CallOutcomeUnknownException(call.key(), attempts, null, e);
    } catch (IOException e) {
      throw new CallOutcomeUnknownException(call.key(), attempts, null, e);
    }
  }

  private static IOException thrown(Throwable failure) {
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    return failure instanceof IOException e ? e : new IOException(failure);
  }

  /** An adapter behind this one may know the key as its header spells it. */
  private boolean isOfThisCall(String key) {
    return key.equals(call.key()) || calls.headers(call).containsValue(key);
  }

  private Next stopped(Throwable failure) {
    retries.onComplete();
    return unknown(null, failure);
  }

  private Next unknown(@Nullable ReceivedAnswer answer, @Nullable Throwable cause) {
    return new Next.Fail(new CallOutcomeUnknownException(call.key(), attempts, answer, cause));
  }

  /** How long to wait before the next attempt; null if there is to be none. */
  private @Nullable Duration delay(@Nullable Duration retryAfter) {
    if (call.sentOnce()) {
      return ended();
    }
    Duration left = calls.totalTime().minusNanos(System.nanoTime() - start);
    long delay = retries.onResult(new AttemptEnd(retryAfter, left));
    return delay < 0 ? ended() : Duration.ofMillis(delay);
  }

  private @Nullable Duration ended() {
    retries.onComplete();
    return null;
  }
}
