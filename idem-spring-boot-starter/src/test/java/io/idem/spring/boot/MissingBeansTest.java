package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.servlet.CallerResolver;
import io.idem.spring.IdempotencyTokens;
import io.idem.spring.Idempotent;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.test.context.runner.AbstractApplicationContextRunner;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.Environment;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.core.io.support.SpringFactoriesLoader.ArgumentResolver;
import org.springframework.core.io.support.SpringFactoriesLoader.FailureHandler;

/** What Spring Boot prints where a bean of Idem's cannot be had, or one of its proxies. */
class MissingBeansTest {

  private static final AutoConfigurations IDEM =
      AutoConfigurations.of(
          DispatcherServletAutoConfiguration.class,
          WebMvcAutoConfiguration.class,
          IdempotencyAutoConfiguration.class,
          IdempotencyWebMvcAutoConfiguration.class,
          IdempotencyTokenAutoConfiguration.class);

  private final WebApplicationContextRunner web =
      new WebApplicationContextRunner()
          .withConfiguration(IDEM)
          .withBean(CallerResolver.class, () -> request -> "somebody");

  @ParameterizedTest
  @ValueSource(strings = {"idem.enabled", "idem.http.enabled", "idem.tokens.enabled"})
  void whoAsksForTokensThatAreSwitchedOffIsToldWhatDidIt(String property) {
    FailureAnalysis analysis =
        analysis(web.withBean(Form.class).withPropertyValues(property + "=false")).orElseThrow();

    assertThat(analysis.getDescription()).contains("IdempotencyTokens", property + " is false");
    assertThat(analysis.getAction())
        .contains(property + "=false", "ObjectProvider<IdempotencyTokens>");
  }

  @Test
  void whereNothingServesHttpTheyAreMissingForThatReason() {
    FailureAnalysis analysis =
        analysis(new ApplicationContextRunner().withConfiguration(IDEM).withBean(Form.class))
            .orElseThrow();

    assertThat(analysis.getDescription()).contains("IdempotencyTokens", "web application");
  }

  @Test
  void anotherBeanThatIsMissingIsLeftToSpringBoot() {
    Optional<FailureAnalysis> analysis =
        analysis(web.withBean(NeedsText.class).withPropertyValues("idem.tokens.enabled=false"));

    assertThat(analysis.orElseThrow().getDescription())
        .contains("Appendable")
        .doesNotContain("Idempotency");
  }

  /** CGLIB says that it could not make a subclass, and nothing of what wants one. */
  @Test
  void aFinalClassIsNamedWithItsMethodAndTheFix() {
    FailureAnalysis analysis = analysis(web.withBean("till", FinalService.class)).orElseThrow();

    assertThat(analysis.getDescription())
        .contains("'till'", FinalService.class.getName(), "run", "@Idempotent", "final");
    assertThat(analysis.getAction()).contains("final", "interface");
  }

  /** What Spring Boot prints: the first analyzer that knows the failure has the word. */
  private static Optional<FailureAnalysis> analysis(
      AbstractApplicationContextRunner<?, ?, ?> application) {
    AtomicReference<ConfigurableApplicationContext> failed = new AtomicReference<>();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    application
        .withInitializer(failed::set)
        .run(context -> failure.set(context.getStartupFailure()));
    assertThat(failure).as("why it did not start").doesNotHaveNullValue();
    return SpringFactoriesLoader.forDefaultResourceLocation()
        .load(
            FailureAnalyzer.class,
            ArgumentResolver.of(BeanFactory.class, failed.get().getBeanFactory())
                .and(Environment.class, failed.get().getEnvironment()),
            FailureHandler.handleMessage((message, problem) -> {}))
        .stream()
        .map(analyzer -> analyzer.analyze(failure.get()))
        .filter(Objects::nonNull)
        .findFirst();
  }

  static class Form {
    Form(IdempotencyTokens tokens) {}
  }

  static class NeedsText {
    NeedsText(Environment environment, Appendable text) {}
  }

  static final class FinalService {

    @Idempotent(key = "#key")
    public String run(String key) {
      return key;
    }
  }
}
