package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every client library's adapter does, against a server that misbehaves. */
@Timeout(60)
abstract class CallContract {

  static final ChargeServer SERVER = ChargeServer.shared();

  private static final Duration PATIENT = Duration.ofSeconds(20);

  /** A response, whatever library it is of. */
  record Reply(int status, String body) {}

  /** A client of one library. */
  interface Caller {

    /** Posts JSON under a key. */
    CallAnswer<Reply> call(OutgoingCall call, String path, String body) throws Exception;

    /** Posts JSON without a key. */
    Reply plain(String path, String body) throws Exception;
  }

  /**
   * A client that follows redirects.
   *
   * @param calls how the server is called
   * @param timeout how long the client itself waits for an answer
   */
  abstract Caller client(IdempotentCalls calls, Duration timeout);

  String id;
  OutgoingCall call;

  @BeforeEach
  void makeAKey() {
    id = UUID.randomUUID().toString();
    call = OutgoingCall.of("key-" + id);
  }

  static IdempotentCalls.Builder quick() {
    return IdempotentCalls.builder().backOff(Duration.ofMillis(1), Duration.ofMillis(20));
  }

  Visits expect(Fault... faults) {
    return SERVER.expect(id, faults);
  }

  String charges() {
    return "/charges?call=" + id;
  }

  CallAnswer<Reply> charge(IdempotentCalls calls, OutgoingCall call) throws Exception {
    return client(calls, PATIENT).call(call, charges(), "{\"cents\":100}");
  }

  CallAnswer<Reply> charge() throws Exception {
    return charge(quick().build(), call);
  }

  static final CallAnswer<Reply> ran() {
    return new CallAnswer.Ran<>(new Reply(201, "{\"charge\":1}"));
  }

  static final CallAnswer<Reply> replayed() {
    return new CallAnswer.Replayed<>(new Reply(201, "{\"charge\":1}"));
  }

  static void assertUnknown(CallAnswer<Reply> answer, String key) {
    assertThat(answer).isInstanceOf(CallAnswer.Unknown.class);
    assertThat(((CallAnswer.Unknown<Reply>) answer).key()).isEqualTo(key);
  }

