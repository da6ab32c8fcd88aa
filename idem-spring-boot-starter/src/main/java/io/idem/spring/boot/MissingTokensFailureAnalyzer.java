package io.idem.spring.boot;

import java.util.List;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/** Says why there is no {@code IdempotencyTokens} bean where one is asked for. */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class MissingTokensFailureAnalyzer extends MissingBeanFailureAnalyzer {

  private static final String OPTIONAL =
      "let the bean that asks for it take an ObjectProvider<IdempotencyTokens>";

  MissingTokensFailureAnalyzer(Environment environment) {
    super(
        environment,
        "io.idem.spring.IdempotencyTokens",
        List.of("idem.enabled", "idem.http.enabled", "idem.tokens.enabled"),
        "or " + OPTIONAL + ".");
  }

  @Override
  FailureAnalysis analyze(Class<?> missing, NoSuchBeanDefinitionException cause) {
    return analysis(
        "The starter makes one in a servlet web application of Spring MVC, with idem-servlet on the"
            + " class path and IdempotencyTokenAutoConfiguration not excluded.",
        "Add spring-boot-starter-webmvc, or " + OPTIONAL + ".",
        cause);
  }
}
