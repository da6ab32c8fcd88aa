package io.idem.spring.rocketmq;

import io.idem.rocketmq.ParkedMessages;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentListeners;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.ListenerInboxes;
import io.idem.spring.ListenerRegistry;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import org.apache.rocketmq.client.Validators;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.MessageListener;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.remoting.protocol.NamespaceUtil;
import org.apache.rocketmq.spring.annotation.MessageModel;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListenerBeanPostProcessor;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.support.DefaultRocketMQListenerContainer;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodParameter;
import org.springframework.util.ClassUtils;

/**
 * Protects listeners of {@link RocketMQMessageListener} classes whose {@code onMessage} is {@link
 * Idempotent}.
 *
 * <ol>
 *   <li>The container of such a listener is given the inbox in the place of what its consumer
 *       calls, before the consumer is started. A container that would lose what is not done is
 *       refused.
 *   <li>At the end of start-up each listener's operation is made.
 * </ol>
 *
 * <p>The listener runs for what is fresh, and is not called for what was consumed before; each
 * message of a batch is settled for itself. A message that is being consumed elsewhere is waited
 * for, and then sent to the group's retry topic with a delay, which spends none of its deliveries;
 * in an orderly listener its queue waits. What can never be consumed is parked. What the listener
 * throws is counted, delayed and given up by the broker. A bean of type {@link ParkedMessages}, if
 * there is one, keeps what can never be consumed.
 *
 * <p>Thread-safe.
 */
public final class IdempotentRocketMqListeners implements IdempotentListeners, BeanPostProcessor {

  /** What containers call. */
  private static final Method ON_MESSAGE =
      ClassUtils.getMethod(RocketMQListener.class, "onMessage", Object.class);

  private static final String ANOTHER_TOPIC =
      "Name another topic in idem.rocketmq.parking-topic or InboxSettings.parkTo.";

  private final ListenerInboxes<ListenerInbox> inboxes;
  private final ConfigurableListableBeanFactory beans;

  /**
   * Creates the bean.
   *
   * @param beans where the engine and what the annotations name are found, when they are needed
   */
  public IdempotentRocketMqListeners(ConfigurableListableBeanFactory beans) {
    this.beans = beans;
    this.inboxes = new ListenerInboxes<>(beans, ListenerInbox::make);
  }

  @Override
  public String annotation() {
    return RocketMQMessageListener.class.getName();
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (bean instanceof DefaultRocketMQListenerContainer container) {
      Method listener = ListenerRegistry.idempotent(ON_MESSAGE, container.getRocketMQListener());
      if (listener != null) {
        protect(container, name, listener);
      }
    }
    return bean;
  }

  private void protect(DefaultRocketMQListenerContainer container, String name, Method listener) {
    InboxSettings settings = InboxSettings.defaults();
    ParkedMessages parked = beans.getBeanProvider(ParkedMessages.class).getIfUnique();
    if (parked != null) {
      settings = settings.parkWith(parked);
    }
    for (InboxSettingsCustomizer customizer :
        beans.getBeanProvider(InboxSettingsCustomizer.class).orderedStream().toList()) {
      settings = customizer.customize(settings, listener);
    }
    if (settings.parking() == null) {
      ListenerRegistry.refuseSeveral(
          beans,
          ParkedMessages.class,
          listener,
          "Mark one as @Primary, or choose for each listener in an InboxSettingsCustomizer.");
    }
    check(container, settings, listener);
    DefaultMQPushConsumer consumer = container.getConsumer();
    ListenerInbox inbox =
        new ListenerInbox(container, new MethodParameter(listener, 0), groupOf(consumer), beans);
    InboxListener inboxed =
        new InboxListener(
            container,
            () -> beans.getBean(name, DefaultRocketMQListenerContainer.class),
            inbox::get,
            settings);
    if (consumer.getMessageListener() instanceof MessageListenerOrderly) {
      consumer.registerMessageListener((MessageListenerOrderly) inboxed::orderly);
    } else {
      consumer.registerMessageListener((MessageListenerConcurrently) inboxed::concurrently);
    }
    inboxes.add(listener, inbox);
  }

