package io.idem.spring;

import io.idem.core.store.Fingerprint;
import io.idem.messaging.Inbox;
import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.messaging.MessageReader;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.BeanFactory;

/**
 * What {@link Idempotent} on a listener says about the key of a message and about what makes two
 * messages the same, for inboxes of whichever broker. Thread-safe.
 *
 * @param <M> a message, as the broker's client has it
 */
public final class ListenerKeys<M> {

  private static final Logger log = LoggerFactory.getLogger("io.idem.messaging");

  /** What every expression may refer to, beside the message itself. */
  private static final String PAYLOAD = "payload";

  private final String variable;
  private final Function<? super M, ? extends @Nullable Object> payloads;
  private final Function<? super M, String> places;
  private final MessageKey<M> key;
  private final @Nullable MessageExpression fingerprint;
  private final boolean fingerprintReadsPayload;

  /**
   * Reads the annotation.
   *
   * @param listener the listener
   * @param reader reads the header that has the key, where no expression does
   * @param variable what expressions call the message, such as {@code record}
   * @param payloads the payload of a message, asked for only if an expression names it
   * @param places where a message comes from, for the log: nothing of its content
   * @param beans the beans that expressions may refer to
   * @throws IdempotencySetupException if an expression cannot be parsed, or refers to something
   *     else
   */
  public ListenerKeys(
      IdempotentMethod listener,
      MessageReader<? super M> reader,
      String variable,
      Function<? super M, ? extends @Nullable Object> payloads,
      Function<? super M, String> places,
      BeanFactory beans) {
    this.variable = variable;
    this.payloads = payloads;
    this.places = places;
    Idempotent annotation = listener.annotation();
    MessageExpression expression = expression(listener, "key", annotation.key(), variable, beans);
    boolean readsPayload = readsPayload(annotation.key());
    this.key =
        expression == null
            ? MessageKey.header(reader, listener.header().orElse(MessageIds.HEADER))
            : message -> lookup(expression, message, readsPayload);
    this.fingerprint =
        expression(listener, "fingerprint", annotation.fingerprint(), variable, beans);
    this.fingerprintReadsPayload = readsPayload(annotation.fingerprint());
  }

  /**
   * Refuses expressions that cannot hold, before there is a container.
   *
   * @param listener the listener
   * @param variable what expressions call the message
   * @param beans the beans that expressions may refer to
   * @throws IdempotencySetupException if one cannot be parsed, or refers to something else
   */
  public static void check(IdempotentMethod listener, String variable, BeanFactory beans) {
    Idempotent annotation = listener.annotation();
    expression(listener, "key", annotation.key(), variable, beans);
    expression(listener, "fingerprint", annotation.fingerprint(), variable, beans);
  }

  /**
   * Tells an inbox where keys are, and what to compare if the annotation says so.
   *
   * @param inbox an inbox that is being built
   * @return the same
   */
  public Inbox.Builder<M> apply(Inbox.Builder<M> inbox) {
    MessageExpression expression = fingerprint;
    if (expression != null) {
      inbox.comparing(
          message -> {
            String text = compared(expression, message);
            return text == null || text.isEmpty() ? Fingerprint.NONE : Fingerprint.of(text);
          });
    }
    return inbox.key(key);
  }

  private static @Nullable MessageExpression expression(
      IdempotentMethod listener,
      String attribute,
      String text,
      String variable,
      BeanFactory beans) {
    return text.isEmpty()
        ? null
        : new MessageExpression(listener, attribute, text, Set.of(variable, PAYLOAD), beans);
  }

  private KeyLookup lookup(MessageExpression expression, M message, boolean readsPayload) {
    try {
      return MessageKey.lookup(
          expression.toString(), expression.text(variables(message, readsPayload)));
    } catch (RuntimeException e) {
      return new KeyLookup.Unusable(expression.toString(), MessageExpression.problem(e), e);
    }
  }

  /** An inbox is not told which expression it is that fails, so it is said here. */
  private @Nullable String compared(MessageExpression expression, M message) {
    try {
      return expression.compared(variables(message, fingerprintReadsPayload));
    } catch (RuntimeException e) {
      log.warn(
          "{} {}: {} cannot be consumed",
          expression,
          MessageExpression.problem(e),
          places.apply(message));
      throw e;
    }
  }

  /** A payload that nobody asks for is not converted a second time. */
  private static boolean readsPayload(String expression) {
    return expression.contains("#" + PAYLOAD);
  }

  private Map<String, @Nullable Object> variables(M message, boolean readsPayload) {
    Map<String, @Nullable Object> variables = new HashMap<>();
    variables.put(variable, message);
    variables.put(PAYLOAD, readsPayload ? payloads.apply(message) : null);
    return variables;
  }
}
