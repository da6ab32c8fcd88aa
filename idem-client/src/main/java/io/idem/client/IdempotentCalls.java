package io.idem.client;

import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How another system is called: which headers carry a key there, and when a call is sent again.
 *
 * <p>Made once for each system, for the life of the application. Immutable and thread-safe.
 *
 * <ul>
 *   <li>A call is repeated under the same key while its connection fails or times out, the key is
 *       busy, or the server is overloaded or says that a repeat may succeed; within {@link
 *       Builder#maxAttempts} and {@link Builder#totalTime}.
 *   <li>Between attempts passes a random time below a bound that doubles (full jitter), and at
 *       least what {@code Retry-After} asks for.
 *   <li>A call without a key is sent once.
 * </ul>
 */
public final class IdempotentCalls {

  private final KeyHeaders headers;
  private final Duration totalTime;
  private final boolean conflictIsBusy;
  private final InstantSource clock;
  private final Retry retry;

  private IdempotentCalls(Builder builder) {
    this.headers = builder.headers;
    this.totalTime = builder.totalTime;
    this.conflictIsBusy = builder.conflictIsBusy;
    this.clock = builder.clock;
    IntervalFunction bound =
        IntervalFunction.ofExponentialBackoff(builder.backOff, 2, builder.maxBackOff);
    this.retry =
        Retry.of(
            builder.name,
            RetryConfig.<AttemptEnd>custom()
                .maxAttempts(builder.maxAttempts)
                .retryOnResult(end -> true)
                .intervalBiFunction((attempt, end) -> delay(bound.apply(attempt), end.get()))
                .build());
  }

  /** In milliseconds; negative if the call's time does not allow for it. */
  private static long delay(long bound, AttemptEnd end) {
    long jitter = ThreadLocalRandom.current().nextLong(bound + 1);
    // Not all at the very moment that the server names.
    long delay = end.retryAfter() == null ? jitter : end.retryAfter().toMillis() + jitter;
    return delay < end.left().toMillis() ? delay : -1;
  }

  /**
   * Starts a description.
   *
   * @return a builder with the defaults
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The headers of a call, for a client to which they are arguments.
   *
   * @param call the call
   * @return values by name
   */
  public Map<String, String> headers(OutgoingCall call) {
    Instant firstSent = call.firstSent();
    return headers.of(call, firstSent == null ? clock.instant() : firstSent);
  }

  /**
   * The counts and events of the repeats, for example to bind them to metrics.
   *
   * @return what the calls share; its configuration takes results of a private type
   */
  public Retry retry() {
    return retry;
  }

  // ---- for adapters

  /**
   * Begins a call.
   *
   * @param call the call
   * @return its run
   */
  public CallRun begin(OutgoingCall call) {
    return new CallRun(this, call, headers(call));
  }

  /**
   * Begins the call of a request, if it is one.
   *
   * @param call the call that the caller named; null if it named none
   * @param requestHeaders the first value of a header of its request; null if it has none of the
   *     name. A request that brings the key's header is a call under that key
   * @return the run; nothing for a request without a key, which is to be sent as it is
   */
  public Optional<CallRun> begin(
      @Nullable OutgoingCall call, Function<String, @Nullable String> requestHeaders) {
    if (call != null) {
      return Optional.of(begin(call));
    }
    return callOf(requestHeaders).map(this::resume);
  }

  /**
   * The call that a request is by its headers.
   *
   * @param requestHeaders the first value of a header of its request; null if it has none of the
   *     name
   * @return a call whose key is spelled as the header has it; nothing without a key
   */
  public Optional<OutgoingCall> callOf(Function<String, @Nullable String> requestHeaders) {
    return Optional.ofNullable(requestHeaders.apply(headers.keyHeader())).map(OutgoingCall::of);
  }

  /**
   * Begins a call whose request has its headers already.
   *
   * @param call the call
   * @return its run, without headers to add
   */
  public CallRun resume(OutgoingCall call) {
    return new CallRun(this, call, Map.of());
  }

  /**
   * Says what an answer means that was delivered.
   *
   * @param answer what was received
   * @param response the same as the client library's response
   * @param <R> the client library's response
   * @return {@link CallAnswer.Unknown} for an error that is delivered because the call had no key
   */
  public <R> CallAnswer<R> interpret(ReceivedAnswer answer, R response) {
    return switch (read(answer).kind()) {
      case RAN -> new CallAnswer.Ran<>(response);
      case REPLAYED -> new CallAnswer.Replayed<>(response);
      default -> interpretRefusal(answer);
    };
  }

  /**
   * The same where the client library has no response for errors, but an exception.
   *
   * @param answer what was received
   * @param <R> the client library's response
   * @return any answer but {@link CallAnswer.Ran} and {@link CallAnswer.Replayed}
   * @throws IllegalArgumentException if it says that the call was carried out
   */
  public <R> CallAnswer<R> interpretRefusal(ReceivedAnswer answer) {
    return switch (read(answer).kind()) {
      case NOT_STORED -> new CallAnswer.ResultNotStored<>(answer);
      case BUSY -> {
        Duration retryAfter = retryAfter(answer);
        yield new CallAnswer.Busy<>(answer, retryAfter == null ? Duration.ZERO : retryAfter);
      }
      case REFUSED, TURNED_AWAY -> new CallAnswer.Refused<>(answer, answer.isReplayed());
      case UNKNOWN -> new CallAnswer.Unknown<>(null, answer, null);
      case RAN, REPLAYED ->
          throw new IllegalArgumentException("The answer is a success: " + answer);
    };
  }

  /**
   * Looks for the unknown outcome in an exception, and in what it wraps.
   *
   * @param failure what the client library threw
   * @param <R> the client library's response
   * @return the answer, if that is what was thrown
   */
  public static <R> Optional<CallAnswer<R>> unknown(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CallOutcomeUnknownException unknown) {
        return Optional.of(
            new CallAnswer.Unknown<>(
                unknown.key(), unknown.answer().orElse(null), unknown.getCause()));
      }
    }
    return Optional.empty();
  }

  Reading read(ReceivedAnswer answer) {
    return Reading.of(answer, conflictIsBusy);
  }

  @Nullable Duration retryAfter(ReceivedAnswer answer) {
    return HttpDates.wait(
            answer.header("Retry-After").orElse(null),
            answer.header("Date").orElse(null),
            clock.instant())
        .orElse(null);
  }

  Duration totalTime() {
    return totalTime;
  }

  Retry.AsyncContext<AttemptEnd> retries() {
    return retry.asyncContext();
  }

  /**
   * Collects the settings. Every setting has a default. Durations of more than a year count as a
   * year. Not thread-safe.
   */
  public static final class Builder {

    private String name = "idempotent-calls";
    private KeyHeaders headers = KeyHeaders.idempotencyKey();
    private int maxAttempts = 5;
    private Duration totalTime = Duration.ofSeconds(30);
    private Duration backOff = Duration.ofMillis(200);
    private Duration maxBackOff = Duration.ofSeconds(5);
    private boolean conflictIsBusy = true;
    private InstantSource clock = InstantSource.system();

    private Builder() {}

    /**
     * Names the system that is called, in {@link IdempotentCalls#retry()}.
     *
     * @param name the name; {@code idempotent-calls} by default
     * @return this
     */
    public Builder name(String name) {
      this.name = name;
      return this;
    }

    /**
     * Which headers carry the key.
     *
     * @param headers {@link KeyHeaders#idempotencyKey()} by default
     * @return this
     */
    public Builder headers(KeyHeaders headers) {
      this.headers = headers;
      return this;
    }

    /**
     * How often a request is sent at most.
     *
     * @param maxAttempts at least 1; 5 by default
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public Builder maxAttempts(int maxAttempts) {
      if (maxAttempts < 1) {
        throw new IllegalArgumentException("A call has at least 1 attempt, found " + maxAttempts);
      }
      this.maxAttempts = maxAttempts;
      return this;
    }

    /**
     * How long after the first attempt another one may still start. What is longer away, also
     * because the server asks for it, is not waited for. An attempt that is under way is bounded by
     * the client's own timeouts.
     *
     * @param totalTime at least one millisecond; 30 seconds by default
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public Builder totalTime(Duration totalTime) {
      this.totalTime = positive("total time", totalTime);
      return this;
    }

    /**
     * The bound of the random time before the second attempt, and the bound that it doubles up to.
     *
     * @param first at least one millisecond; 200 milliseconds by default
     * @param most at least as much; 5 seconds by default
     * @return this
     * @throws IllegalArgumentException if they are less
     */
    public Builder backOff(Duration first, Duration most) {
      this.backOff = positive("back-off", first);
      if (most.compareTo(first) < 0) {
        throw new IllegalArgumentException(
            "The longest back-off is at least the first, found " + most + " after " + first);
      }
      this.maxBackOff = HttpDates.bounded(most);
      return this;
    }

    /**
     * Whether a 409 that does not explain itself says that the key is busy, as in the IETF draft.
     * If not, it is a refusal of the operation. A problem with the member {@code retryable}, a
     * {@code Retry-After} and a {@code Stripe-Should-Retry} are explanations.
     *
     * @param conflictIsBusy true by default
     * @return this
     */
    public Builder unexplainedConflictIsBusy(boolean conflictIsBusy) {
      this.conflictIsBusy = conflictIsBusy;
      return this;
    }

    /**
     * The clock for times of first attempts, and for dates in {@code Retry-After} where the
     * response has no {@code Date}.
     *
     * @param clock the system's by default
     * @return this
     */
    public Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Makes the description.
     *
     * @return the description
     */
    public IdempotentCalls build() {
      return new IdempotentCalls(this);
    }

    private static Duration positive(String what, Duration value) {
      if (value.compareTo(Duration.ofMillis(1)) < 0) {
        throw new IllegalArgumentException("The " + what + " is at least 1 ms, found " + value);
      }
      return HttpDates.bounded(value);
    }
  }
}
