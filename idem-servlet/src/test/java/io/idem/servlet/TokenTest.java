package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.InMemoryStore;
import io.idem.core.OperationTokens;
import io.idem.core.TokenSubject;
import io.idem.http.CallerScope;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySource;
import io.idem.http.KeySyntax;
import io.idem.http.PathScope;
import io.idem.http.RequestValue;
import io.idem.http.TokenIssuer;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Point 4: a token that the service issues as the key. */
class TokenTest extends ServerTest {

  private static final String FORM = "application/x-www-form-urlencoded";
  private static final RequestValue.Field FIELD = new RequestValue.Field("token");

  private final AtomicLong now = new AtomicLong(1_790_000_000_000L);
  private final AtomicInteger paid = new AtomicInteger();
  private final OperationTokens tokens = tokens(1);
  private final Map<String, HttpEndpoint> endpoints = new HashMap<>();
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Logger idem = (Logger) LoggerFactory.getLogger("io.idem");

  @BeforeEach
  void watchTheLog() {
    logged.start();
    idem.addAppender(logged);
    idem.setLevel(Level.TRACE);
  }

  @AfterEach
  void unwatchTheLog() {
    idem.detachAppender(logged);
    idem.setLevel(null);
  }

  // ---- use

  @Test
  void p04_aTokenInAFormIsTheKey() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String token = token("/pay");

    HttpResponse<byte[]> first = submit("/pay", "amount=10&token=" + token);
    HttpResponse<byte[]> again = submit("/pay", "token=" + token + "&amount=10");

