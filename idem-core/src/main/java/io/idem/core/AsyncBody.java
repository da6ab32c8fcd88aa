package io.idem.core;

import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The work of an operation that ends on whatever thread ends it: what must take effect once.
 *
 * @param <T> the type of its result
 */
@FunctionalInterface
public interface AsyncBody<T extends @Nullable Object> {

  /**
   * Starts the work, and does not wait for it. It is called on its caller's thread or one of the
   * engine's, which has other requests to carry.
   *
   * <p>What becomes of the key is decided when the stage ends, so it ends only when nothing more
   * can come of the work. The lease is renewed until then, for as long as the engine lives: give
   * work that may never end a timeout, whose exception leaves the outcome unknown.
   *
   * @param attempt this run, for keys of outgoing calls and fencing
   * @return ends with the result, or exceptionally with a failure, which a {@link
   *     java.util.concurrent.CompletionException} may wrap; the operation says what becomes of the
   *     key
   * @throws Exception a failure, as if the stage had ended with it
   */
  CompletionStage<T> run(Attempt attempt) throws Exception;
}
