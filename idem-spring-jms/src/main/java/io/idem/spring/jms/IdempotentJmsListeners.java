package io.idem.spring.jms;

import io.idem.jms.ParkedMessages;
import io.idem.messaging.Inbox;
import io.idem.spring.AttemptMethod;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentListeners;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.ListenerInboxes;
import io.idem.spring.ListenerRegistry;
import jakarta.jms.Destination;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import java.lang.reflect.Method;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.config.JmsListenerContainerFactory;
import org.springframework.jms.config.JmsListenerEndpoint;
import org.springframework.jms.config.JmsListenerEndpointRegistry;
import org.springframework.jms.config.MethodJmsListenerEndpoint;
import org.springframework.jms.listener.AbstractMessageListenerContainer;
import org.springframework.jms.listener.MessageListenerContainer;
import org.springframework.jms.listener.adapter.MessagingMessageListenerAdapter;
import org.springframework.jms.support.converter.MessageConverter;
import org.springframework.jms.support.converter.SimpleMessageConverter;
import org.springframework.messaging.handler.invocation.InvocableHandlerMethod;

/**
 * Protects {@code @JmsListener} methods that are {@link Idempotent}, whichever container factory
 * they use.
 *
 * <ol>
 *   <li>The registry of Spring's listeners, which makes all their containers, is given a factory
 *       around the one of each listener.
 *   <li>The container of an idempotent listener gets the inbox around its listener. A container
 *       that would acknowledge what is not done is refused.
 *   <li>At the end of start-up each listener's operation is made, and before containers run it is
 *       made sure that each has an inbox.
 * </ol>
 *
 * <p>The listener runs for what is fresh, and is not called for what was consumed before. A message
 * that is being consumed elsewhere is waited for, and then sent to the queue again with a delay,
 * which spends none of the server's deliveries. What can never be consumed is parked. What the
 * listener throws is thrown, and the container rolls back. A bean of type {@link ParkedMessages},
 * if there is one, keeps what can never be consumed.
 *
 * <p>Thread-safe.
 */
