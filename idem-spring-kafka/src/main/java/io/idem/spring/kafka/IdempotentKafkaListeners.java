package io.idem.spring.kafka;

import io.idem.spring.AttemptMethod;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentListeners;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.ListenerInboxes;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.aopalliance.aop.Advice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.DirectFieldAccessor;
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
import org.springframework.kafka.listener.CommonErrorHandler;
import org.springframework.kafka.listener.ContainerProperties;
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
 *   <li>At the end of start-up each listener's inbox is made, and before containers run it is made
 *       sure that each has one: a container factory that does not post-process its containers, such
 *       as that of share groups, would leave its listeners unprotected.
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
    containers.add(String.valueOf(container.getListenerId()));
    String group = groupOf(listener.method, container);
    if (AttemptMethod.isAskedForBy(listener.method)) {
      ListenerAttempt.give(container.getContainerProperties(), listener.method);
    }
    ListenerInbox inbox = new ListenerInbox(group, beans);
    protect(container, new InboxAdvice(inbox::get));
    inboxes.add(listener.method, inbox);
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
    if (properties.getKafkaAwareTransactionManager() != null) {
      throw new IdempotencySetupException(
          where
              + " has a Kafka transaction manager, whose transactions handle failures without the"
              + " error handler and would count a busy record as one.",
          "Leave it away: the inbox makes a redelivery harmless, and outgoing records with"
              + " Attempt.outgoingKey(…) are recognised.");
    }
    if (commitsByItself(container)) {
      throw new IdempotencySetupException(
          where + " commits by itself (enable.auto.commit=true), also what is not done.",
          "Leave enable.auto.commit away.");
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

  private static String groupOf(
      Method method, AbstractMessageListenerContainer<Object, Object> container) {
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
                "Use a ConcurrentKafkaListenerContainerFactory, or consume by hand: share groups"
                    + " with InboxShareConsumer of idem-kafka.");
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
