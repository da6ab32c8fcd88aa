package io.idem.spring;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.util.ClassUtils;

/** What of {@link Idempotent} cannot hold on listeners of messages, of whichever broker. */
final class ListenerRules {

  /** By name, because the messaging modules need not be there. */
  private static final List<String> HANDLERS_OF_CLASS_LEVEL_LISTENERS =
      List.of(
          "org.springframework.amqp.rabbit.annotation.RabbitHandler",
          "org.springframework.kafka.annotation.KafkaHandler");

  private ListenerRules() {}

  /**
   * Refuses what a container would call unprotected, or with an annotation that means nothing.
   *
   * @param method a method of any kind
   */
  static void check(IdempotentMethod method) {
    checkIsNoHandler(method);
    if (method.isListener()) {
      checkAttributes(method);
      checkResult(method);
    }
  }

  /** Its class has the listener, whose container is not known to be that of a protected method. */
  private static void checkIsNoHandler(IdempotentMethod method) {
    MergedAnnotations annotations =
        MergedAnnotations.from(method.method(), SearchStrategy.TYPE_HIERARCHY);
    for (String handler : HANDLERS_OF_CLASS_LEVEL_LISTENERS) {
      if (annotations.isPresent(handler)) {
        String name = ClassUtils.getShortName(handler);
        throw new IdempotencySetupException(
            method
                + " is an @Idempotent @"
                + name
                + ": methods of a class-level listener are not protected as messages, and a message"
                + " that is busy elsewhere would count as failed.",
            "Put @"
                + name.replace("Handler", "Listener")
                + " on the method itself, one for each topic or queue.");
      }
    }
  }

  private static void checkAttributes(IdempotentMethod method) {
    Idempotent annotation = method.annotation();
    Map<String, Boolean> used = new LinkedHashMap<>();
    used.put("source", !annotation.source().isEmpty());
    used.put("keyFrom", !annotation.keyFrom().isEmpty());
    used.put("sourceFrom", !annotation.sourceFrom().isEmpty());
    used.put("comparing", annotation.comparing().length > 0);
    used.put("required", !annotation.required());
    used.put("caller", annotation.caller() != Idempotent.Caller.AUTHENTICATED);
    used.put("pathScope", annotation.pathScope() != Idempotent.PathScope.DEFAULT);
    used.put("notOlderThan", method.notOlderThan().isPresent());
    used.put("busyStatus", annotation.busyStatus() != 0);
    used.put("serverErrors", annotation.serverErrors() != Idempotent.ServerErrors.INHERIT);
    if (method.header().isPresent() && !annotation.key().isEmpty()) {
      throw new IdempotencySetupException(
          method + " is a listener of messages with both a key and a header.",
          "Leave one of them, or read the header in the expression of the key.");
    }
    used.values().removeIf(isUsed -> !isUsed);
    if (!used.isEmpty()) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages, to which these attributes of its @Idempotent do not"
              + " apply: "
              + String.join(", ", used.keySet())
              + ".",
          "Leave them away. Its keys are scoped by the consumer group or queue, and a message"
              + " without a key is parked: give header, key and fingerprint.");
    }
  }

  private static void checkResult(IdempotentMethod method) {
    Class<?> returned = method.method().getReturnType();
    if (LateResults.isLate(returned)) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages that goes on after it has returned a "
              + returned.getSimpleName()
              + ", when its effect would be recorded already.",
          "Wait for the work in the listener.");
    }
  }
}
