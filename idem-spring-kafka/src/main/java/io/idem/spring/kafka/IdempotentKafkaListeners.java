package io.idem.spring.kafka;

import io.idem.core.Mode;
import io.idem.messaging.Inbox;
import io.idem.spring.AttemptMethod;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentListeners;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.ListenerInboxes;
import io.idem.spring.ListenerTransactions;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.aopalliance.aop.Advice;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.beans.PropertyAccessor;
import org.springframework.beans.PropertyAccessorFactory;
import org.springframework.beans.factory.config.BeanExpressionContext;
import org.springframework.beans.factory.config.BeanExpressionResolver;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.KafkaListenerAnnotationBeanPostProcessor.AnnotationEnhancer;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.config.ContainerPostProcessor;
import org.springframework.kafka.config.KafkaListenerConfigUtils;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.listener.AbstractMessageListenerContainer;
import org.springframework.kafka.listener.AbstractShareKafkaMessageListenerContainer;
import org.springframework.kafka.listener.BatchMessageListener;
import org.springframework.kafka.listener.CommonErrorHandler;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.GenericMessageListener;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.kafka.listener.ShareConsumerRecordRecoverer;
import org.springframework.kafka.transaction.KafkaAwareTransactionManager;
import org.springframework.transaction.TransactionManager;
import org.springframework.util.StringUtils;

/**
 * Protects {@code @KafkaListener} methods that are {@link Idempotent}, whichever container factory
 * they use.
 *
 * <ol>
 *   <li>While Spring reads the annotation, the listener is given this bean to post-process its
 *       container, and an id to know it by.
 *   <li>The container gets {@link InboxAdvice} around its listener and an {@link InboxErrorHandler}
 *       before its error handler. A container that would commit what is not done is refused.
 *   <li>The container of a share group gets an inbox around its listener and an {@link
 *       InboxShareRecoverer} before its recoverer.
 *   <li>At the end of start-up each listener's inbox is made, and before containers run it is made
 *       sure that each has one: a container factory that does not post-process its containers would
 *       leave its listeners unprotected.
 * </ol>
 *
 * <p>Thread-safe.
 */
