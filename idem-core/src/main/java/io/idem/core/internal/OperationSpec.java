package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Disposition;
import io.idem.core.FailureMapping;
import io.idem.core.Mode;
import io.idem.core.ResultCodec;
import io.idem.core.StoreDownPolicy;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The settings of one operation, or of one of its steps, checked and complete.
 *
 * @param keySpace whom it shares its keys with, or null
 * @param step the step's name, or null if these are the settings of the operation itself
 */
public record OperationSpec<T extends @Nullable Object>(
    String name,
    @Nullable String keySpace,
    ResultCodec<T> codec,
    Mode mode,
    @Nullable TransactionalStore transactionalStore,
    Duration retention,
    Duration leaseFor,
    Duration waitAtMost,
    Duration retryAfter,
    int maxResultBytes,
    List<FailureMapping<?>> recordedFailures,
    List<Class<? extends Throwable>> releasingFailures,
    Disposition otherFailures,
    Function<? super T, Disposition> results,
    AbandonedPolicy<T> abandoned,
    StoreDownPolicy storeDown,
    @Nullable String step) {

  /** What it is called in logs and in the readable parts of records. */
  String title() {
    return step == null ? name : name + "/" + step;
  }

  /**
   * Whether what the store has not answered runs all the same. Not on a thread that is interrupted:
   * there the store may be well, and only the wait for its answer was cut short.
   */
  boolean failsOpenNow() {
    return storeDown == StoreDownPolicy.FAIL_OPEN && !Thread.currentThread().isInterrupted();
  }

  /** What becomes of the key after this failure. */
  Disposition dispositionOf(Throwable failure) {
    if (mappingFor(failure) != null) {
      return Disposition.RECORD_REJECTION;
    }
    for (Class<? extends Throwable> type : releasingFailures) {
      if (type.isInstance(failure)) {
        return Disposition.RELEASE;
      }
    }
    return otherFailures;
  }

  /** How this failure is recorded, or null if it is not. */
  @Nullable FailureMapping<?> mappingFor(Throwable failure) {
    for (FailureMapping<?> mapping : recordedFailures) {
      if (mapping.type().isInstance(failure)) {
        return mapping;
      }
    }
    return null;
  }
}
