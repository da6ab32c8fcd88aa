package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.OperationTokens;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;

/** Point 4 on Spring MVC with H2: tokens of forms and scripts, over sockets, in transactions. */
class TokenEndpointTest {

  private static final String DATABASE = "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";

  private static final AtomicReference<Duration> passed = new AtomicReference<>(Duration.ZERO);
  private static final Pattern FIELD =
      Pattern.compile("<input type=\"hidden\" name=\"([\\w-]+)\" value=\"([\\w.-]+)\">");

  private static ConfigurableApplicationContext one;
  private static ConfigurableApplicationContext other;
  private final HttpClient client = HttpClient.newHttpClient();
  private final String item = UUID.randomUUID().toString();

  /** Tokens with a clock that the test sets. */
  @Configuration(proxyBeanMethods = false)
  static class Clocked extends TokenApplication {

    @Bean
    OperationTokens tokens() {
      byte[] secret = new byte[32];
      Arrays.fill(secret, (byte) 7);
      return OperationTokens.builder()
          .key("k1", secret)
          .clock(() -> Instant.now().plus(passed.get()))
          .build();
    }
  }

  @BeforeAll
  static void start() {
    one = node();
    other = node("idem.tokens.path=/my/tokens", "idem.tokens.header=X-Token");
  }

  @AfterAll
  static void stop() {
    one.close();
    other.close();
  }

  private static ConfigurableApplicationContext node(String... properties) {
    return new SpringApplicationBuilder(Clocked.class)
        .properties(
            "server.port=0",
            "server.address=127.0.0.1",
            "spring.main.banner-mode=off",
            "spring.datasource.url=" + DATABASE)
        .properties(properties)
        .run();
  }

  @Test
  void p04_aFormThatIsSubmittedTwiceTakesEffectOnce() {
    String form = form(one, "alice");

    HttpResponse<String> first = submit(one, "/orders", "alice", form);
    HttpResponse<String> again = submit(one, "/orders", "alice", form);
    HttpResponse<String> elsewhere = submit(other, "/orders", "alice", form);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(first.body()).startsWith("order ");
    for (HttpResponse<String> repeat : List.of(again, elsewhere)) {
      assertThat(repeat.body()).isEqualTo(first.body());
      assertThat(repeat.headers().firstValue("Idempotent-Replayed")).hasValue("true");
    }
    assertThat(effects()).isOne();
  }

  @Test
  void p04_manyClicksAtOnceGetTheFirstAnswer() {
    String form = form(one, "alice");
    List<CompletableFuture<HttpResponse<String>>> clicks = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      ConfigurableApplicationContext node = i % 2 == 0 ? one : other;
      clicks.add(
          client.sendAsync(post(node, "/orders", "alice", form).build(), BodyHandlers.ofString()));
    }