public final class IdempotentKafkaListeners
    implements IdempotentListeners,
        AnnotationEnhancer,
        ContainerPostProcessor<Object, Object, AbstractMessageListenerContainer<Object, Object>>,
        SmartLifecycle {

  /** The name of the bean, by which listeners refer to it. */
  public static final String BEAN_NAME = "idempotentKafkaListeners";

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  private final Map<String, Annotated> annotated = new ConcurrentHashMap<>();
  private final Set<String> containers = ConcurrentHashMap.newKeySet();
  private final ListenerInboxes<ListenerInbox> inboxes;
  private final ConfigurableListableBeanFactory beans;
  private volatile boolean running;

  /** A method whose listener was given an id, and what post-processed its container before. */
  private record Annotated(Method method, String postProcessor) {}

  /**
   * Creates the bean.
   *
   * @param beans where the engine and what the annotations name are found, when they are needed
   */
  public IdempotentKafkaListeners(ConfigurableListableBeanFactory beans) {
    this.beans = beans;
    this.inboxes = new ListenerInboxes<>(beans, ListenerInbox::make);
  }

  @Override
  public String annotation() {
    return KafkaListener.class.getName();
  }

  @Override
  public Map<String, Object> apply(Map<String, Object> attributes, AnnotatedElement element) {
    if (!(element instanceof Method method)
        || !AnnotatedElementUtils.hasAnnotation(method, Idempotent.class)) {
      return attributes;
    }
    if (AnnotatedElementUtils.hasAnnotation(method, RetryableTopic.class)
        || AnnotatedElementUtils.hasAnnotation(method.getDeclaringClass(), RetryableTopic.class)) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent listener with @RetryableTopic, whose retries are other groups"
              + " and would consume a message again.",
          "Retry in the container with an error handler, or move @Idempotent with a key to a"
              + " service method that the listener calls.");
    }
    Map<String, Object> enhanced = new HashMap<>(attributes);
    String id = (String) attributes.getOrDefault("id", "");
    if (id.isEmpty()) {
      id =
          "idempotent-"
              + method.getDeclaringClass().getSimpleName()
              + "."
              + method.getName()
              + "-"
              + annotated.size();
      enhanced.put("id", id);
      enhanced.put("idIsGroup", false);
    }
    annotated.put(
        resolved(id),
        new Annotated(
            method, String.valueOf(attributes.getOrDefault("containerPostProcessor", ""))));
    enhanced.put("containerPostProcessor", BEAN_NAME);
    return enhanced;
  }

  /** An id as Spring resolves it. */
  private String resolved(String id) {
    String text = beans.resolveEmbeddedValue(id);
    BeanExpressionResolver expressions = beans.getBeanExpressionResolver();
    return text != null && expressions != null
        ? String.valueOf(expressions.evaluate(text, new BeanExpressionContext(beans, null)))
        : String.valueOf(text);
  }

  @Override
  @SuppressWarnings("unchecked") // a post-processor that the user chose for this container
  public void postProcess(AbstractMessageListenerContainer<Object, Object> container) {
    Annotated listener = annotated.get(container.getListenerId());
    if (listener == null) {
      throw new IdempotencySetupException(
          "The listener container '"
              + container.getListenerId()
              + "' belongs to an @Idempotent listener that is not known by this id.",
          "Give the @KafkaListener a plain id.");
    }
    if (StringUtils.hasText(listener.postProcessor)) {
      beans
          .getBean(resolved(listener.postProcessor), ContainerPostProcessor.class)
          .postProcess(container);
    }
    giveAttempt(container, listener);
    ListenerInbox inbox =
        new ListenerInbox(
            groupOf(listener.method, container), mode -> check(container, mode), beans);
    protect(container, new InboxAdvice(inbox::get, inbox::mayRollBack));
    isProtected(container, listener, inbox);
  }

  /** A container of a share group, which may be that of a listener. */
  void made(AbstractShareKafkaMessageListenerContainer<?, ?> container) {
    Annotated listener = annotated.get(container.getListenerId());
    if (listener != null) {
      giveAttempt(container, listener);
      ListenerInbox inbox =
          new ListenerInbox(groupOf(listener.method, container), mode -> {}, beans);
      protect(container, inbox::get);
      isProtected(container, listener, inbox);
    }
  }

  private static void giveAttempt(MessageListenerContainer container, Annotated listener) {
    if (AttemptMethod.isAskedForBy(listener.method)) {
      ListenerAttempt.give(container.getContainerProperties(), listener.method);
    }
  }

  private void isProtected(
      MessageListenerContainer container, Annotated listener, ListenerInbox inbox) {
    containers.add(String.valueOf(container.getListenerId()));
    inboxes.add(listener.method, inbox);
  }

  /**
   * Puts an inbox around the listener of a share group's container that was made by hand.
   *
   * @param container a container that has its listener and its recoverer and has not been started
   * @param inbox the inbox; its consumer group is the share group
   * @throws IdempotencySetupException if the container would acknowledge what is not done
   */
  public static void protect(
      AbstractShareKafkaMessageListenerContainer<?, ?> container,
      Inbox<ConsumerRecord<?, ?>> inbox) {
    protect(container, () -> inbox);
  }

  private static void protect(
      AbstractShareKafkaMessageListenerContainer<?, ?> container,
      Supplier<Inbox<ConsumerRecord<?, ?>>> inbox) {
    ContainerProperties properties = container.getContainerProperties();
    String where = "The listener container '" + container.getListenerId() + "'";
    if (properties.getShareAckMode() != ContainerProperties.ShareAckMode.EXPLICIT) {
      throw new IdempotencySetupException(
          where
              + " of a share group has the acknowledgement mode "
              + properties.getShareAckMode()
              + (properties.getShareAckMode() == ContainerProperties.ShareAckMode.IMPLICIT
                  ? ": what is not done would be accepted too."
                  : ": the listener would acknowledge a record before its effect is committed."),
          "Use EXPLICIT, which is the default. Idem lets the container acknowledge what is done.");
    }
    // Which recoverer it has can be read in no other way.
    ShareConsumerRecordRecoverer recoverer =
        (ShareConsumerRecordRecoverer)
            Objects.requireNonNull(
                new DirectFieldAccessor(container).getPropertyValue("recordRecoverer"));
    InboxShareRecoverer outcomes =
        recoverer instanceof InboxShareRecoverer own ? own : new InboxShareRecoverer(recoverer);
    if (outcomes.onlyLogs()) {
      log.warn(
          "{} has no recoverer of its own: records that are parked are only logged, so that they"
              + " are lost. Give its factory InboxShareRecoverer.keepingIn(…) with a"
              + " DeadLetterPublishingRecoverer.",
          where);
    }
    container.setShareConsumerRecordRecoverer(outcomes);
    listenThrough(container, properties, inbox, outcomes);
  }

  @SuppressWarnings("unchecked") // the listener takes records of the types that the container reads
  private static void listenThrough(
      AbstractShareKafkaMessageListenerContainer<?, ?> container,
      ContainerProperties properties,
      Supplier<Inbox<ConsumerRecord<?, ?>>> inbox,
      InboxShareRecoverer outcomes) {
    if (!(properties.getMessageListener() instanceof GenericMessageListener<?> listener)) {
      throw new IdempotencySetupException(
          "The listener container '" + container.getListenerId() + "' has no listener yet.",
          "Give it one before it is protected.");
    }
    InboxShareListener<Object, Object> around =
        new InboxShareListener<>(
            (GenericMessageListener<ConsumerRecord<Object, Object>>) listener,
            inbox,
            container,
            outcomes.lock(),
            properties.getAcknowledgementCommitCallback());
    properties.setMessageListener(around);
    properties.setAcknowledgementCommitCallback(around);
  }

  /**
   * Puts an inbox around the listener of a container that was made by hand.
   *
   * @param container a container that has its listener and has not been started
   * @param advice the inbox
   * @throws IdempotencySetupException if the container would commit what is not done
   */
  public static void protect(AbstractMessageListenerContainer<?, ?> container, InboxAdvice advice) {
    ContainerProperties properties = container.getContainerProperties();
    String where = "The listener container '" + container.getListenerId() + "'";
    if (properties.getAckMode() == ContainerProperties.AckMode.MANUAL
        || properties.getAckMode() == ContainerProperties.AckMode.MANUAL_IMMEDIATE) {
      throw new IdempotencySetupException(
          where
              + " has the acknowledgement mode "
              + properties.getAckMode()
              + ": the listener would acknowledge a record before its effect is committed.",
          "Use BATCH or RECORD. Idem lets the container acknowledge what is done.");
    }
    if (managerOf(properties) != null) {
      throw new IdempotencySetupException(
          where
              + " has a transaction manager, whose transactions handle failures without the error"
              + " handler: a busy record would count as one, and in the end be left out.",
          "Leave it away: the inbox makes a redelivery harmless, and outgoing records with"
              + " Attempt.outgoingKey(…) are recognised.");
    }
    if (commitsByItself(container)) {
      throw new IdempotencySetupException(
          where + " commits by itself (enable.auto.commit=true), also what is not done.",
          "Leave enable.auto.commit away.");
    }
    if (properties.getMessageListener() instanceof BatchMessageListener) {
      ListenerTransactions.refuseAroundBatches(where, properties.getAdviceChain());
    }
    Mode mode = advice.mode();
    if (mode != null) {
      check(container, mode);
    }
    List<Advice> advices = new ArrayList<>(Arrays.asList(properties.getAdviceChain()));
    advices.add(advice); // the innermost: what retries or traces goes around the inbox
    properties.setAdviceChain(advices.toArray(Advice[]::new));
    CommonErrorHandler handler = container.getCommonErrorHandler();
    if (handler == null) {
      log.warn(
          "{} has no error handler: Spring's default only logs records that are parked or have"
              + " failed for the last time, and goes on, so that they are lost. Declare a"
              + " DefaultErrorHandler with a DeadLetterPublishingRecoverer; with Spring Boot a bean"
              + " of this type is enough.",
          where);
    }
    if (!(handler instanceof InboxErrorHandler)) {
      container.setCommonErrorHandler(
          handler == null ? new InboxErrorHandler() : new InboxErrorHandler(handler));
    }
  }

  /** Kafka's, or one of another kind, which the container takes where there is none of Kafka's. */
  private static @Nullable TransactionManager managerOf(ContainerProperties properties) {
    TransactionManager ofKafka = properties.getKafkaAwareTransactionManager();
    // By name, because Spring Kafka is going to remove it.
    PropertyAccessor others = PropertyAccessorFactory.forBeanPropertyAccess(properties);
    return ofKafka == null && others.isReadableProperty("transactionManager")
        ? (TransactionManager) others.getPropertyValue("transactionManager")
        : ofKafka;
  }

  private static void check(AbstractMessageListenerContainer<?, ?> container, Mode mode) {
    ContainerProperties properties = container.getContainerProperties();
    ListenerTransactions.refuseAroundLeased(
        "The listener container '" + container.getListenerId() + "'",
        mode,
        managerOf(properties),
        properties.getAdviceChain(),
        KafkaAwareTransactionManager.class);
  }

  private static boolean commitsByItself(AbstractMessageListenerContainer<?, ?> container) {
    Properties own = container.getContainerProperties().getKafkaConsumerProperties();
    String property = "enable.auto.commit";
    if (own.containsKey(property)) {
      return Boolean.parseBoolean(String.valueOf(own.get(property)));
    }
    // What its factory says can be read in no other way.
    return new DirectFieldAccessor(container).getPropertyValue("consumerFactory")
            instanceof ConsumerFactory<?, ?> factory
        && factory.getConfigurationProperties().containsKey(property)
        && factory.isAutoCommit();
  }

  private static String groupOf(Method method, MessageListenerContainer container) {
    String group = container.getGroupId();
    if (group == null || group.isEmpty()) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent listener without a consumer group, whose messages it consumes"
              + " once.",
          "Declare @KafkaListener(groupId = \"…\"), or spring.kafka.consumer.group-id with Spring"
              + " Boot.");
    }
    return group;
  }

  @Override
  public void protect(List<IdempotentMethod> listeners) {
    if (!listeners.isEmpty()
        && !beans.containsBean(
            KafkaListenerConfigUtils.KAFKA_LISTENER_ANNOTATION_PROCESSOR_BEAN_NAME)) {
      throw new IdempotencySetupException(
          listeners.get(0)
              + " is an @Idempotent listener in an application that reads no @KafkaListener: it"
              + " would consume nothing.",
          "With Spring Boot, add spring-boot-starter-kafka; otherwise @EnableKafka.");
    }
    listeners.forEach(listener -> ListenerInbox.check(listener, beans));
    inboxes.know(listeners);
  }

  @Override
  public int getPhase() {
    return Integer.MIN_VALUE; // before the first container starts
  }

  @Override
  public void start() {
    annotated.forEach(
        (id, listener) -> {
          if (!containers.contains(id)) {
            throw new IdempotencySetupException(
                listener.method
                    + " is an @Idempotent listener, but its container was not post-processed, so"
                    + " that it would run unprotected.",
                "Use a ConcurrentKafkaListenerContainerFactory or a"
                    + " ShareKafkaListenerContainerFactory, which has to be a bean.");
          }
        });
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
