package io.idem.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Point 4 with pages that Thymeleaf and JSP render, behind Spring Security with its protection
 * against CSRF: as a browser gets them and submits their forms.
 */
class PageTest {

  private static final Pattern HIDDEN = Pattern.compile("<input type=\"hidden\"[^>]*>");
  private static final String CSRF = "_csrf";
  private static final String TOKEN = "idempotency_token";

  private static Service service;

  private final Browser alice = new Browser("alice");
  private final String item = UUID.randomUUID().toString();

  @BeforeAll
  static void start() {
    service =
        Service.start(
            PageService.class,
            "spring.mvc.view.prefix=/WEB-INF/jsp/",
            "spring.thymeleaf.excluded-view-names=*.jsp");
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/thymeleaf", "/jsp"})
  void p04_aPageThatIsSubmittedTwiceTakesEffectOnce(String path) {
    Map<String, String> form = filledIn(alice.get(path));

    assertThat(form).containsOnlyKeys(TOKEN, CSRF, "item");
    HttpResponse<String> first = alice.submit(form);
    HttpResponse<String> again = alice.submit(form);

    assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
    assertThat(first.body()).isEqualTo("order 1 of " + item);
    assertThat(first.headers().firstValue("Idempotent-Replayed")).isEmpty();
    assertThat(again.statusCode()).isEqualTo(200);
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(again.headers().firstValue("Idempotent-Replayed")).hasValue("true");
    assertThat(service.desk().runs(item)).isOne();
  }

  @Test
  void p04_clicksAtOnceGetTheFirstAnswer() throws Exception {
    Map<String, String> form = filledIn(alice.get("/thymeleaf"));
    List<CompletableFuture<HttpResponse<String>>> clicks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      clicks.add(alice.client.sendAsync(alice.submission(form).build(), BodyHandlers.ofString()));
    }

    for (CompletableFuture<HttpResponse<String>> click : clicks) {
      assertThat(click.get(30, TimeUnit.SECONDS).body()).isEqualTo("order 1 of " + item);
    }
    assertThat(service.desk().runs(item)).isOne();
  }

  @Test
  void p04_aPageThatIsLoadedAgainIsForAnotherOperation() {
    Map<String, String> first = filledIn(alice.get("/thymeleaf"));
    Map<String, String> second = filledIn(alice.get("/thymeleaf"));

    assertThat(second.get(TOKEN)).isNotEqualTo(first.get(TOKEN));
    assertThat(alice.submit(first).body()).isEqualTo("order 1 of " + item);
    assertThat(alice.submit(second).body()).isEqualTo("order 2 of " + item);
  }

  /** The masked CSRF token of the form is one of its fields, and so a part of what is compared. */
  @Test
  void p04_aTokenThatIsSentWithAnotherFormIsMisuse() {
    Map<String, String> form = filledIn(alice.get("/thymeleaf"));
    assertThat(alice.submit(form).statusCode()).isEqualTo(200);

    form.put(CSRF, filledIn(alice.get("/thymeleaf")).get(CSRF));
    HttpResponse<String> other = alice.submit(form);

    assertThat(other.statusCode()).isEqualTo(422);
    assertThat(other.body()).contains("/idempotency/problems/key-reused");
    assertThat(service.desk().runs(item)).isOne();
  }