public final class IdempotentJmsListeners
    implements IdempotentListeners, BeanPostProcessor, SmartLifecycle {

  private final ListenerInboxes<ListenerInbox> inboxes;
  private final ConfigurableListableBeanFactory beans;
  private volatile boolean running;

  /**
   * Creates the bean.
   *
   * @param beans where the engine and what the annotations name are found, when they are needed
   */
  public IdempotentJmsListeners(ConfigurableListableBeanFactory beans) {
    this.beans = beans;
    this.inboxes = new ListenerInboxes<>(beans, ListenerInbox::make);
  }

  @Override
  public String annotation() {
    return JmsListener.class.getName();
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (!(bean instanceof JmsListenerEndpointRegistry)) {
      return bean;
    }
    return ListenerRegistry.around(
        bean,
        argument ->
            argument instanceof JmsListenerContainerFactory<?> factory
                ? protecting(factory)
                : argument);
  }

  private JmsListenerContainerFactory<MessageListenerContainer> protecting(
      JmsListenerContainerFactory<?> factory) {
    return endpoint -> {
      MessageListenerContainer container = factory.createListenerContainer(endpoint);
      Method listener = idempotent(endpoint);
      if (listener != null) {
        protect(container, listener);
      }
      return container;
    };
  }

  private static @Nullable Method idempotent(JmsListenerEndpoint endpoint) {
    return endpoint instanceof MethodJmsListenerEndpoint listener
        ? ListenerRegistry.idempotent(listener.getMethod(), listener.getBean())
        : null;
  }

  private void protect(MessageListenerContainer container, Method listener) {
    if (!(container instanceof AbstractMessageListenerContainer known)) {
      throw new IdempotencySetupException(
          listener
              + " is an @Idempotent listener whose container is a "
              + container.getClass().getName()
              + ", which gives its listener no session.",
          "Use a DefaultJmsListenerContainerFactory.");
    }
    InboxSettings settings = InboxSettings.defaults();
    ParkedMessages parking = beans.getBeanProvider(ParkedMessages.class).getIfUnique();
    if (parking != null) {
      settings = settings.parkWith(parking);
    }
    for (InboxSettingsCustomizer customizer :
        beans.getBeanProvider(InboxSettingsCustomizer.class).orderedStream().toList()) {
      settings = customizer.customize(settings, listener);
    }
    if (settings.parked() == null) {
      ListenerRegistry.refuseSeveral(
          beans,
          ParkedMessages.class,
          listener,
          "Mark one as @Primary, or choose for each listener in an InboxSettingsCustomizer.");
    }
    MessageConverter converter = known.getMessageConverter();
    ListenerInbox inbox =
        new ListenerInbox(
            subscriptionOf(known),
            converter == null ? new SimpleMessageConverter() : converter,
            beans);
    if (AttemptMethod.isAskedForBy(listener)) {
      giveAttempt(known, listener);
    }
    wrap(known, inbox::get, settings);
    inboxes.add(listener, inbox);
  }

  private static void giveAttempt(AbstractMessageListenerContainer container, Method listener) {
    // What the container calls can be read in no other way.
    if (container.getMessageListener() instanceof MessagingMessageListenerAdapter adapter
        && new DirectFieldAccessor(adapter).getPropertyValue("handlerMethod")
            instanceof InvocableHandlerMethod method) {
      adapter.setHandlerMethod(new AttemptMethod(method));
      return;
    }
    throw new IdempotencySetupException(
        listener + " asks for an Attempt, and is called by an adapter of its endpoint's own.",
        "Leave it away: CurrentAttempt.get() gives it.");
  }

  /**
   * Puts an inbox around the listener of a container that was made by hand.
   *
   * @param container a container that has its destination and its listener, and has not been
   *     initialised
   * @param inbox the inbox, such as {@link io.idem.jms.JmsMessages#inbox} begins it
   * @param settings how messages are treated that cannot be consumed
   * @throws IdempotencySetupException if the container would acknowledge what is not done
   */
  public static void protect(
      AbstractMessageListenerContainer container, Inbox<Message> inbox, InboxSettings settings) {
    wrap(container, () -> inbox, settings);
  }

  private static void wrap(
      AbstractMessageListenerContainer container,
      Supplier<Inbox<Message>> inbox,
      InboxSettings settings) {
    check(container, settings);
    container.setMessageListener(new InboxListener(container, inbox, settings));
  }

  private static void check(AbstractMessageListenerContainer container, InboxSettings settings) {
    String where = "The listener container of '" + nameOf(container) + "'";
    boolean asksClient = container.getSessionAcknowledgeMode() == Session.CLIENT_ACKNOWLEDGE;
    if (!container.isSessionTransacted() && !asksClient) {
      throw new IdempotencySetupException(
          where
              + " has sessions that acknowledge by themselves: a message would be gone before its"
              + " effect is committed.",
          "Call setSessionTransacted(true) on its factory; with Spring Boot, leave"
              + " spring.jms.listener.session.transacted and .acknowledge-mode away.");
    }
    if (!container.isSessionTransacted() && !container.isAcknowledgeAfterListener()) {
      throw new IdempotencySetupException(
          where + " leaves acknowledging to its listener, which would do it too early.",
          "Leave setAcknowledgeAfterListener(false) away.");
    }
    DirectFieldAccessor fields = new DirectFieldAccessor(container);
    // A transaction manager can be read in no other way.
    if (fields.isReadableProperty("transactionManager")
        && fields.getPropertyValue("transactionManager") != null) {
      throw new IdempotencySetupException(
          where
              + " has a transaction manager, in whose transaction the message would be acknowledged"
              + " together with, or even before, its effect.",
          "Leave it away and call setSessionTransacted(true): the inbox makes a redelivery"
              + " harmless, and needs no XA.");
    }
    if (!container.isPubSubDomain()
        && settings.parked() instanceof InboxSettings.ToQueue parking
        && parking.queue().equals(nameOf(container))) {
      throw new IdempotencySetupException(
          where + " parks in that queue itself, where each message would be consumed again.",
          "Name another queue in idem.jms.parking-queue or InboxSettings.parkTo.");
    }
    if (container.isPubSubDomain()) {
      if (!container.isSubscriptionDurable() && !container.isSubscriptionShared()) {
        throw new IdempotencySetupException(
            where + " consumes a topic without a subscription that others could share or resume.",
            "Call setSubscriptionDurable(true) or setSubscriptionShared(true) on its factory, and"
                + " name the subscription in the @JmsListener.");
      }
      if (settings.againTo() == null) {
        throw new IdempotencySetupException(
            where
                + " consumes a topic. A busy message that is sent to it again would reach every"
                + " subscriber.",
            "Name the queue of its subscription with an InboxSettingsCustomizer:"
                + " settings.sendAgainTo(\"address::queue\").");
      }
    }
  }

  /** What the consumers of one message share. */
  private static String subscriptionOf(AbstractMessageListenerContainer container) {
    String subscription = container.getSubscriptionName();
    return container.isPubSubDomain() && subscription != null ? subscription : nameOf(container);
  }

  private static String nameOf(AbstractMessageListenerContainer container) {
    Destination destination = container.getDestination();
    try {
      return destination instanceof Queue queue
          ? queue.getQueueName()
          : String.valueOf(
              destination == null ? container.getDestinationName() : destination.toString());
    } catch (JMSException e) {
      throw new IllegalStateException("A queue does not tell its name", e);
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
    inboxes.requireAll("Enable listeners with @EnableJms, and use the registry that it makes.");
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
