package io.idem.spring.rabbit;

import io.idem.spring.AttemptMethod;
import io.idem.spring.IdempotencySetupException;
import java.lang.reflect.Method;
import org.springframework.amqp.listener.adapter.HandlerAdapter;
import org.springframework.amqp.rabbit.listener.AbstractMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.adapter.BatchMessagingMessageListenerAdapter;
import org.springframework.amqp.rabbit.listener.adapter.MessagingMessageListenerAdapter;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.messaging.handler.invocation.InvocableHandlerMethod;

/** Gives a listener the attempt that it asks for. */
final class ListenerAttempt {

  private ListenerAttempt() {}

  /** Before the container is initialised. */
  static void give(
      AbstractMessageListenerContainer container, Method listener, PayloadReader payloads) {
    Object called = container.getMessageListener();
    if (called instanceof BatchMessagingMessageListenerAdapter) {
      throw AttemptMethod.ofBatch(listener);
    }
    // What the container calls can be read in no other way.
    if (called instanceof MessagingMessageListenerAdapter adapter
        && new DirectFieldAccessor(adapter).getPropertyValue("handlerAdapter.invokerHandlerMethod")
            instanceof InvocableHandlerMethod method) {
      adapter.setHandlerAdapter(new HandlerAdapter(new AttemptMethod(method)));
      adapter.setMessageConverter(payloads.asConverter()); // it takes the attempt for a payload
      return;
    }
    throw new IdempotencySetupException(
        listener + " asks for an Attempt, and is called by an adapter of its endpoint's own.",
        "Leave it away: CurrentAttempt.get() gives it.");
  }
}
