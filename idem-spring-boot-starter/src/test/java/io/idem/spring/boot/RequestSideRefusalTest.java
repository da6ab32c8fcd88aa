package io.idem.spring.boot;

import static io.idem.spring.boot.EndpointRefusalTest.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.StaleGuard;
import io.idem.servlet.CallerResolver;
import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** What cannot hold of a request's places and age keeps the application from starting. */
class RequestSideRefusalTest {

  private final WebApplicationContextRunner web =
      new WebApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  DispatcherServletAutoConfiguration.class,
                  WebMvcAutoConfiguration.class,
                  IdempotencyAutoConfiguration.class,
                  IdempotencyWebMvcAutoConfiguration.class))
          .withBean(CallerResolver.class, () -> request -> "somebody");

  @Test
  void p04_aPlaceThatIsNoneIsRefused() {
    assertRefused(web, BadPlace.class, "keyFrom = \"body:x\"", "BadPlace.run()", "json:");
  }

  @Test
  void p04_twoPlacesOfOneKeyAreRefused() {
    assertRefused(web, TwoPlaces.class, "TwoPlaces.run()", "both a header and keyFrom");
  }

  @Test
  void p04_aSourceOfEverybodyIsRefused() {
    assertRefused(web, SharedSource.class, "SharedSource.run()", "sourceFrom and caller = SHARED");
  }

  @Test
  void p07_aServiceWhoseKeysWouldBeRefusedIsRefused() {
    WebApplicationContextRunner refusing =
        web.withPropertyValues("idem.http.unprotected-keys=refuse");

    assertRefused(refusing, ByHeader.class, "ByHeader.run()", "idem.http.unprotected-keys");
    refusing
        .withPropertyValues("idem.http.header=X-Other-Key")
        .withUserConfiguration(ByHeader.class)
        .run(context -> assertThat(context).hasNotFailed());
  }

  /** Which header is refused, is said by the dialect. */
  @Test
  void p07_theDialectSaysWhichKeysWouldBeRefused() {
    WebApplicationContextRunner refusing =
        web.withPropertyValues("idem.http.unprotected-keys=refuse", "idem.http.dialect=oasis");

    assertRefused(
        refusing, ByRepeatability.class, "ByRepeatability.run()", "idem.http.unprotected-keys");
    refusing
        .withUserConfiguration(ByHeader.class)
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void p09_sharedKeysThatAreApartByPathAreRefused() {
    assertRefused(web, Apart.class, "Apart.run()", "'shop'", "SEPARATE");
    assertRefused(
        web.withPropertyValues("idem.http.key-space=shop", "idem.http.path-scope=separate"),
        Fine.class,
        "idem.http.key-space",
        "idem.http.path-scope");
  }

  @Test
  void p10_aListWithoutFieldsIsRefused() {
    assertRefused(web, HeaderOnly.class, "HeaderOnly.run()", "at least one of them");
  }

  @Test
  void p32_aWindowBeyondTheRetentionIsRefused() {
    assertRefused(web, Old.class, "Old.run()", "PT25H", "PT24H");
    assertRefused(
        web.withPropertyValues("idem.http.stale-guard.window=48h"), Fine.class, "PT48H", "PT24H");
  }

  @Test
  void p32_aGuardThatAdmitsNothingIsRefused() {
    assertRefused(
        web.withPropertyValues("idem.http.stale-guard.window=0s"),
        Fine.class,
        "idem.http.stale-guard");
  }

  @Test
  void p32_theRulesOfAGuardHoldForAnEndpointsOwnWindow() {
    web.withPropertyValues(
            "idem.http.stale-guard.time-required=true", "idem.http.stale-guard.ahead=1m")
        .withUserConfiguration(Dated.class)
        .run(
            context ->
                assertThat(
                        context
                            .getBean(WebEndpoints.class)
                            .endpointOf("dated")
                            .orElseThrow()
                            .staleGuard())
                    .isEqualTo(new StaleGuard(Duration.ofHours(1), Duration.ofMinutes(1), true)));
  }

  @Test
  void p34_aHeaderThatTheDialectWouldPassOverIsRefused() {
    assertRefused(
        web.withPropertyValues("idem.http.dialect=oasis"), Named.class, "Named.run()", "oasis");
  }

  @RestController
  static class Fine {
    @PostMapping("/")
    @Idempotent
    String run() {
      return "";
    }
  }

  @RestController
  static class Apart {
    @PostMapping("/")
    @Idempotent(keySpace = "shop", pathScope = Idempotent.PathScope.SEPARATE)
    String run() {
      return "";
    }
  }

  @RestController
  static class BadPlace {
    @PostMapping("/")
    @Idempotent(keyFrom = "body:x")
    String run() {
      return "";
    }
  }

  @RestController
  static class TwoPlaces {
    @PostMapping("/")
    @Idempotent(keyFrom = "json:/x", header = "X-Key")
    String run() {
      return "";
    }
  }

  @RestController
  static class SharedSource {
    @PostMapping("/")
    @Idempotent(sourceFrom = "json:/x", caller = Idempotent.Caller.SHARED)
    String run() {
      return "";
    }
  }

  @RestController
  static class HeaderOnly {
    @PostMapping("/")
    @Idempotent(comparing = "header:X-Sum")
    String run() {
      return "";
    }
  }

  @RestController
  static class Old {
    @PostMapping("/")
    @Idempotent(notOlderThan = "25h")
    String run() {
      return "";
    }
  }

  @RestController
  static class Dated {
    @PostMapping("/")
    @Idempotent(operation = "dated", notOlderThan = "1h")
    String run() {
      return "";
    }
  }

  @RestController
  static class Named {
    @PostMapping("/")
    @Idempotent(header = "X-Named")
    String run() {
      return "";
    }
  }

  static class ByRepeatability {
    @Idempotent(header = "Repeatability-Request-ID")
    public String run() {
      return "";
    }
  }

  static class ByHeader {
    @Idempotent(header = "Idempotency-Key")
    public String run() {
      return "";
    }
  }
}
