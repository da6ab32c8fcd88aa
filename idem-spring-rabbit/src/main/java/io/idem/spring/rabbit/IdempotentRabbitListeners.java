package io.idem.spring.rabbit;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentListeners;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.aopalliance.aop.Advice;
import org.aopalliance.intercept.MethodInterceptor;
import org.jspecify.annotations.Nullable;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.MessageListenerContainer;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.listener.AbstractMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.MethodRabbitListenerEndpoint;
import org.springframework.amqp.rabbit.listener.RabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpoint;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpointRegistry;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.annotation.AnnotatedElementUtils;

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

  private final Map<Method, List<ListenerInbox>> inboxes = new HashMap<>();
  private final ConfigurableListableBeanFactory beans;
  private @Nullable List<IdempotentMethod> methods;
  private volatile boolean running;

  /**
   * Creates the bean.
   *
   * @param beans where the engine and what the annotations name are found, when they are needed
   */
  public IdempotentRabbitListeners(ConfigurableListableBeanFactory beans) {
    this.beans = beans;
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
    ProxyFactory proxy = new ProxyFactory(bean);
    proxy.setProxyTargetClass(true);
    proxy.addAdvice(
        (MethodInterceptor)
            invocation -> {
              Object[] arguments = invocation.getArguments();
              for (int i = 0; i < arguments.length; i++) {
                if (arguments[i] instanceof RabbitListenerContainerFactory<?> factory) {
                  arguments[i] = protecting(factory);
                }
              }
              return invocation.proceed();
            });
    return proxy.getProxy(bean.getClass().getClassLoader());
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
    if (!(endpoint instanceof MethodRabbitListenerEndpoint listener)
        || listener.getMethod() == null) {
      return null;
    }
    Method method =
        AopUtils.getMostSpecificMethod(
            listener.getMethod(), AopUtils.getTargetClass(listener.getBean()));
    return AnnotatedElementUtils.hasAnnotation(method, Idempotent.class) ? method : null;
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
    ListenerInbox inbox =
        new ListenerInbox(new PayloadReader(listener, endpoint.getMessageConverter()), beans);
    InboxAdvice advice = new InboxAdvice(inbox::of);
    for (InboxAdviceCustomizer customizer :
        beans.getBeanProvider(InboxAdviceCustomizer.class).orderedStream().toList()) {
      advice = customizer.customize(advice, listener);
    }
    protect(known, advice);
    synchronized (inboxes) {
      inboxes.computeIfAbsent(listener, method -> new ArrayList<>()).add(inbox);
      if (methods != null) {
        methods.stream()
            .filter(method -> method.method().equals(listener))
            .forEach(method -> inbox.make(method, operations()));
      }
    }
  }

  /**
   * Puts an inbox around the listener of a container that was made by hand.
   *
   * @param container a container that has not been initialised: advice that comes later is not
   *     heeded
   * @param advice the inbox
   * @throws IdempotencySetupException if the container would acknowledge what is not done
   */
  public static void protect(AbstractMessageListenerContainer container, InboxAdvice advice) {
    if (container.getAcknowledgeMode() != AcknowledgeMode.AUTO) {
      throw new IdempotencySetupException(
          "The listener container '"
              + container.getListenerId()
              + "' has the acknowledgement mode "
              + container.getAcknowledgeMode()
              + ": a message would be acknowledged before its effect is committed.",
          "Use AUTO, with which the container acknowledges what the listener has returned from.");
    }
    List<Advice> advices = new ArrayList<>();
    // What stands there already can be read in no other way.
    Object there = new DirectFieldAccessor(container).getPropertyValue("adviceChain");
    if (there instanceof Advice[] chain) {
      advices.addAll(Arrays.asList(chain));
    }
    advices.add(advice.whileTrue(container::isRunning));
    container.setAdviceChain(advices.toArray(Advice[]::new));
  }

  @Override
  public void protect(List<IdempotentMethod> listeners) {
    synchronized (inboxes) {
      methods = List.copyOf(listeners);
      for (IdempotentMethod listener : listeners) {
        ListenerInbox.check(listener, beans);
        for (ListenerInbox inbox : inboxes.getOrDefault(listener.method(), List.of())) {
          inbox.make(listener, operations());
        }
      }
    }
  }

  /** Before the first container starts. */
  @Override
  public int getPhase() {
    return Integer.MIN_VALUE;
  }

  @Override
  public void start() {
    synchronized (inboxes) {
      for (IdempotentMethod listener : methods == null ? List.<IdempotentMethod>of() : methods) {
        if (!inboxes.containsKey(listener.method())) {
          throw new IdempotencySetupException(
              listener
                  + " is an @Idempotent listener that would run unprotected: Spring's registry"
                  + " of listeners has not made its container.",
              "Enable listeners with @EnableRabbit, and use the registry that it makes.");
        }
      }
    }
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

  private IdempotentOperations operations() {
    return beans.getBean(IdempotentOperations.class);
  }
}
