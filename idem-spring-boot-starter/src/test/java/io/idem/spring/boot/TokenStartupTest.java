package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.OperationTokens;
import io.idem.servlet.CallerResolver;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotencyTokens;
import io.idem.spring.Idempotent;
import io.idem.spring.TokenField;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** What an application with tokens says, and what keeps it from starting. */
class TokenStartupTest {

  private static final String SECRET = Base64.getEncoder().encodeToString(new byte[32]);

  private final WebApplicationContextRunner web =
      new WebApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  DispatcherServletAutoConfiguration.class,
                  WebMvcAutoConfiguration.class,
                  IdempotencyAutoConfiguration.class,
                  IdempotencyWebMvcAutoConfiguration.class,
                  IdempotencyTokenAutoConfiguration.class))
          .withBean(CallerResolver.class, () -> request -> "somebody");

  private final WebApplicationContextRunner shop = web.withUserConfiguration(Shop.class);
  private final Logger idem = (Logger) LoggerFactory.getLogger("io.idem");
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();

  @BeforeEach
  void watchTheLog() {
    logged.start();
    idem.addAppender(logged);
  }

  @AfterEach
  void unwatchTheLog() {
    idem.detachAppender(logged);
  }

  @Test
  void withoutAKeyASingleNodeWorksAndIsToldOnceWhatToConfigure() {
    shop.run(
        context -> {
          assertThat(context).hasNotFailed();
          assertThat(context.getBean(OperationTokens.class).isOfThisProcess()).isTrue();
          assertThat(warnings())
              .singleElement()
              .asString()
              .contains("idem.tokens.keys.<id>", "idem.tokens.sign-with", "32 random bytes");
        });
  }

  @Test
  void withAKeyNothingIsSaidAndNoSecretIsShown() {
    shop.withPropertyValues("idem.tokens.keys.2026-11=" + SECRET)
        .run(
            context -> {
              assertThat(context).hasNotFailed();
              assertThat(context.getBean(OperationTokens.class))
                  .hasToString("OperationTokens[keys=[2026-11], signWith=2026-11]");
              assertThat(warnings()).isEmpty();
            });
  }

  @Test
  void withoutAnEndpointThatTakesTokensNothingIsSaid() {
    web.run(
        context -> {
          assertThat(context).hasNotFailed();
          assertThat(warnings()).isEmpty();
        });
  }

  @Test
  void oneOfSeveralKeysSigns() {
    shop.withPropertyValues(
            "idem.tokens.keys.k1=" + SECRET,
            "idem.tokens.keys.k2=" + SECRET.replace('A', 'B').replace("B=", "A="),
            "idem.tokens.sign-with=k2")
        .run(
            context ->
                assertThat(context.getBean(OperationTokens.class).toString())
                    .contains("signWith=k2"));
    assertRefused(
        shop.withPropertyValues("idem.tokens.keys.k1=" + SECRET, "idem.tokens.keys.k2=" + SECRET),
        "none is named to sign",
        "idem.tokens.sign-with");
    assertRefused(
        shop.withPropertyValues("idem.tokens.keys.k1=" + SECRET, "idem.tokens.sign-with=k3"),
        "not among the signing keys");
  }

  @Test
  void aShortSecretIsRefused() {
    assertRefused(
        shop.withPropertyValues(
            "idem.tokens.keys.k1=" + Base64.getEncoder().encodeToString(new byte[31])),
        "at least 32 bytes, found 31");
  }

  @Test
  void whatIsNotBase64IsRefusedAndNotRepeated() {
    shop.withPropertyValues("idem.tokens.keys.k1=pass%word")
        .run(
            context -> {
              Throwable failure = Objects.requireNonNull(context.getStartupFailure());
              assertThat(failure).hasStackTraceContaining("is not Base64");
              assertThat(NestedExceptionUtils.getMostSpecificCause(failure).getMessage())
                  .doesNotContain("word");
            });
  }

  @Test
  void tokensThatWouldOutliveTheirRecordsAreRefused() {
    assertRefused(
        shop.withPropertyValues("idem.tokens.valid-for=24h"), "'orders'", "PT23H55M", "valid-for");
    assertRefused(shop.withPropertyValues("idem.retention=5m"), "'orders'", "PT5M", "retention");
    shop.withPropertyValues("idem.retention=10m")
        .run(context -> assertThat(context).hasNotFailed());
    shop.withPropertyValues("idem.retention=5m", "idem.tokens.clock-skew=10s")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void anEndpointThatTakesTokensNeedsThem() {
    assertRefused(
        shop.withPropertyValues("idem.tokens.enabled=false"), "tokens", "idem.tokens.enabled");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokens", "/tokens/", "/tokens/*"})
  void whatIsNoPathIsRefused(String path) {
    assertRefused(shop.withPropertyValues("idem.tokens.path=" + path), "idem.tokens.path");
  }

  @Test
  void whatIsNoHeaderIsRefused() {
    assertRefused(shop.withPropertyValues("idem.tokens.header=a b"), "idem.tokens.header");
  }

  @Test
  void outsideOfARequestThereIsNobodyToIssueATokenTo() {
    shop.run(
        context -> {
          IdempotencyTokens tokens = context.getBean(IdempotencyTokens.class);
          assertThat(catchThrowable(() -> tokens.issue("orders")))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("no current request");
        });
  }

  @Test
  void aFieldIsEscapedAndNotPrinted() {
    TokenField field = new TokenField("a\"b", "<idt1>");

    assertThat(field.toHtml())
        .isEqualTo("<input type=\"hidden\" name=\"a&quot;b\" value=\"&lt;idt1&gt;\">");
    assertThat(field.toString()).doesNotContain("idt1");
  }

  private List<String> warnings() {
    return logged.list.stream()
        .filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
        .map(ILoggingEvent::getFormattedMessage)
        .filter(message -> message.contains("token"))
        .toList();
  }

  private static void assertRefused(WebApplicationContextRunner runner, String... words) {
    runner.run(
        context -> {
          Throwable failure = Objects.requireNonNull(context.getStartupFailure());
          Throwable setup = failure;
          while (setup != null && !(setup instanceof IdempotencySetupException)) {
            setup = setup.getCause();
          }
          assertThat(setup).as("%s", failure).isNotNull();
          assertThat(setup).hasMessageContainingAll(words);
        });
  }

  @RestController
  static class Shop {

    @PostMapping("/orders")
    @Idempotent(operation = "orders", keyFrom = "token")
    String order() {
      return "";
    }

    @PostMapping("/refunds")
    @Idempotent(operation = "refunds", keyFrom = "token-or-header")
    String refund() {
      return "";
    }
  }
}
