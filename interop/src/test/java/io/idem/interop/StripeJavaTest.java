package io.idem.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.stripe.StripeClient;
import com.stripe.exception.ApiConnectionException;
import com.stripe.exception.ApiException;
import com.stripe.exception.CardException;
import com.stripe.exception.IdempotencyException;
import com.stripe.exception.InvalidRequestException;
import com.stripe.exception.StripeException;
import com.stripe.model.Charge;
import com.stripe.model.Refund;
import com.stripe.net.RequestOptions;
import com.stripe.net.StripeResponse;
import com.stripe.param.ChargeCreateParams;
import com.stripe.param.RefundCreateParams;
import io.idem.interop.Arrivals.Arrival;
import io.idem.testkit.TcpProxy;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code stripe-java} as it is published, against a service of Stripe's dialect. */
class StripeJavaTest {

  private static final int PATIENT = 25_000;
  private static final long BOUND_SECONDS = 30;

  private static Service service;
  private static ExecutorService others;

  private final String work = UUID.randomUUID().toString();

  @BeforeAll
  static void start() {
    service = Service.start(StripeService.class, "idem.http.dialect=stripe");
    others = Executors.newCachedThreadPool();
  }

  @AfterAll
  static void stop() {
    others.shutdownNow();
    service.close();
  }

  @BeforeEach
  void clear() {
    service.arrivals().clear();
  }

  @Test
  void p34_aChargeIsMadeUnderAKeyThatTheClientChose() throws Exception {
    Charge charge = charge(client(0, PATIENT), null);

    assertThat(charge.getAmount()).isEqualTo(2000);
    Arrival arrival = onlyArrival();
    assertThat(arrival.key()).isNotEmpty();
    assertThat(arrival.replayed()).isFalse();
    assertThat(charge.getLastResponse().idempotencyKey()).isEqualTo(arrival.key());
    assertThat(charge.getLastResponse().headers().firstValue("Idempotent-Replayed")).isEmpty();
    assertThat(service.desk().runs(work)).isEqualTo(1);
  }

  @Test
  void p34_aRepeatIsReplayedAndTheClientCanTell() throws Exception {
    String key = key();

    Charge first = charge(client(0, PATIENT), key);
    Charge repeat = charge(client(0, PATIENT), key);

    assertThat(repeat.getId()).isEqualTo(first.getId());
    assertReplayed(repeat.getLastResponse(), key);
    assertThat(service.desk().runs(work)).isEqualTo(1);
  }

  @Test
  void p34_anotherAccountHasKeysOfItsOwn() throws Exception {
    String key = key();
    Charge one = client(0, PATIENT).v1().charges().create(params(2000), account("acct_1", key));
    Charge two = client(0, PATIENT).v1().charges().create(params(2000), account("acct_2", key));

    assertThat(two.getId()).isNotEqualTo(one.getId());
    assertThat(service.desk().runs(work)).isEqualTo(2);
  }

  @Test
  void p34_aDeclineIsAnOutcomeAndReplayed() {
    String key = key();
    String declined = "declined " + work;
    RequestOptions options = RequestOptions.builder().setIdempotencyKey(key).build();

    CardException first = declined(declined, options);
    CardException repeat = declined(declined, options);

    assertThat(repeat.getCode()).isEqualTo("card_declined");
    assertThat(repeat.getMessage()).isEqualTo(first.getMessage());
    assertThat(service.arrivals().all().stream().map(Arrival::replayed))
        .containsExactly(false, true);
    assertThat(service.desk().runs(declined)).isEqualTo(1);
  }

  @Test
  void p34_aClientThatTimesOutIsGivenTheFirstAnswer() throws Exception {
    Desk.Held held = service.desk().hold(work);

    Future<Charge> charge = elsewhere(() -> charge(client(3, 700), null));
    held.awaitRun();
    service.arrivals().awaitRequests(2);
    held.letGo();

    assertReplayed(result(charge).getLastResponse(), service.arrivals().all().get(0).key());
    assertThat(service.arrivals().all().stream().map(Arrival::key).distinct()).hasSize(1);
    assertThat(service.desk().runs(work)).isEqualTo(1);
  }

