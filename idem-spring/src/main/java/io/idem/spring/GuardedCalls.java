package io.idem.spring;

import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.guard.jdbc.StateGuard;
import io.idem.jdbc.JdbcTransactions;
import java.lang.reflect.Method;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeansException;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.MethodParameter;
import org.springframework.core.ResolvableType;
import org.springframework.transaction.TransactionManager;

/** Makes {@link GuardedCall}s, and refuses what cannot hold. */
final class GuardedCalls {

  private final GuardedMethod method;
  private final ListableBeanFactory beans;

  private GuardedCalls(GuardedMethod method, ListableBeanFactory beans) {
    this.method = method;
    this.beans = beans;
  }

  /**
   * Prepares the calls of a method.
   *
   * @throws IdempotencySetupException if it names no guard, no state of its machine or no id; if
   *     its transaction would be another than the guard's; or if it could not say what a repeat
   *     returns
   */
  static GuardedCall<?> of(GuardedMethod method, ListableBeanFactory beans) {
    GuardedCalls calls = new GuardedCalls(method, beans);
    return calls.of(calls.guard());
  }

  private <S extends Enum<S>> GuardedCall<S> of(StateGuard<S> guard) {
    String id = method.annotation().id();
    Class<S> states = guard.machine().type();
    int parameter = parameter(states);
    return new GuardedCall<>(
        method,
        guard,
        target(guard.machine()),
        new CallExpression(
            method.method(), "@GuardedTransition(id = \"" + id + "\") on " + method, id, beans),
        transactions(guard.transactions()),
        parameter >= 0 ? told() : untold(states),
        parameter);
  }

  // ---- the guard

  private StateGuard<?> guard() {
    String name = method.annotation().guard();
    String[] names = beans.getBeanNamesForType(StateGuard.class);
    if (name.isEmpty() && names.length != 1) {
      throw new IdempotencySetupException(
          method
              + " is a @GuardedTransition that names no guard, and there "
              + (names.length == 0
                  ? "is no bean of type StateGuard."
                  : "are several: " + String.join(", ", names) + "."),
          names.length == 0
              ? "Declare one: a @Bean method that returns guards.states(machine,"
                  + " StateTable.of(…)), of the JdbcGuards that Spring Boot's starter of Idem makes."
              : "Name one of them with @GuardedTransition(guard = …).");
    }
    try {
      return beans.getBean(name.isEmpty() ? names[0] : name, StateGuard.class);
    } catch (BeansException e) {
      if (name.isEmpty() || isGuard(name)) {
        throw e; // it is there, and says itself why it could not be made
      }
      throw new IdempotencySetupException(
          "@GuardedTransition(guard = \""
              + name
              + "\") on "
              + method
              + " names no bean of type StateGuard; there "
              + (names.length == 0 ? "is none." : "are " + String.join(", ", names) + "."),
          (names.length == 0 ? "Declare it: a" : "Name one of them, or declare it: a")
              + " @Bean method that returns guards.states(machine,"
              + " StateTable.of(…)).",
          e);
    }
  }

  private boolean isGuard(String name) {
    return beans.containsBean(name) && beans.isTypeMatch(name, StateGuard.class);
  }

  private <S extends Enum<S>> S target(StateMachine<S> machine) {
    String to = method.annotation().to();
    String what = "@GuardedTransition(to = \"" + to + "\") on " + method;
    S state =
        machine.states().stream()
            .filter(one -> one.name().equals(to))
            .findFirst()
            .orElseThrow(
                () ->
                    new IdempotencySetupException(
                        what + " names no state of the machine of the guard.",
                        "Name one of " + machine.states() + "."));
    if (machine.sources(state).isEmpty()) {
      throw new IdempotencySetupException(
          what + " can never be made: no transition leads to this state.",
          "Name another state, or allow a transition to it in the machine.");
    }
    return state;
  }

  // ---- the transaction

