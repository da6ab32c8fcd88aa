package io.idem.spring.rabbit;

import io.idem.core.Mode;
import io.idem.spring.AttemptMethod;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentListeners;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.ListenerInboxes;
import io.idem.spring.ListenerRegistry;
import io.idem.spring.ListenerTransactions;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aopalliance.aop.Advice;
import org.aopalliance.intercept.MethodInterceptor;
import org.jspecify.annotations.Nullable;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.BatchMessageListener;
import org.springframework.amqp.core.MessageListenerContainer;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.listener.AbstractMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.MethodRabbitListenerEndpoint;
import org.springframework.amqp.rabbit.listener.RabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpoint;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpointRegistry;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.api.ChannelAwareBatchMessageListener;
import org.springframework.amqp.rabbit.transaction.RabbitTransactionManager;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.transaction.TransactionManager;

/**
 * Protects {@code @RabbitListener} methods that are {@link Idempotent}, whichever container factory
 * they use.
 *
 * <ol>
 *   <li>The registry of Spring's listeners, which makes all their containers, is given a factory
 *       around the one of each listener.
 *   <li>The container of an idempotent listener gets {@link InboxAdvice} as the last of its advice.
 *       A container that would acknowledge what is not done is refused.
 *   <li>At the end of start-up each listener's operation is made, and before containers run it is
 *       made sure that each has an inbox.
 * </ol>
 *
 * <p>Thread-safe.
 */