  @Test
  void p04_anothersPageIsOfNoUse() {
    Map<String, String> form = filledIn(alice.get("/thymeleaf"));
    Browser bob = new Browser("bob");
    form.put(CSRF, filledIn(bob.get("/thymeleaf")).get(CSRF));

    HttpResponse<String> refused = bob.submit(form);

    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(refused.body()).contains("/idempotency/problems/token-foreign");
    assertThat(service.desk().runs(item)).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/thymeleaf", "/jsp"})
  void p04_pagesWithTokensAreNotCached(String path) {
    assertThat(alice.get(path).headers().allValues("Cache-Control")).containsExactly("no-store");
  }

  @Test
  void p04_aTokenIsNoCsrfToken() {
    Map<String, String> form = filledIn(alice.get("/jsp"));
    String csrf = form.remove(CSRF);

    assertThat(alice.submit(form).statusCode()).isEqualTo(403);
    assertThat(service.desk().runs(item)).isZero();

    // The refusal has not touched the key.
    form.put(CSRF, csrf);
    assertThat(alice.submit(form).statusCode()).isEqualTo(200);
  }

  @Test
  void p04_aScriptNeedsTheCsrfTokenForItsTokenToo() {
    HttpRequest.Builder bare = alice.post("/idempotency/tokens", "operation=orders.create");
    HttpResponse<String> refused = alice.send(bare);
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(refused.body()).doesNotContain("idt1.");

    String[] csrf = alice.get("/csrf").body().split(": ", 2);
    HttpResponse<String> issued = alice.send(bare.header(csrf[0], csrf[1]));
    assertThat(issued.statusCode()).as(issued.body()).isEqualTo(200);
    Matcher token = Pattern.compile("\"token\":\"([^\"]+)\"").matcher(issued.body());
    assertThat(token.find()).isTrue();

    HttpRequest.Builder order =
        alice
            .post("/orders", "item=" + item)
            .header(csrf[0], csrf[1])
            .header("Idempotency-Key", token.group(1));
    HttpResponse<String> first = alice.send(order);
    assertThat(first.body()).isEqualTo("order 1 of " + item);

    // In a header it is no part of the request, so that a fresh one does as well.
    String[] fresh = alice.get("/csrf").body().split(": ", 2);
    HttpResponse<String> again = alice.send(order.setHeader(fresh[0], fresh[1]));
    assertThat(fresh[1]).isNotEqualTo(csrf[1]);
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(again.headers().firstValue("Idempotent-Replayed")).hasValue("true");
    assertThat(service.desk().runs(item)).isOne();
  }

  /** The hidden fields of a page, and the item. */
  private Map<String, String> filledIn(HttpResponse<String> page) {
    assertThat(page.statusCode()).as(page.body()).isEqualTo(200);
    Map<String, String> form = new LinkedHashMap<>();
    Matcher field = HIDDEN.matcher(page.body());
    while (field.find()) {
      form.put(attribute("name", field.group()), attribute("value", field.group()));
    }
    form.put("item", item);
    return form;
  }

  private static String attribute(String name, String element) {
    Matcher attribute = Pattern.compile(" " + name + "=\"([^\"]*)\"").matcher(element);
    assertThat(attribute.find()).as(element).isTrue();
    return attribute.group(1);
  }

  /** Keeps the cookies of its user's session. */
  private static final class Browser {

    private final HttpClient client =
        HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
    private final String user;

    Browser(String user) {
      this.user = user;
    }

    HttpResponse<String> get(String path) {
      return send(request(path));
    }

    HttpResponse<String> submit(Map<String, String> form) {
      return send(submission(form));
    }

    HttpRequest.Builder submission(Map<String, String> form) {
      return post(
          "/orders",
          form.entrySet().stream()
              .map(field -> field.getKey() + "=" + encoded(field.getValue()))
              .collect(Collectors.joining("&")));
    }

    HttpRequest.Builder post(String path, String form) {
      return request(path)
          .header("Content-Type", "application/x-www-form-urlencoded")
          .POST(BodyPublishers.ofString(form));
    }

    private HttpRequest.Builder request(String path) {
      String credentials =
          Base64.getEncoder()
              .encodeToString((user + ":secret").getBytes(StandardCharsets.US_ASCII));
      return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + service.port() + path))
          .header("Authorization", "Basic " + credentials);
    }

    private static String encoded(String value) {
      return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
      try {
        return client.send(request.build(), BodyHandlers.ofString());
      } catch (IOException e) {
        throw new AssertionError(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }
}