    assertThat(text(first)).isEqualTo("paid 10");
    assertSame(first, again);
    assertThat(paid).hasValue(1);
    assertThat(text(submit("/pay", "amount=10&token=" + token("/pay")))).isEqualTo("paid 10");
    assertThat(paid).hasValue(2);
  }

  /** Two clicks at once: the second submission arrives while the first is being carried out. */
  @Test
  void p04_aDoubleClickGetsTheFirstAnswer() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayLeave = new CountDownLatch(1);
    serve(
        server,
        "/pay",
        KeySource.token(tokens, KeySyntax.DEFAULT, FIELD),
        endpoint -> endpoint,
        (request, response) -> {
          entered.countDown();
          mayLeave.await();
          response.getWriter().print("receipt " + paid.incrementAndGet());
        });
    String form = "amount=10&token=" + token("/pay");

    Future<HttpResponse<byte[]>> first = later(() -> submit("/pay", form));
    entered.await();
    Future<HttpResponse<byte[]>> second = later(() -> submit("/pay", form));
    mayLeave.countDown();

    assertThat(text(first.get())).isEqualTo("receipt 1");
    assertSame(first.get(), second.get());
    assertThat(paid).hasValue(1);
  }

  @Test
  void p04_aTokenMayComeInTheHeader() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String token = token("/pay");

    server.post("/pay", token);

    assertReplayed(server.post("/pay", '"' + token + '"'));
    assertThat(paid).hasValue(1);
  }

  /** Keys of clients may be bounded to less than a token has. */
  @Test
  void p04_theBoundOfKeysIsNotThatOfTokens() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, new KeySyntax("X-Token", 36, false), FIELD));

    HttpResponse<byte[]> answer =
        server.send(server.request("/pay").header("X-Token", token("/pay")).POST(body("")));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(paid).hasValue(1);
  }

  @Test
  void p04_aTokenMayBeAPartOfAMultipartForm() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String token = token("/pay");

    HttpResponse<byte[]> first = multipart("one", token);
    HttpResponse<byte[]> again = multipart("two", token);

    assertThat(text(first)).isEqualTo("paid 10");
    assertSame(first, again);
    assertThat(paid).hasValue(1);
  }

  @Test
  void p04_aRepeatWithOtherFieldsIsRefused() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String token = token("/pay");
    submit("/pay", "amount=10&token=" + token);

    assertProblem(submit("/pay", "amount=11&token=" + token), 422, "key-reused");
    assertThat(paid).hasValue(1);
  }

  /** Whatever the path is to other keys, a token is for one operation. */
  @Test
  void p04_aTokenIsGoodForOnePathOnly() throws Exception {
    serve(
        server,
        "/pay",
        KeySource.token(tokens, KeySyntax.DEFAULT, FIELD),
        endpoint -> endpoint.pathScope(PathScope.SEPARATE),
        this::pay);
    server.alias("/pay", "/pay/2");
    String token = token("/pay");
    submit("/pay", "amount=10&token=" + token);

    assertProblem(submit("/pay/2", "amount=10&token=" + token), 422, "key-reused");
    assertThat(paid).hasValue(1);
  }

  @Test
  void p04_aFormWithoutATokenIsRefused() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));

    assertProblem(submit("/pay", "amount=10"), 400, "key-missing");
    assertProblem(server.send(server.request("/pay").POST(body("{}"))), 400, "key-missing");
    assertThat(paid).hasValue(0);
  }

  @Test
  void p04_whereATokenIsOptionalAFormWithoutOneRunsWithItsFields() throws Exception {
    serve(
        server,
        "/pay",
        KeySource.token(tokens, KeySyntax.DEFAULT, FIELD),
        HttpEndpoint.Builder::keyOptional,
        this::pay);

    assertThat(text(submit("/pay", "amount=10"))).isEqualTo("paid 10");
    assertThat(text(submit("/pay", "amount=10"))).isEqualTo("paid 10");
    assertThat(paid).hasValue(2);
  }

  @Test
  void p04_aTokenDoesNotBelongInAUrl() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    HttpRequest.Builder request =
        server
            .request("/pay?token=" + token("/pay"))
            .header("Content-Type", FORM)
            .POST(body("amount=10"));

    assertProblem(server.send(request), 400, "key-malformed");
    assertThat(paid).hasValue(0);
  }

  // ---- refusals

  @Test
  void p04_aForgedTokenSaysSo() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String genuine = token("/pay");
    char last = genuine.charAt(60);
    String forged = genuine.substring(0, 60) + (last == 'A' ? 'B' : 'A') + genuine.substring(61);

    refused(forged, 400, "token-invalid", "signature");
    assertThat(submit("/pay", "amount=10&token=" + genuine).statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"idt1.", "idt1.AAAA", "8e03978e-40d5-43dd-bc93-6894a57f9324", "null"})
  void p04_whatIsNoTokenSaysSo(String text) throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));

    refused(text, 400, "token-invalid", "not a token");
  }

  @Test
  void p04_aTokenOfAnotherOperationSaysSo() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    serve(server, "/refund", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));

    refused(token("/refund"), 403, "token-foreign", "another operation");
  }

  @Test
  void p04_aTokenOfAnotherCallerSaysSo() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String bobs = tokenIn(text(issue(server, "POST /pay", "bob")));

    refused(bobs, 403, "token-foreign", "another caller");
  }

  @Test
  void p04_aTokenForEverybodyIsNotTheCallers() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String anybodys =
        tokens
            .issue(
                endpoints.get("POST /pay").operation(),
                TokenSubject.anybody(),
                Duration.ofMinutes(1))
            .token();

    refused(anybodys, 403, "token-foreign", "another caller");
  }

  @Test
  void p04_anExpiredTokenSaysSo() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String token = token("/pay");

    now.addAndGet(Duration.ofHours(1).toMillis());

    refused(token, 400, "token-expired", "find out whether");
  }

  @Test
  void p04_aTokenWithoutItsCallerIsRefusedUnread() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    String form = "amount=10&token=" + token("/pay");

    HttpRequest.Builder anonymous =
        HttpRequest.newBuilder(server.request("/pay").build().uri())
            .header("Content-Type", FORM)
            .POST(body(form));

    assertProblem(server.send(anonymous), 403, "caller-required");
    assertThat(paid).hasValue(0);
  }

  @Test
  void p04_theTypesOfTokenProblemsResolve() throws Exception {
    for (String slug :
        new String[] {"token-invalid", "token-foreign", "token-expired", "token-not-issued"}) {
      assertThat(text(server.send(server.request("/idempotency/problems/" + slug).GET())))
          .contains("What to do:");
    }
  }

  /**
   * A token of the longest validity there is, used; its record expires, is purged, and the token is
   * sent again, to both of two nodes whose clocks differ by as much as they may.
   */
  @Test
  void p04_aTokenOutlivesNoRecord() throws Exception {
    InMemoryStore memory = new InMemoryStore(100, () -> Duration.ofMillis(now.get()).toNanos());
    TestServer one = new TestServer(memory);
    TestServer other = new TestServer(memory);
    try {
      OperationTokens behind =
          OperationTokens.builder()
              .key("k", secret(1))
              .clock(() -> Instant.ofEpochMilli(now.get()).minus(Duration.ofMinutes(5)))
              .build();
      for (TestServer node : new TestServer[] {one, other}) {
        OperationTokens itsTokens = node == one ? tokens : behind;
        serve(node, "/pay", KeySource.token(itsTokens, KeySyntax.DEFAULT, FIELD));
      }
      String form =
          "amount=10&token="
              + tokens
                  .issue(
                      endpoints.get("POST /pay").operation(),
                      TokenSubject.caller("alice"),
                      tokens.longestValidity(endpoints.get("POST /pay").operation()))
                  .token();
      HttpResponse<byte[]> first = submit(one, "/pay", form);
      assertThat(text(first)).isEqualTo("paid 10");

      long retention = Duration.ofDays(1).toMillis();
      now.addAndGet(retention - 1);
      assertSame(first, submit(other, "/pay", form));
      now.addAndGet(Duration.ofMinutes(1).toMillis()); // a record outlives its retention by a lease
      assertThat(memory.purgeExpired(10)).isEqualTo(1);

      assertProblem(submit(one, "/pay", form), 400, "token-expired");
      assertProblem(submit(other, "/pay", form), 400, "token-expired");
      assertThat(paid).hasValue(1);
    } finally {
      one.stop();
      other.stop();
    }
  }

  // ---- keys

  @Test
  void p04_nodesWithTheSameKeysAcceptEachOthersTokens() throws Exception {
    TestServer other = new TestServer(store);
    try {
      serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
      String form = "amount=10&token=" + token("/pay");
      serve(other, "/pay", KeySource.token(tokens(1), KeySyntax.DEFAULT, FIELD));

      HttpResponse<byte[]> first = submit("/pay", form);

      assertSame(first, submit(other, "/pay", form));
      assertThat(paid).hasValue(1);
    } finally {
      other.stop();
    }
  }

  @Test
  void p04_aNodeWithItsOwnKeySaysThatItDoesNotKnowTheOthers() throws Exception {
    OperationTokens there = OperationTokens.builder().build();
    serve(server, "/pay", KeySource.token(there, KeySyntax.DEFAULT, FIELD));
    String theirs = token("/pay");
    serve(
        server,
        "/pay",
        KeySource.token(OperationTokens.builder().build(), KeySyntax.DEFAULT, FIELD));

    refused(theirs, 400, "token-invalid", "does not have");
  }

  // ---- beside keys of clients

  @Test
  void p04_whereClientsHaveKeysOfTheirOwnAForgedTokenIsStillNone() throws Exception {
    serve(
        server,
        "/pay",
        KeySource.tokenOrHeader(tokens, new KeySyntax("Idempotency-Key", 40, false), FIELD));

    assertThat(server.post("/pay", "my-own").statusCode()).isEqualTo(200);
    assertReplayed(server.post("/pay", "my-own"));
    assertThat(server.post("/pay", token("/pay")).statusCode()).isEqualTo(200);
    assertThat(paid).hasValue(2);
    assertProblem(server.post("/pay", "k".repeat(41)), 400, "key-malformed");
    refused("idt1.my-own", 400, "token-invalid", "not a token");
    assertProblem(submit("/pay", "amount=10&token=my-own"), 400, "token-invalid");
    assertThat(paid).hasValue(2);
  }

  // ---- issue

  @Test
  void issuingWritesNothingAndMayNotBeStored() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    store.claimsFail = true;

    HttpResponse<byte[]> answer = issue(server, "POST /pay", "alice");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().allValues("Cache-Control")).containsExactly("no-store");
    assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(answer.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
    assertThat(answer.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    assertThat(text(answer))
        .matches(
            "\\{\"token\":\"idt1\\.[\\w-]{120,140}\",\"expiresAt\":\"2026-09-21T15:13:20Z\","
                + "\"operation\":\"POST /pay\",\"header\":\"Idempotency-Key\",\"field\":\"token\"}");
  }

  @Test
  void aTokenIsIssuedToTheCallerOnly() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));

    assertProblem(issue(server, "POST /pay", null), 403, "caller-required");
    assertProblem(issue(server, "POST /pay", "a".repeat(1025)), 403, "caller-required");
  }

  @Test
  void whereKeysAreSharedEverybodyIsIssuedATokenForEverybody() throws Exception {
    serve(
        server,
        "/pay",
        KeySource.token(tokens, KeySyntax.DEFAULT, FIELD),
        endpoint -> endpoint.callerScope(CallerScope.SHARED),
        this::pay);

    String token = tokenIn(text(issue(server, "POST /pay", null)));

    assertThat(submit("/pay", "amount=10&token=" + token).statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST /plain-key", "nothing", ""})
  void tokensAreIssuedForOperationsThatTakeThemOnly(String operation) throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    serve(server, "/plain-key", KeySource.header(KeySyntax.DEFAULT));

    HttpResponse<byte[]> answer = issue(server, operation, "alice");

    assertProblem(answer, 404, "token-not-issued");
    assertThat(text(answer)).doesNotContain("plain-key").doesNotContain("/pay");
  }

  @Test
  void tokensAreIssuedOnPostOnly() throws Exception {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));

    HttpRequest.Builder get =
        server.request(TokenServlet.DEFAULT_PATH + "?operation=POST%20/pay").GET();

    HttpResponse<byte[]> answer = server.send(get);

    assertThat(answer.statusCode()).isEqualTo(405);
    assertThat(answer.headers().allValues("Allow")).containsExactly("POST");

    HttpRequest.Builder options =
        server
            .request(TokenServlet.DEFAULT_PATH)
            .method("OPTIONS", HttpRequest.BodyPublishers.noBody());
    answer = server.send(options);

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().allValues("Allow")).containsExactly("POST");
  }

  @Test
  void anIssuerObjectsToTokensThatWouldOutliveTheirRecords() {
    serve(server, "/pay", KeySource.token(tokens, KeySyntax.DEFAULT, FIELD));
    HttpEndpoint pay = endpoints.get("POST /pay");

    assertThat(TokenIssuer.objection(pay, null)).isEmpty();
    assertThat(TokenIssuer.objection(pay, Duration.ofDays(1).minusMinutes(5))).isEmpty();
    assertThat(TokenIssuer.objection(pay, Duration.ZERO)).isPresent();
    assertThat(TokenIssuer.objection(pay, Duration.ofDays(1)))
        .hasValueSatisfying(
            objection ->
                assertThat(objection).contains("'POST /pay'").contains("PT24H", "PT23H55M"));
  }

  // ---- the server

  private void serve(TestServer node, String path, KeySource source) {
    serve(node, path, source, endpoint -> endpoint, this::pay);
  }

  private void serve(
      TestServer node,
      String path,
      KeySource source,
      UnaryOperator<HttpEndpoint.Builder> settings,
      TestServer.Handler handler) {
    node.protect(
        path,
        endpoint -> {
          HttpEndpoint.Builder complete = settings.apply(endpoint.keySource(source));
          endpoints.put("POST " + path, complete.build());
          return complete;
        },
        handler);
    TokenServlet servlet = new TokenServlet(issuer(null), CallerResolver.userPrincipal());
    node.open(TokenServlet.DEFAULT_PATH, servlet::service);
  }

  private TokenIssuer issuer(Duration validFor) {
    return new TokenIssuer(
        new HttpIdempotency(), name -> Optional.ofNullable(endpoints.get(name)), validFor);
  }

  private void pay(HttpServletRequest request, HttpServletResponse response) throws IOException {
    paid.incrementAndGet();
    response.getWriter().print("paid " + request.getParameter("amount"));
  }

  private HttpResponse<byte[]> issue(TestServer node, String operation, String user)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(node.request(TokenServlet.DEFAULT_PATH).build().uri())
            .header("Content-Type", FORM)
            .POST(body("operation=" + operation.replace(" ", "+").replace("/", "%2F")));
    if (user != null) {
      request.header("Test-User", user);
    }
    return node.send(request);
  }

  private String token(String path) throws Exception {
    HttpResponse<byte[]> answer = issue(server, "POST " + path, "alice");
    assertThat(answer.statusCode()).as(text(answer)).isEqualTo(200);
    return tokenIn(text(answer));
  }

  private HttpResponse<byte[]> submit(String path, String form) throws Exception {
    return submit(server, path, form);
  }

  private static HttpResponse<byte[]> submit(TestServer node, String path, String form)
      throws Exception {
    return node.send(node.request(path).header("Content-Type", FORM).POST(body(form)));
  }

  private HttpResponse<byte[]> multipart(String boundary, String token) throws Exception {
    String parts = "";
    for (String[] field : new String[][] {{"amount", "10"}, {"token", token}}) {
      parts +=
          lines(
              "--" + boundary,
              "Content-Disposition: form-data; name=\"" + field[0] + "\"",
              "",
              field[1],
              "");
    }
    return server.send(
        server
            .request("/pay")
            .header("Content-Type", "multipart/form-data; boundary=" + boundary)
            .POST(body(parts + "--" + boundary + "--\r\n")));
  }

  /** Sent in the header and in a form, the token is refused, not repeated, and nothing runs. */
  private void refused(String token, int status, String slug, String word) throws Exception {
    int before = paid.get();
    for (HttpResponse<byte[]> answer :
        List.of(server.post("/pay", token), submit("/pay", "amount=10&token=" + token))) {
      assertProblem(answer, status, slug);
      assertThat(text(answer)).contains(word).contains("\"retryable\":false");
      assertThat(text(answer)).doesNotContain('"' + token).doesNotContain(token + ' ');
    }
    assertThat(paid).hasValue(before);
    assertThat(logged.list)
        .noneSatisfy(event -> assertThat(event.getFormattedMessage()).contains(token));
  }

  private OperationTokens tokens(int seed) {
    return OperationTokens.builder()
        .key("k", secret(seed))
        .clock(() -> Instant.ofEpochMilli(now.get()))
        .build();
  }

  private static byte[] secret(int seed) {
    byte[] secret = new byte[32];
    Arrays.fill(secret, (byte) seed);
    return secret;
  }

  private static String tokenIn(String json) {
    int start = json.indexOf(OperationTokens.PREFIX);
    return json.substring(start, json.indexOf('"', start));
  }
}