public final class IdempotentRabbitListeners
    implements IdempotentListeners, BeanPostProcessor, SmartLifecycle {

  private final ListenerInboxes<ListenerInbox> inboxes;
  private final ConfigurableListableBeanFactory beans;
  private volatile boolean running;

  /**
   * Creates the bean.
   *
   * @param beans where the engine and what the annotations name are found, when they are needed
   */
  public IdempotentRabbitListeners(ConfigurableListableBeanFactory beans) {
    this.beans = beans;
    this.inboxes = new ListenerInboxes<>(beans, ListenerInbox::make);
  }

  @Override
  public String annotation() {
    return RabbitListener.class.getName();
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (!(bean instanceof RabbitListenerEndpointRegistry)) {
      return bean;
    }
    return ListenerRegistry.around(
        bean,
        argument ->
            argument instanceof RabbitListenerContainerFactory<?> factory
                ? protecting(factory)
                : argument);
  }

  private RabbitListenerContainerFactory<MessageListenerContainer> protecting(
      RabbitListenerContainerFactory<?> factory) {
    return endpoint -> {
      MessageListenerContainer container = factory.createListenerContainer(endpoint);
      Method listener = idempotent(endpoint);
      if (endpoint != null && listener != null) {
        protect(container, listener, endpoint);
      }
      return container;
    };
  }

  private static @Nullable Method idempotent(@Nullable RabbitListenerEndpoint endpoint) {
    return endpoint instanceof MethodRabbitListenerEndpoint listener
        ? ListenerRegistry.idempotent(listener.getMethod(), listener.getBean())
        : null;
  }

  private void protect(
      MessageListenerContainer container, Method listener, RabbitListenerEndpoint endpoint) {
    if (!(container instanceof AbstractMessageListenerContainer known)) {
      throw new IdempotencySetupException(
          listener
              + " is an @Idempotent listener whose container is a "
              + container.getClass().getName()
              + ", which takes no advice.",
          "Use the simple or the direct container.");
    }
    PayloadReader payloads = new PayloadReader(listener, endpoint.getMessageConverter());
    if (AttemptMethod.isAskedForBy(listener)) {
      ListenerAttempt.give(known, listener, payloads);
    }
    ListenerInbox inbox = new ListenerInbox(payloads, mode -> check(known, mode), beans);
    InboxAdvice advice = new InboxAdvice(inbox::of);
    for (InboxAdviceCustomizer customizer :
        beans.getBeanProvider(InboxAdviceCustomizer.class).orderedStream().toList()) {
      advice = customizer.customize(advice, listener);
    }
    protect(known, advice);
    inboxes.add(listener, inbox);
  }

  /**
   * Puts an inbox around the listener of a container that was made by hand.
   *
   * @param container a container that has its listener and has not been initialised: advice that
   *     comes later is not heeded
   * @param advice the inbox
   * @throws IdempotencySetupException if the container would acknowledge what is not done, or give
   *     up what is
   */
  public static void protect(AbstractMessageListenerContainer container, InboxAdvice advice) {
    check(container);
    Mode mode = advice.mode();
    if (mode != null) {
      check(container, mode);
    }
    for (String queue : container.getQueueNames()) {
      if (advice.parksIn(queue)) {
        throw new IdempotencySetupException(
            "The listener container '"
                + container.getListenerId()
                + "' parks in its queue '"
                + queue
                + "' itself, where each message would be consumed again.",
            "Name another queue in InboxAdvice.parkTo.");
      }
    }
    List<Advice> advices = new ArrayList<>();
    for (Advice each : adviceOf(container)) {
      advices.add(
          each instanceof MethodInterceptor interceptor ? new RepeatableAdvice(interceptor) : each);
    }
    advices.add(advice.in(container, advices.isEmpty()));
    container.setAdviceChain(advices.toArray(Advice[]::new));
  }

  private static Advice[] adviceOf(AbstractMessageListenerContainer container) {
    // It can be read in no other way.
    return new DirectFieldAccessor(container).getPropertyValue("adviceChain")
            instanceof Advice[] chain
        ? chain
        : new Advice[0];
  }

  private static String nameOf(AbstractMessageListenerContainer container) {
    return "The listener container '" + container.getListenerId() + "'";
  }

  private static void check(AbstractMessageListenerContainer container, Mode mode) {
    ListenerTransactions.refuseAroundLeased(
        nameOf(container),
        mode,
        // It can be read in no other way.
        (TransactionManager)
            new DirectFieldAccessor(container).getPropertyValue("transactionManager"),
        Arrays.stream(adviceOf(container))
            .map(each -> each instanceof RepeatableAdvice repeatable ? repeatable.advice() : each)
            .toArray(),
        RabbitTransactionManager.class);
  }

  private static void check(AbstractMessageListenerContainer container) {
    String where = nameOf(container);
    if (container.getMessageListener() == null) {
      throw new IdempotencySetupException(
          where + " has no listener yet, so that nobody knows whether it takes batches.",
          "Give it one before it is protected.");
    }
    if (container.getAcknowledgeMode() != AcknowledgeMode.AUTO) {
      throw new IdempotencySetupException(
          where
              + " has the acknowledgement mode "
              + container.getAcknowledgeMode()
              + ": a message would be acknowledged before its effect is committed.",
          "Use AUTO, with which the container acknowledges what the listener has returned from.");
    }
    boolean isOfBatches =
        container.getMessageListener() instanceof BatchMessageListener
            || container.getMessageListener() instanceof ChannelAwareBatchMessageListener;
    // Both can be read in no other way.
    DirectFieldAccessor fields = new DirectFieldAccessor(container);
    int batchSize =
        container instanceof SimpleMessageListenerContainer
                && fields.getPropertyValue("batchSize") instanceof Integer size
            ? size
            : 1;
    boolean isOfMany = isOfBatches || batchSize > 1;
    if (isOfMany && fields.getPropertyValue("transactionManager") != null) {
      throw new IdempotencySetupException(
          where
              + " has a transaction manager, and a transaction for several messages: one that is"
              + " rejected would undo the effects of the others, and have these rejected with it.",
          "Leave the transaction manager away: the inbox commits the effect, and makes a redelivery"
              + " harmless. Or take single messages, with a batchSize of 1.");
    }
    if (!isOfBatches && batchSize > 1) {
      throw new IdempotencySetupException(
          where
              + " has a batchSize of "
              + batchSize
              + " with a listener of single messages: with one that fails or is parked, the"
              + " container rejects those before it, which are done.",
          "Leave the batchSize at 1, or take a listener of batches. With Spring Boot, that is"
              + " spring.rabbitmq.listener.simple.batch-size.");
    }
    if (isOfBatches) {
      ListenerTransactions.refuseAroundBatches(where, adviceOf(container));
    }
    if (isOfBatches && container.isChannelTransacted()) {
      throw new IdempotencySetupException(
          where
              + " has a transacted channel and a listener of batches: with one message that is"
              + " rejected, the acknowledgements of the others would be taken back, and these"
              + " rejected too.",
          "Leave setChannelTransacted(true) away, or take single messages.");
    }
  }

  @Override
  public void protect(List<IdempotentMethod> listeners) {
    listeners.forEach(listener -> ListenerInbox.check(listener, beans));
    inboxes.know(listeners);
  }

  /** Before the first container starts. */
  @Override
  public int getPhase() {
    return Integer.MIN_VALUE;
  }

  @Override
  public void start() {
    inboxes.requireAll("Enable listeners with @EnableRabbit, and use the registry that it makes.");
    running = true;
  }

  @Override
  public void stop() {
    running = false;
  }

  @Override
  public boolean isRunning() {
    return running;
  }
}
