package io.idem.spring.boot;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.beans.factory.NoUniqueBeanDefinitionException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/**
 * Says why there is no {@code IdempotencyTokens} bean where one is asked for. Goes before Spring
 * Boot's own analysis of a bean that is missing, which knows the type only.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class MissingTokensFailureAnalyzer
    extends AbstractFailureAnalyzer<NoSuchBeanDefinitionException> {

  /** By name, because what it needs may be missing. */
  private static final String TOKENS = "io.idem.spring.IdempotencyTokens";

  private static final String OPTIONAL =
      "let the bean that asks for it take an ObjectProvider<IdempotencyTokens>";

  private final Environment environment;

  MissingTokensFailureAnalyzer(Environment environment) {
    this.environment = environment;
  }

  @Override
  protected @Nullable FailureAnalysis analyze(
      Throwable rootFailure, NoSuchBeanDefinitionException cause) {
    Class<?> missing = cause.getBeanType();
    if (missing == null
        || !missing.getName().equals(TOKENS)
        || cause instanceof NoUniqueBeanDefinitionException) {
      return null;
    }
    for (String property : List.of("idem.enabled", "idem.http.enabled", "idem.tokens.enabled")) {
      if (!environment.getProperty(property, Boolean.class, true)) {
        return analysis(
            property + " is false, so that the starter makes none.",
            "Remove " + property + "=false, or " + OPTIONAL + ".",
            cause);
      }
    }
    return analysis(
        "The starter makes one in a servlet web application of Spring MVC, with idem-servlet on the"
            + " class path and IdempotencyTokenAutoConfiguration not excluded.",
        "Add spring-boot-starter-webmvc, or " + OPTIONAL + ".",
        cause);
  }

  private static FailureAnalysis analysis(
      String why, String fix, NoSuchBeanDefinitionException cause) {
    return new FailureAnalysis(
        "A bean asks for IdempotencyTokens, and there is no such bean. " + why, fix, cause);
  }
}