  private JdbcTransactions transactions(JdbcTransactions transactions) {
    if (!TransactionRules.SPRING_JDBC
        || !(transactions instanceof SpringJdbcTransactions ofSpring)) {
      throw new IdempotencySetupException(
          "The guard of "
              + method
              + " makes its transitions in transactions of its own, so that a body that fails would"
              + " leave the transition behind.",
          "Make it of guards that join Spring's transactions: JdbcGuards.of(new"
              + " SpringJdbcTransactions(transactionManager, dataSource)), which is the bean that"
              + " Spring Boot's starter of Idem makes.");
    }
    DeclaredTransaction declared =
        DeclaredTransaction.of(method.method(), method.targetClass(), method.toString(), beans);
    if (declared == null) {
      return ofSpring.named(method.toString());
    }
    String what = "@Transactional on " + method;
    if (declared.isApart()) {
      throw new IdempotencySetupException(
          what
              + " has a propagation that parts the method's body from the transaction of its"
              + " transition: a crash between the two would lose one of them.",
          "Use Propagation.REQUIRED.");
    }
    if (declared.attribute().isReadOnly()) {
      throw new IdempotencySetupException(
          what + " is read-only, but the transition is made in the same transaction.",
          "Leave readOnly away.");
    }
    if (declared.hasNoRollbackRule()) {
      throw new IdempotencySetupException(
          what
              + " commits on some exceptions (noRollbackFor), but a body that throws takes its"
              + " transition back.",
          "Leave noRollbackFor away, and return what is no failure.");
    }
    TransactionManager manager = declared.manager(beans);
    if (manager != ofSpring.transactionManager()) {
      throw new IdempotencySetupException(
          what
              + " uses the transaction manager "
              + declared.named(manager)
              + ", which is not the one of its guard: transition and effect would be committed"
              + " apart.",
          "Use the transaction manager of the guard (idem.guard.transaction-manager with Spring"
              + " Boot).");
    }
    return declared.isOfOwnKind()
        ? ofSpring.with(declared.kind(method.toString()))
        : ofSpring.named(method.toString());
  }

  // ---- what a repeat returns

  private GuardedCall.Repeat told() {
    requireEnd();
    return GuardedCall.Repeat.BODY;
  }

  private GuardedCall.Repeat untold(Class<?> states) {
    requireEnd();
    ResolvableType returned =
        ResolvableType.forMethodReturnType(method.method(), method.targetClass());
    Class<?> type = returned.toClass();
    if (type == void.class || type == Void.class) {
      return GuardedCall.Repeat.NOTHING;
    } else if (type == Optional.class) {
      return GuardedCall.Repeat.EMPTY;
    } else if (type == Transition.class) {
      requireStates(returned, states, "returns");
      return GuardedCall.Repeat.ANSWER;
    }
    String name = type.getSimpleName();
    throw new IdempotencySetupException(
        method
            + " is a @GuardedTransition that returns "
            + name
            + ", but a repeat does not run it and has none to return.",
        (type.isPrimitive() ? "Return void" : "Return Optional<" + name + ">, void")
            + " or Transition<"
            + states.getSimpleName()
            + ">; or take a parameter of type Transition<"
            + states.getSimpleName()
            + ">, which Idem fills in: the method then runs for repeats as well, and is told.");
  }

  /** The transaction ends when the method returns. */
  private void requireEnd() {
    Class<?> type =
        ResolvableType.forMethodReturnType(method.method(), method.targetClass()).toClass();
    if (isSuspended() || LateResults.isLate(type)) {
      throw new IdempotencySetupException(
          method
              + " is a @GuardedTransition that "
              + (isSuspended() ? "suspends" : "returns a " + type.getSimpleName())
              + ", so that it goes on after the transaction of its transition has ended.",
          "Return the result itself, and call the method from what runs it asynchronously.");
    }
  }

  /** Whether it is a suspending function of Kotlin, which returns before it is done. */
  private boolean isSuspended() {
    Class<?>[] parameters = method.method().getParameterTypes();
    return parameters.length > 0
        && parameters[parameters.length - 1].getName().equals("kotlin.coroutines.Continuation");
  }

  private int parameter(Class<?> states) {
    Method declared = method.method();
    int found = -1;
    for (int i = 0; i < declared.getParameterCount(); i++) {
      ResolvableType type =
          ResolvableType.forMethodParameter(
              new MethodParameter(declared, i).withContainingClass(method.targetClass()));
      if (type.toClass() == Transition.class) {
        if (found >= 0) {
          throw new IdempotencySetupException(
              method + " is a @GuardedTransition with several parameters of type Transition.",
              "Leave one of them, which Idem fills in.");
        }
        requireStates(type, states, "takes");
        found = i;
      }
    }
    return found;
  }

  private void requireStates(ResolvableType transition, Class<?> states, String verb) {
    @Nullable Class<?> named = transition.getGeneric(0).resolve();
    if (named != null && named != states) {
      throw new IdempotencySetupException(
          method
              + " is a @GuardedTransition that "
              + verb
              + " a Transition<"
              + named.getSimpleName()
              + ">, but the states of its guard are "
              + states.getSimpleName()
              + ".",
          "Write Transition<" + states.getSimpleName() + ">, or name another guard.");
    }
  }
}