  /** The JDK's own client sends a POST again when its connection ends without an answer. */
  @Test
  void p34_aDroppedConnectionIsMendedByTheSameKey() throws Exception {
    Desk.Held held = service.desk().hold(work);
    try (TcpProxy proxy = TcpProxy.to("127.0.0.1", service.port())) {
      Future<Charge> charge = elsewhere(() -> charge(client(proxy.port(), 0, PATIENT), null));
      held.awaitRun();
      proxy.drop();
      service.arrivals().awaitRequests(2);
      held.letGo();

      assertReplayed(result(charge).getLastResponse(), service.arrivals().all().get(0).key());
    }
    assertThat(service.arrivals().all().stream().map(Arrival::key).distinct()).hasSize(1);
    assertThat(service.desk().runs(work)).isEqualTo(1);
  }

  @Test
  void p34_anApplicationThatComesBackAfterAnOutageIsGivenTheFirstAnswer() throws Exception {
    String key = key();
    Desk.Held held = service.desk().hold(work);
    try (TcpProxy proxy = TcpProxy.to("127.0.0.1", service.port())) {
      StripeClient client = client(proxy.port(), 0, PATIENT);
      Future<Charge> first = elsewhere(() -> charge(client, key));
      held.awaitRun();
      proxy.cut();
      assertThatThrownBy(() -> result(first)).hasCauseInstanceOf(ApiConnectionException.class);
      proxy.mend();
      held.letGo();

      assertReplayed(charge(client, key).getLastResponse(), key);
    }
    assertThat(service.desk().runs(work)).isEqualTo(1);
  }

  @Test
  void p34_aBusyKeyIsTriedAgainUntilItIsAnswered() throws Exception {
    String key = key();
    Desk.Held held = service.desk().hold("refund of " + work);

    Future<Refund> first = elsewhere(() -> refund(client(0, PATIENT), key));
    held.awaitRun();
    Future<Refund> second = elsewhere(() -> refund(client(5, PATIENT), key));
    service.arrivals().awaitAnswer(409);
    held.letGo();

    assertThat(result(second).getId()).isEqualTo(result(first).getId());
    assertReplayed(result(second).getLastResponse(), key);
    assertThat(service.desk().runs("refund of " + work)).isEqualTo(1);
  }

  @Test
  void p34_aClientOutOfPatienceIsToldThatTheKeyIsInUse() throws Exception {
    String key = key();
    Desk.Held held = service.desk().hold("refund of " + work);
    Future<Refund> first = elsewhere(() -> refund(client(0, PATIENT), key));
    held.awaitRun();

    ApiException busy =
        catchThrowableOfType(ApiException.class, () -> refund(client(0, PATIENT), key));
    held.letGo();

    assertThat(busy.getStatusCode()).isEqualTo(409);
    assertThat(busy.getCode()).isEqualTo("idempotency_key_in_use");
    assertThat(busy.getStripeError().getDocUrl()).isEqualTo("/idempotency/problems/in-progress");
    assertThat(result(first).getCharge()).isEqualTo(work);
  }

  @Test
  void p34_aReusedKeyIsAnIdempotencyExceptionAtOnce() throws Exception {
    String key = key();
    charge(client(0, PATIENT), key);
    service.arrivals().clear();

    IdempotencyException reused =
        catchThrowableOfType(
            IdempotencyException.class,
            () ->
                client(5, PATIENT)
                    .v1()
                    .charges()
                    .create(params(2001), RequestOptions.builder().setIdempotencyKey(key).build()));

    assertThat(reused.getStatusCode()).isEqualTo(400);
    assertThat(reused.getCode()).isEqualTo("key_reused");
    assertThat(onlyArrival().status()).isEqualTo(400);
    assertThat(service.desk().runs(work)).isEqualTo(1);
  }

  /** A key is of one endpoint with its parameters, the path among them. */
  @Test
  void p34_aKeyIsMisusedAtAnotherPathOfTheOperation() throws Exception {
    String key = key();
    RequestOptions options = RequestOptions.builder().setIdempotencyKey(key).build();
    client(0, PATIENT).v1().charges().capture("ch_1-" + work, options);

    assertThatThrownBy(() -> client(5, PATIENT).v1().charges().capture("ch_2-" + work, options))
        .isInstanceOf(IdempotencyException.class);
    assertThat(service.desk().runs("capture of ch_2-" + work)).isZero();
  }

