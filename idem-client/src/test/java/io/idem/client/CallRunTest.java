package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import io.idem.client.CallRun.Next;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallRunTest {

  private static final OutgoingCall CALL = OutgoingCall.of("key");

  private static IdempotentCalls.Builder calls() {
    return IdempotentCalls.builder().backOff(Duration.ofMillis(100), Duration.ofMillis(400));
  }

  private static ReceivedAnswer answer(int status, String... header) {
    Map<String, String> headers = header.length == 0 ? Map.of() : Map.of(header[0], header[1]);
    return ReceivedAnswer.of(status, headers::get, null);
  }

  private static Duration delay(Next next) {
    return ((Next.Again) next).delay();
  }

  private static CallOutcomeUnknownException unknown(Next next) {
    return (CallOutcomeUnknownException) ((Next.Fail) next).failure();
  }

  @Test
  void theTimeBetweenAttemptsIsRandomBelowABoundThatDoubles() {
    Duration[] longest = new Duration[4];
    for (int call = 0; call < 300; call++) {
      CallRun run = calls().build().begin(CALL);
      for (int attempt = 0; attempt < longest.length; attempt++) {
        Duration delay = delay(run.failed(new IOException()));
        assertThat(delay).isLessThanOrEqualTo(Duration.ofMillis(Math.min(400, 100L << attempt)));
        if (longest[attempt] == null || delay.compareTo(longest[attempt]) > 0) {
          longest[attempt] = delay;
        }
      }
    }
    // The largest of 300 is beyond half of the bound but for one in 2^300.
    for (int attempt = 0; attempt < longest.length; attempt++) {
      assertThat(longest[attempt]).isGreaterThan(Duration.ofMillis(Math.min(200, 50L << attempt)));
    }
  }

  @Test
  void theServersTimeIsWaitedAtLeast() {
    assertThat(delay(calls().build().begin(CALL).answered(answer(503, "Retry-After", "3"))))
        .isBetween(Duration.ofMillis(3000), Duration.ofMillis(3100));
  }

  @Test
  void theNumberOfAttemptsIsBounded() {
    CallRun run = calls().maxAttempts(3).build().begin(CALL);

    assertThat(run.failed(new IOException())).isInstanceOf(Next.Again.class);
    assertThat(run.failed(new IOException())).isInstanceOf(Next.Again.class);
    IOException last = new IOException();
    assertThat(unknown(run.failed(last)))
        .hasCause(last)
        .extracting(CallOutcomeUnknownException::attempts)
        .isEqualTo(3);
  }

  @Test
  void whatLiesBeyondTheTotalTimeIsNotWaitedFor() {
    CallRun run = calls().totalTime(Duration.ofSeconds(10)).build().begin(CALL);

    assertThat(run.answered(answer(429, "Retry-After", "11"))).isEqualTo(new Next.Deliver());
  }

  @Test
  void theTotalTimeEndsACallThatHasAttemptsLeft() {
    AtomicInteger attempts = new AtomicInteger();
    IdempotentCalls quick =
        IdempotentCalls.builder()
            .backOff(Duration.ofMillis(20), Duration.ofMillis(20))
            .maxAttempts(1000)
            .totalTime(Duration.ofMillis(200))
            .build();
    long start = System.nanoTime();

    assertThatThrownBy(
            () ->
                quick
                    .begin(CALL)
                    .execute(
                        exchange(
                            () -> {
                              attempts.incrementAndGet();
                              throw new SocketTimeoutException();
                            })))
        .isInstanceOf(CallOutcomeUnknownException.class);

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    assertThat(attempts).hasValueBetween(2, 999);
  }

  @Test
  void whatWasNotSentIsAFailureAndNotUnknown() {
    CallRun run = calls().maxAttempts(2).build().begin(CALL);
    ConnectException refused = new ConnectException();

    assertThat(run.failed(new UnknownHostException())).isInstanceOf(Next.Again.class);
    assertThat(run.failed(refused)).isEqualTo(new Next.Fail(refused));
  }

  /** Named and made as those of Apache's client. */
  private static final class ConnectTimeoutException extends SocketTimeoutException {
    private static final long serialVersionUID = 1L;
  }

  private static final class ConnectionRequestTimeoutException extends InterruptedIOException {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void aConnectionThatApacheDidNotGetHasSentNothing() {
    CallRun run = calls().maxAttempts(2).build().begin(CALL);
    IOException last = new ConnectionRequestTimeoutException();

    assertThat(run.failed(new ConnectTimeoutException())).isInstanceOf(Next.Again.class);
    assertThat(run.failed(last)).isEqualTo(new Next.Fail(last));
  }

  @Test
  void whatWasSentBeforeStaysUnknown() {
    assertThat(
            unknown(
                calls()
                    .maxAttempts(1)
                    .build()
                    .begin(CALL.repeated())
                    .failed(new ConnectException())))
        .hasCauseInstanceOf(ConnectException.class);

    CallRun run = calls().build().begin(CALL);
    run.answered(answer(409)); // somebody runs it
    assertThat(unknown(run.answered(answer(403))).answer())
        .get()
        .asInstanceOf(type(ReceivedAnswer.class))
        .extracting(ReceivedAnswer::status)
        .isEqualTo(403);
  }

  @Test
  void anotherRequestUnderTheKeyMayBeTheOneThatWasSentBefore() {
    ReceivedAnswer reused =
        ReceivedAnswer.of(
            422,
            Map.of("Content-Type", "application/problem+json")::get,
            "{\"type\":\"/idempotency/problems/key-reused\",\"retryable\":false}"
                .getBytes(StandardCharsets.UTF_8));

    assertThat(calls().build().begin(CALL).answered(reused)).isEqualTo(new Next.Deliver());
    assertThat(unknown(calls().build().begin(CALL.repeated()).answered(reused)).answer())
        .contains(reused);
  }

  @Test
  void aStoreThatWasUnavailableMayHaveBeenSoAtTheCommit() {
    ReceivedAnswer unavailable =
        ReceivedAnswer.of(
            503,
            Map.of("Content-Type", "application/problem+json")::get,
            "{\"type\":\"/idempotency/problems/store-unavailable\",\"retryable\":true}"
                .getBytes(StandardCharsets.UTF_8));
    CallRun run = calls().maxAttempts(2).build().begin(CALL);

    assertThat(run.answered(unavailable)).isInstanceOf(Next.Again.class);
    assertThat(unknown(run.answered(unavailable)).answer()).contains(unavailable);
  }

  @ParameterizedTest
  @ValueSource(strings = {"token-expired", "token-invalid"})
  void aTokenThatIsNoLongerTakenSaysNothingOfWhatItWasUsedForBefore(String slug) {
    ReceivedAnswer refused =
        ReceivedAnswer.of(
            400,
            Map.of("Content-Type", "application/problem+json")::get,
            "{\"type\":\"/idempotency/problems/%s\",\"retryable\":false}"
                .formatted(slug)
                .getBytes(StandardCharsets.UTF_8));
    CallRun run = calls().build().begin(CALL);
    run.failed(new IOException());

    assertThat(unknown(run.answered(refused)).answer()).contains(refused);
    assertThat(calls().build().begin(CALL).answered(refused)).isEqualTo(new Next.Deliver());
  }

  @Test
  void aSuccessAfterAnUnknownAttemptIsOne() {
    CallRun run = calls().build().begin(CALL);
    run.failed(new IOException());

    assertThat(run.answered(answer(201))).isEqualTo(new Next.Deliver());
  }

  @Test
  void aServerThatIsNotTrustedIsNotAskedAgain() {
    SSLHandshakeException untrusted = new SSLHandshakeException("test");

    assertThat(calls().build().begin(CALL).failed(untrusted)).isEqualTo(new Next.Fail(untrusted));
  }

  @Test
  void aMistakeIsThrownAsItIs() {
    IllegalArgumentException mistake = new IllegalArgumentException("test");

    assertThatThrownBy(
            () ->
                calls()
                    .build()
                    .begin(CALL)
                    .execute(
                        exchange(
                            () -> {
                              throw mistake;
                            })))
        .isSameAs(mistake);
  }

  @Test
  void whoIsToldToStopSendsNothingMore() {
    for (Exception stop :
        new Exception[] {
          new InterruptedException(), new InterruptedIOException(), new ClosedByInterruptException()
        }) {
      assertThat(unknown(calls().build().begin(CALL).failed(stop))).hasCause(stop);
    }
  }

  @Test
  void aThreadThatWasInterruptedInTheClientStaysSo() {
    assertThatThrownBy(
            () ->
                calls()
                    .build()
                    .begin(CALL)
                    .execute(
                        exchange(
                            () -> {
                              throw new InterruptedException();
                            })))
        .isInstanceOf(CallOutcomeUnknownException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void anInterruptAlsoEndsACallThatWouldBeSentAgainAtOnce() {
    IdempotentCalls atOnce =
        IdempotentCalls.builder().backOff(Duration.ofMillis(1), Duration.ofMillis(1)).build();

    // Half of the pauses are of no time.
    for (int i = 0; i < 50; i++) {
      AtomicInteger attempts = new AtomicInteger();
      assertThatThrownBy(
              () ->
                  atOnce
                      .begin(CALL)
                      .execute(
                          new CallExchange<ReceivedAnswer>() {
                            @Override
                            public ReceivedAnswer send() {
                              attempts.incrementAndGet();
                              Thread.currentThread().interrupt();
                              return answer(503);
                            }

                            @Override
                            public ReceivedAnswer read(ReceivedAnswer response) {
                              return response;
                            }

                            @Override
                            public void discard(ReceivedAnswer response) {}
                          }))
          .isInstanceOf(CallOutcomeUnknownException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(attempts).hasValue(1);
    }
  }

  @Test
  void settingsThatCannotBeAreRefused() {
    IdempotentCalls.Builder calls = IdempotentCalls.builder();

    assertThatIllegalArgumentException().isThrownBy(() -> calls.maxAttempts(0));
    assertThatIllegalArgumentException().isThrownBy(() -> calls.totalTime(Duration.ZERO));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> calls.backOff(Duration.ofSeconds(2), Duration.ofSeconds(1)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> calls.backOff(Duration.ZERO, Duration.ofSeconds(1)));
  }

  @Test
  void durationsWithoutEndAreBounded() {
    Duration endless = Duration.ofSeconds(Long.MAX_VALUE);
    CallRun run =
        IdempotentCalls.builder().totalTime(endless).backOff(endless, endless).build().begin(CALL);

    assertThat(run.remaining()).isBetween(Duration.ofDays(364), Duration.ofDays(365));
    assertThat(run.failed(new IOException())).isNotNull();
  }

  @Test
  void repeatsAreCounted() {
    IdempotentCalls calls = calls().name("payments").build();
    CallRun run = calls.begin(CALL);
    run.failed(new IOException());
    run.answered(answer(201));

    assertThat(calls.retry().getName()).isEqualTo("payments");
    assertThat(calls.retry().getMetrics().getNumberOfSuccessfulCallsWithRetryAttempt())
        .isEqualTo(1);
  }

  /** What one attempt does. */
  private interface Send {
    ReceivedAnswer send() throws IOException, InterruptedException;
  }

  private static CallExchange<ReceivedAnswer> exchange(Send send) {
    return new CallExchange<>() {
      @Override
      public ReceivedAnswer send() throws IOException, InterruptedException {
        return send.send();
      }

      @Override
      public ReceivedAnswer read(ReceivedAnswer response) {
        return response;
      }

      @Override
      public void discard(ReceivedAnswer response) {
        throw new AssertionError("Nothing to discard");
      }
    };
  }

  @Test
  void theUnknownOutcomeOfAnotherCallIsNotThatOfThisOne() {
    CallOutcomeUnknownException other = new CallOutcomeUnknownException("token", 1, null, null);

    assertThat(calls().build().begin(CALL).failed(other)).isInstanceOf(Next.Again.class);
    assertThat(unknown(calls().build().begin(CALL.once()).failed(other)).key())
        .isEqualTo(CALL.key());
    for (String same : calls().build().headers(CALL).values()) {
      assertThat(
              calls()
                  .build()
                  .begin(CALL)
                  .failed(new CallOutcomeUnknownException(same, 1, null, null)))
          .isInstanceOf(Next.Fail.class);
    }
  }
}
