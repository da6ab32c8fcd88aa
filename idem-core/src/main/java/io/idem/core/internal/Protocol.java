package io.idem.core.internal;

import io.idem.core.Execution;
import org.jspecify.annotations.Nullable;

/** How one mode carries a request through the store. */
interface Protocol {

  /** Answers a call whose flight leads the others of its key on this node. */
  <T extends @Nullable Object, X extends Throwable> Execution<T> lead(
      Call<T, X> call, Flight flight) throws X;
}
