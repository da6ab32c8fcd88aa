package io.idem.spring.kafka;

import org.aopalliance.intercept.MethodInterceptor;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.kafka.config.ShareKafkaListenerContainerFactory;
import org.springframework.kafka.listener.AbstractShareKafkaMessageListenerContainer;

/**
 * Gives each container of a share group to {@link IdempotentKafkaListeners} when it has been made:
 * its factory post-processes none, as others do. Thread-safe.
 */
final class ShareContainerFactories implements BeanPostProcessor {

  private final BeanFactory beans;

  ShareContainerFactories(BeanFactory beans) {
    this.beans = beans;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (!(bean instanceof ShareKafkaListenerContainerFactory<?, ?>)) {
      return bean;
    }
    ProxyFactory proxy = new ProxyFactory(bean);
    proxy.setProxyTargetClass(true);
    proxy.addAdvice(
        (MethodInterceptor)
            invocation -> {
              Object made = invocation.proceed();
              if (made instanceof AbstractShareKafkaMessageListenerContainer<?, ?> container
                  && invocation.getMethod().getName().equals("createListenerContainer")) {
                beans.getBean(IdempotentKafkaListeners.class).made(container);
              }
              return made;
            });
    return proxy.getProxy(bean.getClass().getClassLoader());
  }
}
