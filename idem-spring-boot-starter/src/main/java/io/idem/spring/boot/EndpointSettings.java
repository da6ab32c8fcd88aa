package io.idem.spring.boot;

import io.idem.core.Disposition;
import io.idem.http.HttpDialect;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import io.idem.http.ProblemTexts;
import io.idem.http.ReplayHeaders;
import io.idem.http.ResponsePolicy;
import io.idem.http.SourceCheck;
import io.idem.http.StaleGuard;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.MessageSourceProblemTexts;
import io.idem.spring.TokenSettings;
import io.idem.spring.WebSettings;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.MessageSource;
import org.springframework.util.unit.DataSize;

/** What {@code idem.http.*} says to the protocol, whichever web framework is there. */
final class EndpointSettings {

  private EndpointSettings() {}

  static KeySyntax keySyntax(IdemProperties properties) {
    IdemHttpProperties http = properties.getHttp();
    return new KeySyntax(http.getHeader(), http.getMaxKeyLength(), http.isStrictKeys());
  }

  static HttpIdempotency protocol(
      IdemProperties properties,
      KeySyntax keySyntax,
      MessageSource messages,
      ObjectProvider<HttpDialect> dialects) {
    IdemHttpProperties http = properties.getHttp();
    return HttpIdempotency.builder()
        .dialect(dialect(http.getDialect(), dialects))
        .keySyntax(keySyntax)
        .problemBase(http.getProblemBase())
        .publishRetention(http.isPublishRetention())
        .texts(new MessageSourceProblemTexts(messages, ProblemTexts.bundled()))
        .unprotectedKeys(http.getUnprotectedKeys())
        .build();
  }

  static WebSettings endpoints(
      IdemProperties properties,
      boolean callersKnown,
      ObjectProvider<HttpDialect> dialects,
      ObjectProvider<SourceCheck> sources,
      KeySyntax keySyntax,
      ObjectProvider<TokenSettings> tokens) {
    IdemHttpProperties http = properties.getHttp();
    WebSettings.Builder settings = WebSettings.builder();
    // ---- the request
    settings
        .callersKnown(callersKnown)
        .dialect(dialect(http.getDialect(), dialects))
        .keySpace(http.getKeySpace())
        .keySyntax(keySyntax)
        .maxRequestBytes(bytes("idem.http.max-request-size", http.getMaxRequestSize()))
        .pathScope(http.getPathScope())
        .sourceCheck(sources.getIfAvailable(SourceCheck::any))
        .staleGuard(staleGuard(http.getStaleGuard()))
        .staleRules(http.getStaleGuard().getAhead(), http.getStaleGuard().isTimeRequired())
        .tokens(tokens.getIfAvailable());
    dialects.forEach(settings::knowing);
    // ---- the response
    settings
        .busyStatus(http.getBusyStatus())
        .maxResponseBytes(http.getMaxResponseSize().toBytes())
        .maxStoredBytes(bytes("idem.http.max-stored-size", http.getMaxStoredSize()))
        .responsePolicy(policy(http))
        .retryAfter(http.getRetryAfter())
        .serverErrors(
            http.getServerErrors() == null
                ? null
                : Disposition.valueOf(http.getServerErrors().name()))
        .replayHeaders(
            ReplayHeaders.standard().and(http.getReplayHeaders().toArray(String[]::new)));
    return settings.build();
  }

  private static @Nullable StaleGuard staleGuard(IdemStaleGuardProperties properties) {
    Duration window = properties.getWindow();
    if (window == null) {
      return null;
    }
    try {
      return new StaleGuard(window, properties.getAhead(), properties.isTimeRequired());
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "idem.http.stale-guard.* cannot hold. " + e.getMessage() + ".",
          "Set a window such as 24h, and ahead to a duration such as 5m.",
          e);
    }
  }

  private static ResponsePolicy policy(IdemHttpProperties http) {
    try {
      return ResponsePolicy.DEFAULT.releasing(http.getReleasingStatuses());
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "idem.http.releasing-statuses is "
              + http.getReleasingStatuses()
              + ". "
              + e.getMessage()
              + ".",
          "Name statuses of refusals that free the key; 5xx is said by idem.http.server-errors.");
    }
  }

  /** Beans come first, so that an application can replace a dialect under its name. */
  private static HttpDialect dialect(String name, ObjectProvider<HttpDialect> beans) {
    List<HttpDialect> known =
        Stream.concat(beans.orderedStream(), HttpDialect.all().stream()).toList();
    return known.stream()
        .filter(dialect -> dialect.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IdempotencySetupException(
                    "idem.http.dialect is '" + name + "', which nobody knows.",
                    "Set it to one of "
                        + known.stream().map(HttpDialect::name).sorted().distinct().toList()
                        + ", or declare a bean of type io.idem.http.HttpDialect with that"
                        + " name()."));
  }

  private static int bytes(String property, DataSize size) {
    if (size.isNegative() || size.toBytes() > Integer.MAX_VALUE) {
      throw new IdempotencySetupException(
          property + " is " + size + ", but what is buffered has 0 to 2147483647 bytes.",
          "Set it to a size such as 1MB.");
    }
    return (int) size.toBytes();
  }
}
