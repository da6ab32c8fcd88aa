package io.idem.spring;

import io.idem.core.Mode;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.interceptor.TransactionInterceptor;

/**
 * Transactions that a container begins before it calls the inbox of a listener. An outcome of a
 * leased operation is recorded inside of them, and so before what the listener wrote is committed.
 * A batch is told inside of them, as far as it is done, and so before it is.
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
    if (container != null && !isOf(ofBroker, container)) {
      throw refusal(
          where + " has a " + AopProxyUtils.ultimateTargetClass(container).getSimpleName());
    }
    for (Object advice : advices) {
      if (advice instanceof TransactionInterceptor interceptor
          && !isOf(ofBroker, interceptor.getTransactionManager())) {
        throw refusal(where + " has a transaction interceptor among its advice");
      }
    }
  }

  /**
   * Refuses advice that puts a transaction around the inbox of a batch, whichever manager it has.
   *
   * @param where the container, to begin a sentence with
   * @param advices the advice around the inbox, of which only Spring's transaction interceptors are
   *     recognised
   * @throws IdempotencySetupException if there is one
   */
  public static void refuseAroundBatches(String where, Object[] advices) {
    for (Object advice : advices) {
      if (advice instanceof TransactionInterceptor) {
        throw new IdempotencySetupException(
            where
                + " has a transaction interceptor among its advice, and a listener of batches: one"
                + " message that is not done would undo the effects of those that the broker is"
                + " told are done, and they would be lost.",
            "Leave it away: the inbox has a transaction of its own. Or take single messages.");
      }
    }
  }

  /** Whether it is one, maybe behind a proxy of its interfaces. */
  private static boolean isOf(
      Class<? extends TransactionManager> type, @Nullable TransactionManager manager) {
    return manager != null
        && (type.isInstance(manager)
            || type.isAssignableFrom(AopProxyUtils.ultimateTargetClass(manager)));
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