  @Test
  void aCallIsCarriedOutUnderItsKey() throws Exception {
    Visits visits = expect();

    assertThat(charge()).isEqualTo(ran());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.keys).containsExactly(call.key());
  }

  @Test
  void aRepeatIsToldAsOne() throws Exception {
    Visits visits = expect();

    assertThat(charge()).isEqualTo(ran());
    assertThat(charge()).isEqualTo(replayed());
    assertThat(visits.effects).hasValue(1);
  }

  @Test
  void aConnectionThatIsDroppedAfterTheEffectHasOneEffect() throws Exception {
    Visits visits = expect(new Fault.DropAfterEffect());

    assertThat(charge()).isEqualTo(replayed());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.arrivals()).isEqualTo(2);
    assertThat(visits.keys).containsOnly(call.key());
  }

  @Test
  void anAnswerThatTheClientDoesNotWaitForHasOneEffect() throws Exception {
    Visits visits = expect(new Fault.SlowUntilNextArrival());

    CallAnswer<Reply> answer =
        client(quick().build(), Duration.ofMillis(400)).call(call, charges(), "{\"cents\":100}");

    assertThat(answer).isEqualTo(replayed());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.keys).containsOnly(call.key());
  }

  @Test
  void aBusyKeyIsWaitedOut() throws Exception {
    Fault busy = Fault.problem(409, "in-progress", true, "0");
    Visits visits = expect(busy, busy);

    assertThat(charge()).isEqualTo(ran());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.arrivals()).isEqualTo(3);
  }

  @Test
  void aLimitedRateIsWaitedOut() throws Exception {
    Visits visits = expect(Fault.answer(429, "Retry-After", "0"), Fault.answer(429));

    assertThat(charge()).isEqualTo(ran());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.arrivals()).isEqualTo(3);
  }

  @Test
  void anOverloadedServerIsAskedAgain() throws Exception {
    Visits visits = expect(Fault.answer(503), Fault.problem(503, "store-unavailable", true, "0"));

    assertThat(charge()).isEqualTo(ran());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.arrivals()).isEqualTo(3);
  }

  @Test
  void dropsToTheEndAreNoFailureButUnknown() throws Exception {
    Fault drop = new Fault.DropBefore();
    // More than there are attempts: some clients send once more by themselves.
    Visits visits =
        expect(new Fault.DropAfterEffect(), drop, drop, drop, drop, drop, drop, drop, drop);

    CallAnswer<Reply> answer = charge(quick().maxAttempts(3).build(), call);

    assertUnknown(answer, call.key());
    assertThat(((CallAnswer.Unknown<Reply>) answer).cause()).isNotNull();
    assertThat(visits.effects).hasValue(1);

    Visits later = expect();
    assertThat(charge()).isEqualTo(replayed());
    assertThat(later.effects).hasValue(0);
  }

  @Test
  void aRefusalOfALaterAttemptSaysNothingOfTheFirst() throws Exception {
    Visits visits = expect(new Fault.DropAfterEffect(), Fault.answer(401));

    CallAnswer<Reply> answer = charge();

    assertUnknown(answer, call.key());
    assertThat(((CallAnswer.Unknown<Reply>) answer).answer().status()).isEqualTo(401);
    assertThat(visits.effects).hasValue(1);
  }

  @Test
  void aRefusalIsNotRepeated() throws Exception {
    Visits visits = expect(Fault.answer(401));

    assertThat(charge())
        .isInstanceOfSatisfying(
            CallAnswer.Refused.class,
            refused -> assertThat(refused.answer().status()).isEqualTo(401));
    assertThat(visits.arrivals()).isEqualTo(1);
  }

  @Test
  void aRefusalOfACallThatMayHaveBeenSentBeforeIsUnknown() throws Exception {
    expect(Fault.answer(401));

    assertUnknown(charge(quick().build(), call.repeated()), call.key());
  }

  @Test
  void whatTheOperationItselfRefusesIsTold() throws Exception {
    expect();
    Caller client = client(quick().build(), PATIENT);

    for (boolean replayed : new boolean[] {false, true}) {
      assertThat(client.call(call.repeated(), charges(), "{\"card\":\"declined\"}"))
          .isInstanceOfSatisfying(
              CallAnswer.Refused.class,
              refused -> {
                assertThat(refused.replayed()).isEqualTo(replayed);
                assertThat(refused.answer().status()).isEqualTo(402);
                assertThat(refused.answer().body()).asString().contains("card_declined");
              });
    }
  }

  @Test
  void aKeyOfAnotherRequestIsRefused() throws Exception {
    Visits visits = expect();
    Caller client = client(quick().build(), PATIENT);
    client.call(call, charges(), "{\"cents\":100}");

    assertThat(client.call(call, charges(), "{\"cents\":200}"))
        .isInstanceOfSatisfying(
            CallAnswer.Refused.class,
            refused ->
                assertThat(refused.answer())
                    .hasToString("status 422, /idempotency/problems/key-reused"));
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @Test
  void aProblemIsReadThroughItsCoding() throws Exception {
    Visits visits =
        expect(
            new Fault.DropAfterEffect(),
            new Fault.Zipped(Fault.problem(422, "key-reused", false, "0")));

    CallAnswer<Reply> answer = charge();

    assertUnknown(answer, call.key());
    assertThat(((CallAnswer.Unknown<Reply>) answer).answer())
        .hasToString("status 422, /idempotency/problems/key-reused");
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @Test
  void anOutcomeThatTheServerDoesNotKnowIsUnknown() throws Exception {
    Visits visits = expect(Fault.problem(409, "outcome-unknown", false, "0"));

    assertUnknown(charge(), call.key());
    assertThat(visits.arrivals()).isEqualTo(1);
  }

  @Test
  void aKeyThatStaysBusyIsTold() throws Exception {
    Visits visits = expect(Fault.problem(409, "in-progress", true, "3600"));

    assertThat(charge())
        .isInstanceOfSatisfying(
            CallAnswer.Busy.class,
            busy -> assertThat(busy.retryAfter()).isEqualTo(Duration.ofHours(1)));
    assertThat(visits.arrivals()).isEqualTo(1);
    assertThat(visits.effects).hasValue(0);
  }

  @Test
  void anErrorToTheEndIsUnknown() throws Exception {
    Fault error = Fault.answer(500);
    Visits visits = expect(error, error, error);

    assertUnknown(charge(quick().maxAttempts(2).build(), call), call.key());
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @Test
  void aCallThatIsSentOnceIsNotRepeated() throws Exception {
    Visits visits = expect(Fault.answer(503));

    assertUnknown(charge(quick().build(), call.once()), call.key());
    assertThat(visits.arrivals()).isEqualTo(1);
  }

  @Test
  void aRequestWithoutAKeyIsSentOnceAndDelivered() throws Exception {
    Visits visits = expect(Fault.problem(503, "store-unavailable", true, "1"));

    Reply reply = client(quick().build(), PATIENT).plain("/open?call=" + id, "{}");

    assertThat(reply.status()).isEqualTo(503);
    assertThat(reply.body()).contains("store-unavailable");
    assertThat(visits.keys).containsExactly("null");
  }

  @Test
  void theHeadersOfADialectAreTheSameInEveryAttempt() throws Exception {
    Visits visits = expect(Fault.answer(503), Fault.answer(503), Fault.answer(401));

    charge(quick().headers(KeyHeaders.repeatability()).build(), call);

    assertThat(visits.firstSent).hasSize(3).doesNotContain("null");
    assertThat(visits.firstSent.stream().distinct()).hasSize(1);
  }
}
