package io.idem.core.internal;

import io.idem.core.Attempt;
import io.idem.core.Mode;
import io.idem.core.Step;
import io.idem.core.StepBody;
import io.idem.core.store.TransactionScope;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One run of a body. */
record AttemptImpl(
    String namespace,
    Call<?, ?> call,
    int number,
    BooleanSupplier owner,
    @Nullable TransactionScope scope,
    Steps steps)
    implements Attempt {

  @Override
  public String operation() {
    return call.spec().name();
  }

  @Override
  public Mode mode() {
    return call.spec().mode();
  }

  @Override
  public String outgoingKey(String step) {
    Unicode.requireWellFormed("step of an outgoing key", step);
    return Keys.outgoing(namespace, operation(), call.request(), step).toString();
  }

  @Override
  public <T extends @Nullable Object, X extends Throwable> T step(Step<T> step, StepBody<T, X> body)
      throws X {
    Objects.requireNonNull(step, "step");
    Objects.requireNonNull(body, "body");
    return steps.run(this, step, body);
  }

  @Override
  public boolean isOwner() {
    return owner.getAsBoolean();
  }

  @Override
  public boolean leavesUnknown(Throwable failure) {
    return mode() == Mode.LEASED && steps.leaveUnknown(call.spec(), failure);
  }

  @Override
  public boolean isJoined() {
    return scope != null && scope.isJoined();
  }

  @Override
  public <C> C unwrap(Class<C> type) {
    if (scope == null) {
      throw new IllegalStateException(
          "Operation '" + operation() + "' is leased: it runs in no transaction of the store");
    }
    return scope.unwrap(type);
  }

  /** The operation and the number; nothing of the key. */
  @Override
  public String toString() {
    return "Attempt[" + operation() + ", " + number + "]";
  }
}