  /** As the client will call it when it is started. */
  @SuppressWarnings("deprecation") // namespaces in names, which the container still offers
  private static String groupOf(DefaultMQPushConsumer consumer) {
    return NamespaceUtil.wrapNamespace(consumer.getNamespace(), consumer.getConsumerGroup());
  }

  private static void check(
      DefaultRocketMQListenerContainer container, InboxSettings settings, Method listener) {
    String where =
        "The listener container of topic '"
            + container.getTopic()
            + "' for "
            + listener.getDeclaringClass().getName();
    DefaultMQPushConsumer consumer = container.getConsumer();
    if (container.getMessageModel() == MessageModel.BROADCASTING) {
      throw new IdempotencySetupException(
          where + " is broadcasting: each node consumes all messages, and drops what fails.",
          "Leave messageModel away, and give each kind of node a consumer group of its own.");
    }
    MessageListener there = consumer.getMessageListener();
    if (there == null
        || there.getClass().getEnclosingClass() != DefaultRocketMQListenerContainer.class) {
      throw new IdempotencySetupException(
          where + " has a consumer whose message listener is not the container's own.",
          "Register none in prepareStart, or use InboxConsumer of idem-rocketmq there and leave"
              + " @Idempotent away.");
    }
    if (there instanceof MessageListenerOrderly && settings.parking() == null) {
      throw new IdempotencySetupException(
          where
              + " is orderly and has no place for messages that can never be consumed: its queue"
              + " would stop at the first, for good.",
          "Set idem.rocketmq.parking-topic with Spring Boot, or register a ParkedMessages or an"
              + " InboxSettingsCustomizer.");
    }
    if (settings.parking() instanceof InboxSettings.ToTopic parking) {
      checkParking(where, container.getTopic(), parking.topic());
    }
    if (container.getDelayLevelWhenNextConsume() < 0
        && consumer.getConsumeMessageBatchMaxSize() > 1) {
      throw new IdempotencySetupException(
          where
              + " gives up on what fails at once (delayLevelWhenNextConsume = -1), and consumes"
              + " batches: its neighbours would be given up with it.",
          "Leave consumeMessageBatchMaxSize at 1, or set maxReconsumeTimes.");
    }
    Duration timeout = Duration.ofMinutes(consumer.getConsumeTimeout());
    if (settings.waitForBusy().compareTo(timeout) >= 0) {
      throw new IdempotencySetupException(
          where
              + " waits for busy messages as long as its consumeTimeout of "
              + timeout
              + ", when the client hands them back, which counts as a failure.",
          "Wait for less, or set a greater consumeTimeout.");
    }
  }

  private static void checkParking(String where, String own, String topic) {
    if (topic.equals(own)) {
      throw new IdempotencySetupException(
          where + " parks in that topic itself, where each message would be consumed again.",
          ANOTHER_TOPIC);
    }
    try {
      Validators.checkTopic(topic);
    } catch (MQClientException e) {
      throw new IdempotencySetupException(
          where + " cannot park in the topic '" + topic + "': " + e.getErrorMessage() + ".",
          ANOTHER_TOPIC);
    }
  }

  @Override
  public void protect(List<IdempotentMethod> listeners) {
    if (!listeners.isEmpty()
        && beans.getBeanNamesForType(RocketMQMessageListenerBeanPostProcessor.class).length == 0) {
      throw new IdempotencySetupException(
          listeners.get(0)
              + " is an @Idempotent listener in an application that reads no"
              + " @RocketMQMessageListener: it would consume nothing.",
          "Add rocketmq-spring-boot-starter, and set rocketmq.name-server.");
    }
    for (IdempotentMethod listener : listeners) {
      ListenerInbox.check(listener, beans);
      checkIsCalled(listener);
    }
    inboxes.know(listeners);
  }

  /** Another method of this name is called by nobody, or unprotected by the application itself. */
  private static void checkIsCalled(IdempotentMethod listener) {
    Class<?> type = listener.targetClass();
    if (!RocketMQListener.class.isAssignableFrom(type)
        || !listener.method().equals(AopUtils.getMostSpecificMethod(ON_MESSAGE, type))) {
      throw new IdempotencySetupException(
          listener + " is not the method that the container calls with messages.",
          "Implement RocketMQListener, and put @Idempotent on its onMessage.");
    }
  }
}
