package io.idem.spring;

import io.idem.core.Attempt;
import java.lang.reflect.Method;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.invocation.InvocableHandlerMethod;

/**
 * Calls a listener that asks for the {@link Attempt}, and gives it beside what the container gives.
 * The arguments are found by the method that this stands for, with all its resolvers. Thread-safe
 * once its container is initialised, as that method is.
 */
public final class AttemptMethod extends InvocableHandlerMethod {

  private final InvocableHandlerMethod method;

  /**
   * Creates a method around one.
   *
   * @param method the listener, as the container would call it
   */
  public AttemptMethod(InvocableHandlerMethod method) {
    super(method.getBean(), method.getMethod());
    this.method = method;
  }

  /**
   * Whether a listener asks for an attempt.
   *
   * @param listener the method
   * @return true if it has a parameter of this type
   */
  public static boolean isAskedForBy(Method listener) {
    return Arrays.asList(listener.getParameterTypes()).contains(Attempt.class);
  }

  /**
   * What is thrown for a listener that asks for an attempt and takes a batch.
   *
   * @param listener the method
   * @return the refusal
   */
  public static IdempotencySetupException ofBatch(Method listener) {
    return new IdempotencySetupException(
        listener.getDeclaringClass().getName()
            + "."
            + listener.getName()
            + " is a listener of batches with a parameter of type Attempt, of which there is none:"
            + " each message of a batch has an attempt of its own.",
        "Leave it away, or take single messages. MessageIds.of(\"receipt\", number) gives an outgoing"
            + " message an id that is the same on every redelivery.");
  }

  @Override
  public @Nullable Object invoke(Message<?> message, @Nullable Object... provided)
      throws Exception {
    @Nullable Object[] arguments = Arrays.copyOf(provided, provided.length + 1);
    arguments[provided.length] = CurrentAttempt.get();
    return method.invoke(message, arguments);
  }
}
