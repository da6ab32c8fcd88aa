package io.idem.spring;

import io.idem.core.Attempt;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * The attempt that an {@link Idempotent} listener of messages is part of, for listeners that cannot
 * take it as a parameter, because an interface gives their signature. It is bound to the thread
 * that the container calls the listener on. Thread-safe.
 */
public final class CurrentAttempt {

  private CurrentAttempt() {}

  /**
   * The attempt of the message that this thread consumes.
   *
   * @return the attempt; valid until the listener returns
   * @throws IllegalStateException outside of an {@link Idempotent} listener, on a thread that it
   *     has started, and in a listener that takes a batch, whose messages have an attempt each
   */
  public static Attempt get() {
    if (!(TransactionSynchronizationManager.getResource(CurrentAttempt.class)
        instanceof Attempt attempt)) {
      throw new IllegalStateException(
          "There is no attempt: this is no thread on which a container calls an @Idempotent listener"
              + " for a single message");
    }
    return attempt;
  }

  /** Binds an attempt during a call, with or without a transaction. */
  static void call(Attempt attempt, Call call) throws Exception {
    Object outer = TransactionSynchronizationManager.unbindResourceIfPossible(CurrentAttempt.class);
    TransactionSynchronizationManager.bindResource(CurrentAttempt.class, attempt);
    try {
      call.run();
    } finally {
      TransactionSynchronizationManager.unbindResource(CurrentAttempt.class);
      if (outer != null) {
        TransactionSynchronizationManager.bindResource(CurrentAttempt.class, outer);
      }
    }
  }

  /** What is called. */
  @FunctionalInterface
  interface Call {
    void run() throws Exception;
  }
}
