package io.idem.spring.boot;

import io.idem.spring.GuardedTransition;
import io.idem.spring.Idempotent;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.AopConfigException;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.beans.factory.BeanCreationException;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotatedElementUtils;

/**
 * Says that a class with a method of Idem's is final, where CGLIB could not make the subclass that
 * is its proxy.
 */
final class FinalClassFailureAnalyzer extends AbstractFailureAnalyzer<AopConfigException> {

  private static final List<Class<? extends Annotation>> ANNOTATIONS =
      List.of(Idempotent.class, GuardedTransition.class);

  private final BeanFactory beans;

  FinalClassFailureAnalyzer(BeanFactory beans) {
    this.beans = beans;
  }

  @Override
  protected @Nullable FailureAnalysis analyze(Throwable rootFailure, AopConfigException cause) {
    String bean = beanOf(rootFailure, cause);
    if (bean == null
        || !(beans instanceof ConfigurableListableBeanFactory there)
        || !there.containsBeanDefinition(bean)) {
      return null;
    }
    Class<?> type = AutoProxyUtils.determineTargetClass(there, bean);
    if (type == null || !Modifier.isFinal(type.getModifiers())) {
      return null;
    }
    for (Class<? extends Annotation> annotation : ANNOTATIONS) {
      Set<Method> methods =
          MethodIntrospector.selectMethods(
              type, (Method method) -> AnnotatedElementUtils.hasAnnotation(method, annotation));
      if (!methods.isEmpty()) {
        return new FailureAnalysis(
            "The bean '"
                + bean
                + "' has the @"
                + annotation.getSimpleName()
                + " method "
                + methods.iterator().next().getName()
                + ", but its class "
                + type.getName()
                + " is final, so that no proxy can intercept its calls.",
            "Leave final away (a record is final: make it a class; in Kotlin write open, or use the"
                + " compiler plugin kotlin-spring). Or let it implement an interface that has the"
                + " method, and set spring.aop.proxy-target-class=false.",
            cause);
      }
    }
    return null;
  }

  /** The bean whose creation failed by that cause: the last one on the way to it. */
  private static @Nullable String beanOf(Throwable failure, Throwable cause) {
    String bean = null;
    for (Throwable at = failure; at != null && at != cause; at = at.getCause()) {
      if (at instanceof BeanCreationException creation && creation.getBeanName() != null) {
        bean = creation.getBeanName();
      }
    }
    return bean;
  }
}
