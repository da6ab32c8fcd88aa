package io.idem.core.internal;

import io.idem.core.Decision;
import io.idem.core.Disposition;
import io.idem.core.Execution;
import io.idem.core.FailureMapping;
import io.idem.core.ResultCodec;
import io.idem.core.ResultCodecException;
import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.StoredOutcome;
import java.util.Objects;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns stored outcomes into answers, and results and failures into stored outcomes. */
final class Answers {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final Events events;

  Answers(Events events) {
    this.events = events;
  }

  <T extends @Nullable Object> Execution<T> busy(Call<T, ?> call) {
    events.publish(Decision.BUSY, call, null);
    return new Execution.Busy<>(call.spec().retryAfter());
  }

  /** The answer to a request that was made inside the run that owns its key. */
  <T extends @Nullable Object> Execution<T> within(Call<T, ?> call, Fingerprint owner) {
    return owner.matches(call.fingerprint()) ? busy(call) : keyReused(call);
  }

  <T extends @Nullable Object> Execution<T> keyReused(Call<T, ?> call) {
    events.publish(Decision.KEY_REUSED, call, null);
    return new Execution.KeyReused<>();
  }

  <T extends @Nullable Object> Execution<T> unresolved(Call<T, ?> call, int attempt) {
    events.publish(Decision.UNRESOLVED, call, null);
    return new Execution.Unresolved<>(attempt);
  }

  /** The answer to a repeat, or to a different request under the key. */
  <T extends @Nullable Object> Execution<T> fromStored(Call<T, ?> call, Claim.Completed stored) {
    if (!stored.fingerprint().matches(call.fingerprint())) {
      return keyReused(call);
    }
    OperationSpec<T> spec = call.spec();
    StoredOutcome outcome = stored.outcome();
    if (outcome.kind() == StoredOutcome.Kind.FAILURE) {
      Exception failure = recreate(spec, outcome);
      events.publish(Decision.REPLAYED, call, failure);
      throw Sneaky.sneaky(failure);
    }
    Execution<T> answer = replay(spec, outcome);
    events.publish(Decision.REPLAYED, call, null);
    return answer;
  }

  private static <T extends @Nullable Object> Execution<T> replay(
      OperationSpec<T> spec, StoredOutcome outcome) {
    return switch (outcome.kind()) {
      case DONE, NULL_RESULT -> replayedNull();
      case RESULT -> new Execution.Replayed<>(decode(spec.title(), spec.codec(), outcome));
      case NOT_STORED -> new Execution.ResultNotStored<>(outcome.detail());
      case FAILURE -> throw new IllegalStateException("A failure is thrown, not answered");
    };
  }

  @NullUnmarked // only operations whose result type admits null store one
  private static <T> Execution<T> replayedNull() {
    return new Execution.Replayed<>(null);
  }

  private static <V extends @Nullable Object> V decode(
      String operation, ResultCodec<V> codec, StoredOutcome outcome) {
    try {
      return codec.decode(outcome.payload());
    } catch (Throwable e) {
      throw new ResultCodecException(
          "The stored outcome of operation '"
              + operation
              + "' cannot be read by its codec: it was written by an incompatible version, or the"
              + " result type changed. The operation was done; its record is intact",
          e);
    }
  }

  private static Exception recreate(OperationSpec<?> spec, StoredOutcome outcome) {
    for (FailureMapping<?> mapping : spec.recordedFailures()) {
      if (mapping.name().equals(outcome.detail())) {
        return decode(spec.title(), mapping.codec(), outcome);
      }
    }
    throw new ResultCodecException(
        "Operation '"
            + spec.title()
            + "' recorded a failure named '"
            + outcome.detail()
            + "', which it no longer declares: declare it again with recordFailure(…)",
        new IllegalStateException("No mapping for the recorded failure"));
  }

  /** What is to become of a key whose run returned this; unknown if the operation cannot say. */
  static <T extends @Nullable Object> Disposition dispositionOf(Call<T, ?> call, T result) {
    try {
      return Objects.requireNonNull(call.spec().results().apply(result), "disposition");
    } catch (Throwable e) {
      log.error(
          "Operation '{}' could not classify its result, so its outcome counts as unknown",
          call.spec().title(),
          e);
      return Disposition.UNKNOWN;
    }
  }

  /**
   * A result in its stored form.
   *
   * @throws ResultCodecException if the codec fails
   */
  <T extends @Nullable Object> StoredOutcome encode(OperationSpec<T> spec, T result) {
    if (!spec.codec().storesResult()) {
      return StoredOutcome.done();
    }
    if (result == null) {
      return StoredOutcome.nullResult();
    }
    byte[] payload = encode(spec.title(), spec.codec(), result);
    if (payload.length > spec.maxResultBytes()) {
      return StoredOutcome.notStored(
          "it has "
              + payload.length
              + " bytes, more than the "
              + spec.maxResultBytes()
              + " that are kept");
    }
    return StoredOutcome.result(payload);
  }

  /** The body has run: an answer that cannot be encoded must not make it run again. */
  <T extends @Nullable Object> StoredOutcome encodeOrExplain(OperationSpec<T> spec, T result) {
    try {
      return encode(spec, result);
    } catch (ResultCodecException e) {
      log.error(
          "The result of operation '{}' cannot be encoded: repeats will be told so",
          spec.title(),
          e);
      return StoredOutcome.notStored("it could not be encoded");
    }
  }

  /**
   * A failure in its stored form.
   *
   * @throws ResultCodecException if the codec fails
   */
  <E extends Exception> StoredOutcome encode(
      OperationSpec<?> spec, FailureMapping<E> mapping, Throwable failure) {
    byte[] payload = encode(spec.title(), mapping.codec(), mapping.type().cast(failure));
    if (payload.length > spec.maxResultBytes()) {
      throw new ResultCodecException(
          "A failure recorded by operation '" + spec.title() + "' is too large to keep",
          new IllegalArgumentException(payload.length + " bytes"));
    }
    return StoredOutcome.failure(mapping.name(), payload);
  }

  private static <V> byte[] encode(String operation, ResultCodec<V> codec, V value) {
    try {
      return Objects.requireNonNull(codec.encode(value), "encoded");
    } catch (Throwable e) { // also what recursion without end comes to
      throw new ResultCodecException(
          "The outcome of operation '" + operation + "' cannot be encoded by its codec", e);
    }
  }
}
