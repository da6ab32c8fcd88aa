package io.idem.spring;

import io.idem.guard.ObjectNotFoundException;
import io.idem.guard.Transition;
import io.idem.guard.jdbc.StateGuard;
import io.idem.jdbc.JdbcTransactions;
import java.util.Optional;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.ProxyMethodInvocation;

/**
 * What calls of one {@link GuardedTransition} method do.
 *
 * @param method the method
 * @param guard who makes the transition
 * @param to the state it leads to
 * @param id the id of the row
 * @param transactions where transition and body run
 * @param repeat what becomes of a repeat
 * @param parameter the place of the parameter that is given the answer; negative for none
 * @param <S> the states
 */
record GuardedCall<S extends Enum<S>>(
    GuardedMethod method,
    StateGuard<S> guard,
    S to,
    CallExpression id,
    JdbcTransactions transactions,
    Repeat repeat,
    int parameter) {

  /** What a call that changes nothing returns. */
  enum Repeat {
    /** Nothing, or null. */
    NOTHING,
    /** An empty {@link Optional}. */
    EMPTY,
    /** The guard's answer. */
    ANSWER,
    /** What the body returns, which is told that it is a repeat. */
    BODY
  }

  @Nullable Object call(MethodInvocation invocation) throws Throwable {
    Object row = id.evaluate(invocation.getThis(), invocation.getArguments());
    if (row == null) {
      throw new IllegalArgumentException(
          "@GuardedTransition(id = \""
              + method.annotation().id()
              + "\") on "
              + method
              + " gives null for this call, which is the id of no row. Nothing ran");
    }
    Outcome<S> outcome =
        transactions.<Outcome<S>, Throwable>inTransaction(
            transaction -> {
              Transition<S> answer = guard.tryTransition(row, to);
              boolean runs = answer.isApplied() || (answer.isRepeat() && repeat == Repeat.BODY);
              return new Outcome<>(answer, runs, runs ? proceed(invocation, answer) : null);
            });
    // Outside, because nothing has changed that a rollback would have to undo.
    Transition<S> answer = outcome.answer().orElseThrow();
    if (answer instanceof Transition.NotFound<S>) {
      throw new ObjectNotFoundException(to);
    }
    return outcome.ran() ? outcome.returned() : ofRepeat(answer);
  }

  private @Nullable Object proceed(MethodInvocation invocation, Transition<S> answer)
      throws Throwable {
    if (parameter >= 0 && invocation instanceof ProxyMethodInvocation proxied) {
      @Nullable Object[] filled = invocation.getArguments().clone();
      filled[parameter] = answer;
      proxied.setArguments(filled);
    }
    return invocation.proceed();
  }

  private @Nullable Object ofRepeat(Transition<S> answer) {
    return switch (repeat) {
      case NOTHING, BODY -> null;
      case EMPTY -> Optional.empty();
      case ANSWER -> answer;
    };
  }

  private record Outcome<S extends Enum<S>>(
      Transition<S> answer, boolean ran, @Nullable Object returned) {}
}
