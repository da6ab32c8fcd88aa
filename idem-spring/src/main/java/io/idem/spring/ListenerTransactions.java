package io.idem.spring;

import io.idem.core.Mode;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.interceptor.TransactionInterceptor;

/**
 * Transactions that a container begins before it calls the inbox of a listener. An outcome of a
 * leased operation is recorded inside of them, and so before what the listener wrote is committed.
 */
public final class ListenerTransactions {

  private ListenerTransactions() {}

  /**
   * Refuses a transaction around a leased inbox.
   *
   * @param where the container, to begin a sentence with
   * @param mode the mode of the inbox
   * @param container the container's transaction manager; null if it has none
   * @param advices the advice around the inbox, of which only Spring's transaction interceptors are
   *     recognised
   * @param ofBroker the class of the broker's own transaction managers, which commit nothing but
   *     messages
   * @throws IdempotencySetupException if the mode is leased, and there is one that is not the
   *     broker's
   */
  public static void refuseAroundLeased(
      String where,
      Mode mode,
      @Nullable TransactionManager container,
      Object[] advices,
      Class<? extends TransactionManager> ofBroker) {
    if (mode != Mode.LEASED) {
      return;
    }
    if (container != null && !ofBroker.isInstance(container)) {
      throw refusal(where + " has a " + container.getClass().getSimpleName());
    }
    for (Object advice : advices) {
      if (advice instanceof TransactionInterceptor interceptor
          && !ofBroker.isInstance(interceptor.getTransactionManager())) {
        throw refusal(where + " has a transaction interceptor among its advice");
      }
    }
  }

  private static IdempotencySetupException refusal(String what) {
    return new IdempotencySetupException(
        what
            + ", and its inbox the mode LEASED, in which the outcome is recorded before that"
            + " transaction commits: a crash in between would lose the effect of a message.",
        "Leave it away, and declare @Transactional on the listener. Or let the inbox be"
            + " transactional, with a store in the database of the effect.");
  }
}
