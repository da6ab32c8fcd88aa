package io.idem.servlet;

import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectNestedMethod;

import io.idem.core.InMemoryStore;
import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.HttpContract;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.LeasedHttpContract;
import io.idem.testkit.http.NodeSettings;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.util.Collection;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.platform.testkit.engine.EngineTestKit;

/** The contract rejects each of these adapters by the point that is meant for it. */
class BrokenAdaptersTest {

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments(FoldsCase.class, "IntakeCases$KeyIntake", "p03_keysAreCaseSensitive"),
        arguments(
            ForgetsTheBody.class, "KeyPlaceCases$KeyPlaces", "p04_theKeyMayBeAMemberOfTheBody"),
        arguments(KeysOfEverybody.class, "KeyPlaceCases$Tokens", "p04_aTokenThatIsNoGoodSaysWhy"),
        arguments(
            IgnoresKeysInSilence.class, "IntakeCases$KeyIntake", "p07_aKeyThatIsIgnoredIsFlagged"),
        arguments(
            KeysOfEverybody.class, "ScopeCases$ScopeAndFingerprint", "p08_aKeyIsItsCallersOwn"),
        arguments(
            KeysOfCredentials.class,
            "ScopeCases$ScopeAndFingerprint",
            "p08_aRefreshedCredentialIsTheSameCaller"),
        arguments(
            ForgetsThePath.class,
            "ScopeCases$ScopeAndFingerprint",
            "p09_theKeyAtAnotherPathIsAnotherKey"),
        arguments(
            ForgetsTheBody.class,
            "ScopeCases$ScopeAndFingerprint",
            "p11_aDifferentRequestIsRefusedAndChangesNothing"),
        arguments(StoresRefusals.class, "InFlightCases$InFlight", "p14_aBusyAnswerIsNotStored"),
        arguments(
            DeliversBeforeRecording.class,
            "LeasedHttpContract$UnderALease",
            "p17_anOwnerThatLostItsLeaseDoesNotOverwriteItsSuccessor"),
        arguments(
            DeliversBeforeRecording.class,
            "StoredCases$WhatIsStored",
            "p22_noByteLeavesBeforeTheOutcomeIsRecorded"),
        arguments(
            ReplaysCookies.class,
            "ReplayCases$Replay",
            "p26_aReplayHasTheSameBytesAndTheAllowedHeadersOnly"),
        arguments(MarksNothing.class, "ReplayCases$Replay", "p27_aReplayIsMarkedAndNotCached"),
        arguments(
            RendersErrorPagesAnew.class,
            "ReplayCases$Replay",
            "p29_anErrorPageIsReplayedByteForByte"),
        arguments(
            AsksNoRule.class, "ReplayCases$Replay", "p30_aRuleOnTheHandlerIsAskedBeforeAReplay"),
        arguments(
            PublishesNoLifetime.class,
            "OperationCases$ExpiryErrorsAndOperation",
            "p31_theLifetimeOfAKeyIsPublished"),
        arguments(
            IgnoresAge.class,
            "OperationCases$ExpiryErrorsAndOperation",
            "p32_aStaleRequestIsRefused"),
        arguments(
            SpeaksEnglish.class,
            "OperationCases$ExpiryErrorsAndOperation",
            "p33_aTitleSpeaksTheClientsLanguage"),
        arguments(
            ForgetsTheDialect.class,
            "OperationCases$ExpiryErrorsAndOperation",
            "p34_stripesDialect"),
        arguments(
            FailsOpen.class,
            "OperationCases$ExpiryErrorsAndOperation",
            "p35_aStoreThatIsDownRefusesAndRunsNothing"),
        arguments(
            DrainsTheBody.class,
            "OperationCases$ExpiryErrorsAndOperation",
            "p36_theHandlerReadsTheWholeBody"),
        arguments(
            RunsAgain.class,
            "OperationCases$ExpiryErrorsAndOperation",
            "p37_aFailedRunIsNotRepeatedByTheServer"));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenAdapterIsRejected(Class<?> adapter, String group, String point) {
    String nested = HttpContract.class.getPackageName() + "." + group;
    EngineTestKit.engine("junit-jupiter")
        .selectors(selectNestedMethod(List.of(adapter.getName()), nested, point))
        .execute()
        .testEvents()
        .assertStatistics(events -> events.started(1).failed(1));
  }

  /** The right filter, with something wrong around it. */
  abstract static class Broken extends LeasedHttpContract {

    @Override
    protected final HttpContractServer start(ContractScript script) {
      return new ContractTomcat(
          script,
          new InMemoryStore(),
          NodeSettings.USUAL,
          right ->
              new HttpFilter() {

                private static final long serialVersionUID = 1L;

                @Override
                protected void doFilter(
                    HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                    throws IOException, ServletException {
                  protect(right, request, response, chain);
                }
              });
    }

    abstract void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException;
  }

  static final class FoldsCase extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          new OtherHeader(request, "Idempotency-Key", value -> value.toLowerCase(Locale.ROOT)),
          response,
          chain);
    }
  }

  static final class KeysOfEverybody extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          new OtherHeader(request, "Authorization", value -> "Bearer somebody.1"), response, chain);
    }
  }

  static final class KeysOfCredentials extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          new OtherHeader(request, "Authorization", value -> value.replace('.', '-')),
          response,
          chain);
    }
  }

  static final class ForgetsTheBody extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          new HttpServletRequestWrapper(request) {
            @Override
            public ServletInputStream getInputStream() {
              return new NoBody();
            }
          },
          response,
          chain);
    }
  }

  static final class StoresRefusals extends Broken {

    private final Set<String> busy = ConcurrentHashMap.newKeySet();

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      String key = String.valueOf(request.getHeader("Idempotency-Key"));
      if (busy.contains(key)) {
        response.setStatus(HttpServletResponse.SC_CONFLICT);
        return;
      }
      right.doFilter(request, response, chain);
      if (response.getStatus() == HttpServletResponse.SC_CONFLICT) {
        busy.add(key);
      }
    }
  }

  static final class DeliversBeforeRecording extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          request,
          response,
          (inner, heldBack) -> {
            chain.doFilter(inner, response);
            response.flushBuffer();
          });
    }
  }

  static final class ReplaysCookies extends Broken {

    private final Map<String, Collection<String>> cookies = new ConcurrentHashMap<>();

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      String key = String.valueOf(request.getHeader("Idempotency-Key"));
      cookies
          .getOrDefault(key, List.of())
          .forEach(cookie -> response.addHeader("Set-Cookie", cookie));
      right.doFilter(
          request,
          response,
          (inner, heldBack) -> {
            chain.doFilter(inner, heldBack);
            // Before the client has the answer, and can send the repeat.
            Collection<String> set = ((HttpServletResponse) heldBack).getHeaders("Set-Cookie");
            cookies.put(key, List.copyOf(set));
          });
    }
  }

  /** An answer of it lacks a header. */
  abstract static class WithoutHeader extends Broken {

    private final String header;

    WithoutHeader(String header) {
      this.header = header;
    }

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          request,
          new HttpServletResponseWrapper(response) {
            @Override
            public void setHeader(String name, String value) {
              if (!name.equals(header)) {
                super.setHeader(name, value);
              }
            }
          },
          chain);
    }
  }

  static final class MarksNothing extends WithoutHeader {

    MarksNothing() {
      super("Idempotent-Replayed");
    }
  }

  static final class IgnoresKeysInSilence extends WithoutHeader {

    IgnoresKeysInSilence() {
      super("Idempotency-Key-Ignored");
    }
  }

  static final class PublishesNoLifetime extends WithoutHeader {

    PublishesNoLifetime() {
      super("Idempotency-Key-Lifetime");
    }
  }

  static final class ForgetsTheDialect extends WithoutHeader {

    ForgetsTheDialect() {
      super("Stripe-Should-Retry");
    }
  }

  /** A request reaches it without a header. */
  abstract static class BlindToHeader extends Broken {

    private final String header;

    BlindToHeader(String header) {
      this.header = header;
    }

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          new HttpServletRequestWrapper(request) {
            @Override
            public Enumeration<String> getHeaders(String name) {
              return name.equalsIgnoreCase(header)
                  ? Collections.emptyEnumeration()
                  : super.getHeaders(name);
            }
          },
          response,
          chain);
    }
  }

  static final class IgnoresAge extends BlindToHeader {

    IgnoresAge() {
      super("Repeatability-First-Sent");
    }
  }

  static final class SpeaksEnglish extends BlindToHeader {

    SpeaksEnglish() {
      super("Accept-Language");
    }
  }

  static final class ForgetsThePath extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          new HttpServletRequestWrapper(request) {
            @Override
            public String getRequestURI() {
              return "/contract";
            }
          },
          response,
          chain);
    }
  }

  static final class RendersErrorPagesAnew extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          new HttpServletRequestWrapper(request) {
            @Override
            public RequestDispatcher getRequestDispatcher(String path) {
              return null;
            }
          },
          response,
          chain);
    }
  }

  static final class AsksNoRule extends Broken {

    private final Set<String> answered = ConcurrentHashMap.newKeySet();

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      String key = String.valueOf(request.getHeader("Idempotency-Key"));
      if (answered.contains(key)) {
        response.setHeader("Idempotent-Replayed", "true");
        response.setStatus(HttpServletResponse.SC_CREATED);
        return;
      }
      right.doFilter(request, response, chain);
      if (response.getStatus() == HttpServletResponse.SC_CREATED) {
        answered.add(key);
      }
    }
  }

  static final class FailsOpen extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      try {
        right.doFilter(
            request,
            new HttpServletResponseWrapper(response) {
              @Override
              public void setStatus(int status) {
                if (status == SC_SERVICE_UNAVAILABLE) {
                  throw new StoreIsDown();
                }
                super.setStatus(status);
              }
            },
            chain);
      } catch (StoreIsDown e) {
        chain.doFilter(request, response);
      }
    }

    private static final class StoreIsDown extends RuntimeException {
      private static final long serialVersionUID = 1L;
    }
  }

  static final class DrainsTheBody extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(request, response, (buffered, heldBack) -> chain.doFilter(request, heldBack));
    }
  }

  static final class RunsAgain extends Broken {

    @Override
    void protect(
        Filter right, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      right.doFilter(
          request,
          response,
          (inner, heldBack) -> {
            try {
              chain.doFilter(inner, heldBack);
            } catch (RuntimeException e) {
              chain.doFilter(inner, heldBack);
            }
          });
    }
  }

  /** A request, one of whose headers says something else. */
  private static final class OtherHeader extends HttpServletRequestWrapper {

    private final String header;
    private final UnaryOperator<String> other;

    OtherHeader(HttpServletRequest request, String header, UnaryOperator<String> other) {
      super(request);
      this.header = header;
      this.other = other;
    }

    @Override
    public String getHeader(String name) {
      Enumeration<String> values = getHeaders(name);
      return values.hasMoreElements() ? values.nextElement() : null;
    }

    @Override
    public Enumeration<String> getHeaders(String name) {
      List<String> values = Collections.list(super.getHeaders(name));
      return Collections.enumeration(
          name.equalsIgnoreCase(header) ? values.stream().map(other).toList() : values);
    }
  }

  private static final class NoBody extends ServletInputStream {

    @Override
    public int read() {
      return -1;
    }

    @Override
    public boolean isFinished() {
      return true;
    }

    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setReadListener(ReadListener listener) {
      throw new IllegalStateException("Nothing is asynchronous here");
    }
  }
}
