package io.idem.spring;

import java.util.Map;
import org.springframework.aop.config.AopConfigUtils;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.type.AnnotationMetadata;

/**
 * Makes sure that beans get proxies. Imported without {@link EnableIdempotency}, it leaves the kind
 * of proxy to the application.
 */
public final class IdempotencyProxies implements ImportBeanDefinitionRegistrar {

  /** Creates the registrar. */
  public IdempotencyProxies() {}

  @Override
  public void registerBeanDefinitions(
      AnnotationMetadata importing, BeanDefinitionRegistry registry) {
    AopConfigUtils.registerAutoProxyCreatorIfNecessary(registry);
    Map<String, ?> attributes =
        importing.getAnnotationAttributes(EnableIdempotency.class.getName());
    if (attributes != null && Boolean.TRUE.equals(attributes.get("proxyTargetClass"))) {
      AopConfigUtils.forceAutoProxyCreatorToUseClassProxying(registry);
    }
  }
}
