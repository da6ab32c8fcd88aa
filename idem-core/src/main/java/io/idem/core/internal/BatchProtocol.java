package io.idem.core.internal;

import io.idem.core.BatchBody;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How one mode carries the keys of a batch through the store. */
interface BatchProtocol {

  /**
   * Asks the store for all keys at once, runs the body for those that are fresh, and leaves in each
   * item what was said of it or became of it.
   *
   * @param items keys that are distinct, in the caller's order; at least one
   */
  <T extends @Nullable Object, X extends Throwable> void lead(
      OperationSpec<T> spec, List<BatchItem<T>> items, BatchBody<T, X> body) throws X;
}