    assertThat(clicks.stream().map(click -> click.join().body()).distinct()).hasSize(1);
    assertThat(clicks).allSatisfy(click -> assertThat(click.join().statusCode()).isEqualTo(200));
    assertThat(effects()).isOne();
  }

  @Test
  void p04_aScriptGetsItsTokenByPostAndSendsItInAHeader() {
    HttpResponse<String> issued =
        send(post(one, "/idempotency/tokens", "alice", "operation=orders.refund"));

    assertThat(issued.statusCode()).isEqualTo(200);
    assertThat(issued.headers().allValues("Cache-Control")).containsExactly("no-store");
    assertThat(issued.body())
        .contains("\"operation\":\"orders.refund\"")
        .contains("\"header\":\"Idempotency-Key\"")
        .contains("\"field\":\"idempotency_token\"");
    HttpRequest.Builder refund =
        post(one, "/refunds", "alice", "item=" + item)
            .header("Idempotency-Key", tokenIn(issued.body()));
    assertThat(send(refund).body()).isEqualTo("refunded");
    assertThat(send(refund).headers().firstValue("Idempotent-Replayed")).hasValue("true");
    assertThat(effects()).isOne();
  }

  @Test
  void p04_aKeyOfTheClientsOwnMayStandBesideTokens() {
    HttpRequest.Builder own =
        post(one, "/refunds", "alice", "item=" + item).header("Idempotency-Key", item);
    HttpRequest.Builder forged =
        post(one, "/refunds", "alice", "item=" + item).header("Idempotency-Key", "idt1." + item);

    assertThat(send(own).statusCode()).isEqualTo(200);
    assertThat(send(own).headers().firstValue("Idempotent-Replayed")).hasValue("true");
    assertProblem(send(forged), 400, "token-invalid");
    assertThat(effects()).isOne();
  }

  @Test
  void p04_theIssuingPathAndTheHeaderAreConfigurable() {
    assertThat(
            send(post(other, "/idempotency/tokens", "alice", "operation=orders.create"))
                .statusCode())
        .isEqualTo(404);
    HttpResponse<String> issued =
        send(post(other, "/my/tokens", "alice", "operation=orders.create"));
    assertThat(issued.body()).contains("\"header\":\"X-Token\"");

    HttpResponse<String> answer =
        send(
            post(other, "/orders", "alice", "item=" + item)
                .header("X-Token", tokenIn(issued.body())));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(effects()).isOne();
  }

  @Test
  void p04_aForgedTokenSaysSo() {
    String form = form(one, "alice");
    int at = form.indexOf("idt1.") + 60;
    String forged =
        form.substring(0, at) + (form.charAt(at) == 'A' ? 'B' : 'A') + form.substring(at + 1);

    assertProblem(submit(one, "/orders", "alice", forged), 400, "token-invalid");
    assertThat(effects()).isZero();
  }

  @Test
  void p04_aTokenOfAnotherCallerSaysSo() {
    HttpResponse<String> answer = submit(one, "/orders", "bob", form(one, "alice"));

    assertProblem(answer, 403, "token-foreign");
    assertThat(answer.body()).contains("another caller");
    assertThat(effects()).isZero();
  }

  @Test
  void p04_aTokenOfAnotherOperationSaysSo() {
    HttpResponse<String> answer = submit(one, "/refunds", "alice", form(one, "alice"));

    assertProblem(answer, 403, "token-foreign");
    assertThat(answer.body()).contains("another operation");
    assertThat(effects()).isZero();
  }

  @Test
  void p04_aTokenForEverybodyNeedsNoCallerAndIsGoodForItsOwnOperationOnly() {
    HttpResponse<String> issued =
        send(post(one, "/idempotency/tokens", null, "operation=newsletter"));
    String form = "item=" + item + "&idempotency_token=" + tokenIn(issued.body());

    assertThat(submit(one, "/newsletter", null, form).body()).isEqualTo("subscribed");
    assertThat(
            submit(one, "/newsletter", "alice", form).headers().firstValue("Idempotent-Replayed"))
        .hasValue("true");
    assertProblem(submit(one, "/orders", "alice", form), 403, "token-foreign");
    assertThat(effects()).isOne();
  }

  /** A used token, its record purged: it is refused, since it has expired before. */
  @Test
  void p04_aTokenOutlivesNoRecord() {
    String form = form(one, "alice");
    assertThat(submit(one, "/orders", "alice", form).statusCode()).isEqualTo(200);
    try {
      passed.set(Duration.ofHours(1));
      HttpResponse<String> expired = submit(one, "/orders", "alice", form);
      assertProblem(expired, 400, "token-expired");
      one.getBean(JdbcTemplate.class).update("delete from idem_record");
      for (Duration later : List.of(Duration.ofHours(1), Duration.ofHours(25))) {
        passed.set(later);
        assertProblem(submit(one, "/orders", "alice", form), 400, "token-expired");
        assertProblem(submit(other, "/orders", "alice", form), 400, "token-expired");
      }
    } finally {
      passed.set(Duration.ZERO);
    }
    assertThat(effects()).isOne();
  }

  @Test
  void tokensAreIssuedToCallersAndForOperationsThatTakeThem() {
    assertProblem(
        send(post(one, "/idempotency/tokens", null, "operation=orders.create")),
        403,
        "caller-required");
    assertProblem(
        send(post(one, "/idempotency/tokens", "alice", "operation=keyed")),
        404,
        "token-not-issued");
    assertProblem(send(post(one, "/idempotency/tokens", "alice", "")), 404, "token-not-issued");
    HttpRequest.Builder get =
        HttpRequest.newBuilder(uri(one, "/idempotency/tokens?operation=orders.create"))
            .header("X-User", "alice");
    assertThat(send(get).statusCode()).isEqualTo(405);
  }

  @Test
  void aPageForNobodyHasNoTokenOfACaller() {
    HttpResponse<String> page = send(HttpRequest.newBuilder(uri(one, "/order")));

    assertThat(page.statusCode()).isEqualTo(500);
    assertThat(page.body()).doesNotContain("idt1.");
  }

  /** What a browser would send: the fields of the page, filled in. */
  private String form(ConfigurableApplicationContext node, String user) {
    HttpResponse<String> page =
        send(HttpRequest.newBuilder(uri(node, "/order")).header("X-User", user));
    Matcher field = FIELD.matcher(page.body());
    assertThat(field.find()).as(page.body()).isTrue();
    return field.group(1)
        + "="
        + URLEncoder.encode(field.group(2), StandardCharsets.UTF_8)
        + "&item="
        + item;
  }

  private int effects() {
    Integer count =
        one.getBean(JdbcTemplate.class)
            .queryForObject("select count(*) from purchase where item = ?", Integer.class, item);
    return count == null ? -1 : count;
  }

  private static void assertProblem(HttpResponse<String> answer, int status, String slug) {
    assertThat(answer.body()).contains("/idempotency/problems/" + slug).doesNotContain("idt1.");
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.headers().allValues("Cache-Control")).containsExactly("no-store");
  }

  private HttpResponse<String> submit(
      ConfigurableApplicationContext node, String path, String user, String form) {
    return send(post(node, path, user, form));
  }

  private static HttpRequest.Builder post(
      ConfigurableApplicationContext node, String path, String user, String form) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(node, path))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(BodyPublishers.ofString(form));
    return user == null ? request : request.header("X-User", user);
  }

  private static URI uri(ConfigurableApplicationContext node, String path) {
    return URI.create(
        "http://127.0.0.1:" + node.getEnvironment().getProperty("local.server.port") + path);
  }

  private HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static String tokenIn(String json) {
    int start = json.indexOf(OperationTokens.PREFIX);
    return json.substring(start, json.indexOf('"', start));
  }
}
