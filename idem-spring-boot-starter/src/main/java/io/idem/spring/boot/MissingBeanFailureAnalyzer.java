package io.idem.spring.boot;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.beans.factory.NoUniqueBeanDefinitionException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.env.Environment;
import org.springframework.util.ClassUtils;

/**
 * Says why there is no bean of a type of Idem's where one is asked for. Has to go before Spring
 * Boot's own analysis of a bean that is missing, which knows the type only.
 */
abstract class MissingBeanFailureAnalyzer
    extends AbstractFailureAnalyzer<NoSuchBeanDefinitionException> {

  private final Environment environment;
  private final String type;
  private final List<String> switches;
  private final String withoutIt;

  /**
   * Names the bean.
   *
   * @param environment the application's
   * @param type its class, by name, because what that needs may be missing
   * @param switches the properties that say whether the starter makes one
   * @param withoutIt what else can be done than to switch it on: the end of a sentence
   */
  MissingBeanFailureAnalyzer(
      Environment environment, String type, List<String> switches, String withoutIt) {
    this.environment = environment;
    this.type = type;
    this.switches = switches;
    this.withoutIt = withoutIt;
  }

  @Override
  protected final @Nullable FailureAnalysis analyze(
      Throwable rootFailure, NoSuchBeanDefinitionException cause) {
    Class<?> missing = cause.getBeanType();
    if (missing == null
        || !missing.getName().equals(type)
        || cause instanceof NoUniqueBeanDefinitionException) {
      return null;
    }
    for (String property : switches) {
      if (!environment.getProperty(property, Boolean.class, true)) {
        return analysis(
            property + " is false, so that the starter makes none.",
            "Remove " + property + "=false, " + withoutIt,
            cause);
      }
    }
    return analyze(missing, cause);
  }

  /** The analysis where the bean is not switched off; null if there is nothing to say. */
  abstract @Nullable FailureAnalysis analyze(Class<?> missing, NoSuchBeanDefinitionException cause);

  final FailureAnalysis analysis(String why, String fix, NoSuchBeanDefinitionException cause) {
    return new FailureAnalysis(
        "A bean asks for " + ClassUtils.getShortName(type) + ", and there is no such bean. " + why,
        fix,
        cause);
  }
}