  @Test
  void p34_aKeyIsMisusedAtAnotherEndpoint() throws Exception {
    String key = key();
    Charge charge = charge(client(0, PATIENT), key);
    service.arrivals().clear();

    IdempotencyException reused =
        catchThrowableOfType(IdempotencyException.class, () -> refund(client(5, PATIENT), key));

    assertThat(reused.getCode()).isEqualTo("key_reused");
    assertThat(onlyArrival().status()).isEqualTo(400);
    assertThat(service.desk().runs("refund of " + work)).isZero();
    assertThat(charge(client(0, PATIENT), key).getId()).isEqualTo(charge.getId());
  }

  @Test
  void p34_anUnknownOutcomeIsNotTriedAgain() {
    String key = key();
    String broken = "broken " + work;
    RequestOptions options = RequestOptions.builder().setIdempotencyKey(key).build();
    ThrowingCharge charging =
        () -> client(5, PATIENT).v1().charges().create(params(2000, broken), options);

    ApiException first = catchThrowableOfType(ApiException.class, charging::run);
    List<Arrival> attempts = service.arrivals().all();
    service.arrivals().clear();
    ApiException again = catchThrowableOfType(ApiException.class, charging::run);

    // The handler's own 500 is tried again by the client, and the answer to that is final.
    assertThat(attempts.stream().map(Arrival::status)).containsExactly(500, 409);
    assertThat(first.getCode()).isEqualTo("outcome_unknown");
    assertThat(again.getCode()).isEqualTo("outcome_unknown");
    assertThat(onlyArrival().status()).isEqualTo(409);
    assertThat(service.desk().runs(broken)).isEqualTo(1);
  }

  @Test
  void p34_aMalformedKeyIsAnInvalidRequest() {
    InvalidRequestException malformed =
        catchThrowableOfType(
            InvalidRequestException.class, () -> charge(client(5, PATIENT), "two keys"));

    assertThat(malformed.getStatusCode()).isEqualTo(400);
    assertThat(malformed.getCode()).isEqualTo("key_malformed");
    assertThat(onlyArrival().status()).isEqualTo(400);
    assertThat(service.desk().runs(work)).isZero();
  }

  @FunctionalInterface
  private interface ThrowingCharge {
    Charge run() throws StripeException;
  }

  private static CardException declined(String description, RequestOptions options) {
    return catchThrowableOfType(
        CardException.class,
        () -> client(5, PATIENT).v1().charges().create(params(2000, description), options));
  }

  private Charge charge(StripeClient client, String key) throws StripeException {
    return key == null
        ? client.v1().charges().create(params(2000))
        : client
            .v1()
            .charges()
            .create(params(2000), RequestOptions.builder().setIdempotencyKey(key).build());
  }

  private Refund refund(StripeClient client, String key) throws StripeException {
    return client
        .v1()
        .refunds()
        .create(
            RefundCreateParams.builder().setCharge(work).build(),
            RequestOptions.builder().setIdempotencyKey(key).build());
  }

  private ChargeCreateParams params(long amount) {
    return params(amount, work);
  }

  private static ChargeCreateParams params(long amount, String description) {
    return ChargeCreateParams.builder()
        .setAmount(amount)
        .setCurrency("usd")
        .setSource("tok_visa")
        .setDescription(description)
        .build();
  }

  private static RequestOptions account(String account, String key) {
    return RequestOptions.builder().setStripeAccount(account).setIdempotencyKey(key).build();
  }

  private static void assertReplayed(StripeResponse response, String key) {
    assertThat(response.headers().firstValue("Idempotent-Replayed")).hasValue("true");
    assertThat(response.idempotencyKey()).isEqualTo(key);
  }

  private static Arrival onlyArrival() {
    assertThat(service.arrivals().all()).hasSize(1);
    return service.arrivals().all().get(0);
  }

  private static StripeClient client(int retries, int readTimeoutMillis) {
    return client(service.port(), retries, readTimeoutMillis);
  }

  private static StripeClient client(int port, int retries, int readTimeoutMillis) {
    return StripeClient.builder()
        .setApiKey("sk_test_interop")
        .setApiBase("http://127.0.0.1:" + port)
        .setMaxNetworkRetries(retries)
        .setConnectTimeout(5_000)
        .setReadTimeout(readTimeoutMillis)
        .build();
  }

  private static String key() {
    return UUID.randomUUID().toString();
  }

  private static <T> Future<T> elsewhere(Callable<T> task) {
    return others.submit(task);
  }

  private static <T> T result(Future<T> future) throws Exception {
    return future.get(BOUND_SECONDS, TimeUnit.SECONDS);
  }
}
