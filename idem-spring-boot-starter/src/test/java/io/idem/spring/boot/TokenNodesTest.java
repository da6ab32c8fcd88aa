package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.OperationTokens;
import io.idem.servlet.CallerResolver;
import io.idem.spring.IdempotencyTokens;
import io.idem.spring.Idempotent;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.TestRedis;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Point 4 with several nodes over one PostgreSQL or one Redis: tokens, and the keys they share. */
class TokenNodesTest {

  private static final AtomicReference<Duration> passed = new AtomicReference<>(Duration.ZERO);

  /** Where the records of the nodes are. */
  private interface Store {

    List<String> properties();

    int effects(ConfigurableApplicationContext node, String item);

    void forgetRecords(ConfigurableApplicationContext node);
  }

  @Nested
  class OnPostgres extends Cases {

    OnPostgres() {
      super(new Postgres());
    }
  }

  @Nested
  class OnRedis extends Cases {

    OnRedis() {
      super(new Redis());
    }
  }

  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class Cases {

    private final Store store;
    private final HttpClient client = HttpClient.newHttpClient();
    private ConfigurableApplicationContext one;
    private ConfigurableApplicationContext other;

    Cases(Store store) {
      this.store = store;
    }

    @BeforeAll
    void start() {
      // In the middle of a rotation: both know both keys, and each signs with one of them.
      one = node(keys("k1"));
      other = node(keys("k2"));
    }

    @AfterAll
    void stop() {
      one.close();
      other.close();
    }

    @Test
    void p04_aUsedTokenReplaysOnEveryNode() {
      String item = newItem();
      String form = form(one, item);

      HttpResponse<String> first = submit(other, "alice", form);

      assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
      assertThat(first.headers().firstValue("Idempotent-Replayed")).isEmpty();
      for (ConfigurableApplicationContext node : List.of(one, other, one)) {
        assertReplayed(submit(node, "alice", form), first);
      }
      assertThat(store.effects(one, item)).isOne();
    }

    @Test
    void p04_clicksAtOnceOnTwoNodesGetTheFirstAnswer() {
      String item = newItem();
      String form = form(one, item);
      List<CompletableFuture<HttpResponse<String>>> clicks = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        clicks.add(
            client.sendAsync(
                post(i % 2 == 0 ? one : other, "/orders", "alice", form), BodyHandlers.ofString()));
      }

      assertThat(clicks).allSatisfy(click -> assertThat(click.join().statusCode()).isEqualTo(200));
      assertThat(clicks.stream().map(click -> click.join().body()).distinct()).hasSize(1);
      assertThat(store.effects(one, item)).isOne();
    }

    @Test
    void p04_aScriptUsesItsTokenOnAnotherNode() {
      String item = newItem();
      HttpResponse<String> issued =
          send(post(one, "/idempotency/tokens", "alice", "operation=orders.create"));
      assertThat(issued.statusCode()).isEqualTo(200);
      int start = issued.body().indexOf(OperationTokens.PREFIX);
      String token = issued.body().substring(start, issued.body().indexOf('"', start));
      String form = "item=" + item + "&idempotency_token=" + token;

      HttpResponse<String> first = submit(other, "alice", form);

      assertThat(first.statusCode()).isEqualTo(200);
      assertReplayed(submit(one, "alice", form), first);
      assertThat(store.effects(one, item)).isOne();
    }

    @Test
    void p04_aForgedTokenSaysSo() {
      String item = newItem();
      String form = form(one, item);
      int at = form.indexOf(OperationTokens.PREFIX) + 60;
      String forged =
          form.substring(0, at) + (form.charAt(at) == 'A' ? 'B' : 'A') + form.substring(at + 1);

      assertProblem(submit(one, "alice", forged), 400, "token-invalid");
      assertProblem(submit(other, "alice", forged), 400, "token-invalid");
      assertThat(store.effects(one, item)).isZero();
    }

    @Test
    void p04_aForeignTokenSaysWhose() {
      String item = newItem();
      String form = form(one, item);

      HttpResponse<String> bobs = submit(other, "bob", form);
      assertProblem(bobs, 403, "token-foreign");
      assertThat(bobs.body()).contains("another caller");
      HttpResponse<String> refund = send(post(other, "/refunds", "alice", form));
      assertProblem(refund, 403, "token-foreign");
      assertThat(refund.body()).contains("another operation");
      assertThat(store.effects(one, item)).isZero();

      // It is its owner's still.
      assertThat(submit(one, "alice", form).statusCode()).isEqualTo(200);
      assertThat(store.effects(one, item)).isOne();
    }

    @Test
    void p04_anExpiredTokenSaysSoWhetherItsRecordIsThereOrGone() {
      String item = newItem();
      String form = form(one, item);
      assertThat(submit(one, "alice", form).statusCode()).isEqualTo(200);

      try (ConfigurableApplicationContext later = node(List.of(), Later.class)) {
        HttpResponse<String> inTime = submit(later, "alice", form);
        assertThat(inTime.headers().firstValue("Idempotent-Replayed")).hasValue("true");
        passed.set(Duration.ofHours(1));
        assertProblem(submit(later, "alice", form), 400, "token-expired");
        store.forgetRecords(one);
        for (Duration time : List.of(Duration.ofHours(1), Duration.ofHours(25))) {
          passed.set(time);
          assertProblem(submit(later, "alice", form), 400, "token-expired");
        }
      } finally {
        passed.set(Duration.ZERO);
      }
      assertThat(store.effects(one, item)).isOne();
    }

    /**
     * As docs/tokens.md tells: first all nodes know the new key, then it signs, then the old goes.
     */
    @Test
    void p04_keysRotateWhileFormsAreOpen() {
      String early = newItem();
      String late = newItem();
      String unused = newItem();
      String earlyForm = form(one, early);
      HttpResponse<String> first = submit(one, "alice", earlyForm);
      assertReplayed(submit(other, "alice", earlyForm), first);
      String lateForm = form(other, late);
      HttpResponse<String> second = submit(one, "alice", lateForm);
      assertThat(second.statusCode()).as(second.body()).isEqualTo(200);

      try (ConfigurableApplicationContext rotated = node(key("k2"))) {
        assertReplayed(submit(rotated, "alice", lateForm), second);
        // Who does not know a key cannot tell its tokens from forged ones, used or not.
        assertProblem(submit(rotated, "alice", earlyForm), 400, "token-invalid");
        assertProblem(submit(rotated, "alice", form(one, unused)), 400, "token-invalid");
      }
      assertThat(store.effects(one, early)).isOne();
      assertThat(store.effects(one, late)).isOne();
      assertThat(store.effects(one, unused)).isZero();
    }

    // ---- nodes

    private ConfigurableApplicationContext node(List<String> keys, Class<?>... more) {
      Class<?>[] sources =
          Stream.concat(Stream.of(Application.class), Arrays.stream(more)).toArray(Class[]::new);
      return new SpringApplicationBuilder(sources)
          .properties(
              "server.port=0",
              "server.address=127.0.0.1",
              "spring.main.banner-mode=off",
              "idem.wait-at-most=20s")
          .properties(store.properties().toArray(String[]::new))
          .properties(keys.toArray(String[]::new))
          .run();
    }

    private static List<String> key(String id) {
      return List.of(
          "idem.tokens.keys." + id + "=" + Base64.getEncoder().encodeToString(secret(id)));
    }

    private static List<String> keys(String signWith) {
      return Stream.of(key("k1"), key("k2"), List.of("idem.tokens.sign-with=" + signWith))
          .flatMap(List::stream)
          .toList();
    }

    // ---- requests

    /** What a browser would send of the node's page. */
    private String form(ConfigurableApplicationContext node, String item) {
      HttpRequest page =
          HttpRequest.newBuilder(uri(node, "/order")).header("X-User", "alice").build();
      HttpResponse<String> token = send(page);
      assertThat(token.statusCode()).as(token.body()).isEqualTo(200);
      return "item=" + item + "&idempotency_token=" + token.body();
    }

    private HttpResponse<String> submit(
        ConfigurableApplicationContext node, String user, String form) {
      return send(post(node, "/orders", user, form));
    }

    private HttpResponse<String> send(HttpRequest request) {
      try {
        return client.send(request, BodyHandlers.ofString());
      } catch (IOException e) {
        throw new AssertionError(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }

    private static HttpRequest post(
        ConfigurableApplicationContext node, String path, String user, String form) {
      return HttpRequest.newBuilder(uri(node, path))
          .header("Content-Type", "application/x-www-form-urlencoded")
          .header("X-User", user)
          .POST(BodyPublishers.ofString(form))
          .build();
    }

    private static URI uri(ConfigurableApplicationContext node, String path) {
      return URI.create(
          "http://127.0.0.1:" + node.getEnvironment().getProperty("local.server.port") + path);
    }

    private static String newItem() {
      return UUID.randomUUID().toString();
    }

    // ---- answers

    private static void assertReplayed(HttpResponse<String> repeat, HttpResponse<String> first) {
      assertThat(repeat.statusCode()).as(repeat.body()).isEqualTo(first.statusCode());
      assertThat(repeat.body()).isEqualTo(first.body());
      assertThat(repeat.headers().firstValue("Idempotent-Replayed")).hasValue("true");
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String slug) {
      assertThat(answer.body())
          .contains("/idempotency/problems/" + slug)
          .doesNotContain(OperationTokens.PREFIX);
      assertThat(answer.statusCode()).isEqualTo(status);
    }
  }

  private static byte[] secret(String id) {
    byte[] secret = new byte[OperationTokens.MIN_SECRET_BYTES];
    Arrays.fill(secret, (byte) id.hashCode());
    return secret;
  }

  /** A database of its own on the shared server: effect and record in one transaction. */
  private static final class Postgres implements Store {

    private final String url;

    Postgres() {
      try (Connection connection = TestPostgres.shared().newDatabase().getConnection()) {
        url = connection.getMetaData().getURL();
        connection.createStatement().execute("create table purchase (item varchar(100))");
      } catch (SQLException e) {
        throw new IllegalStateException("The database cannot be reached", e);
      }
    }

    @Override
    public List<String> properties() {
      return List.of(
          "spring.datasource.url=" + url,
          "spring.datasource.hikari.maximum-pool-size=10",
          "idem.store=jdbc",
          "idem.jdbc.initialize-schema=always");
    }

    @Override
    public int effects(ConfigurableApplicationContext node, String item) {
      Integer count =
          node.getBean(JdbcTemplate.class)
              .queryForObject("select count(*) from purchase where item = ?", Integer.class, item);
      return count == null ? -1 : count;
    }

    @Override
    public void forgetRecords(ConfigurableApplicationContext node) {
      assertThat(node.getBean(JdbcTemplate.class).update("delete from idem_record")).isPositive();
    }
  }

  /** Keys of its own on the shared server. */
  private static final class Redis implements Store {

    private final String prefix = UUID.randomUUID() + ":";

    @Override
    public List<String> properties() {
      return List.of(
          "spring.autoconfigure.exclude=org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
          "spring.data.redis.url=" + TestRedis.standalone(),
          "idem.redis.prefix=" + prefix,
          "idem.store=redis");
    }

    @Override
    public int effects(ConfigurableApplicationContext node, String item) {
      return Shop.RUNS.getOrDefault(item, 0);
    }

    @Override
    public void forgetRecords(ConfigurableApplicationContext node) {
      StringRedisTemplate redis = node.getBean(StringRedisTemplate.class);
      Set<String> keys = redis.keys(prefix + "*");
      assertThat(keys).isNotEmpty();
      redis.delete(keys);
    }
  }

  /** Who calls is what the header says: enough for a test. */
  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(Shop.class)
  static class Application {

    @Bean
    CallerResolver callers() {
      return request -> request.getHeader("X-User");
    }
  }

  /** A node whose clock the test sets. */
  @Configuration(proxyBeanMethods = false)
  static class Later {

    @Bean
    OperationTokens tokens() {
      return OperationTokens.builder()
          .key("k1", secret("k1"))
          .clock(() -> Instant.now().plus(passed.get()))
          .build();
    }
  }

  @RestController
  static class Shop {

    /** How often the handlers of all nodes ran, by item. */
    private static final Map<String, Integer> RUNS = new ConcurrentHashMap<>();

    private final ObjectProvider<JdbcTemplate> jdbc;
    private final IdempotencyTokens tokens;

    Shop(ObjectProvider<JdbcTemplate> jdbc, IdempotencyTokens tokens) {
      this.jdbc = jdbc;
      this.tokens = tokens;
    }

    @GetMapping("/order")
    String page() {
      return tokens.issue("orders.create");
    }

    @PostMapping("/orders")
    @Idempotent(operation = "orders.create", keyFrom = "token")
    String order(@RequestParam String item) {
      return bought(item);
    }

    @PostMapping("/refunds")
    @Idempotent(operation = "orders.refund", keyFrom = "token")
    String refund(@RequestParam String item) {
      return bought(item);
    }

    private String bought(String item) {
      RUNS.merge(item, 1, Integer::sum);
      jdbc.ifAvailable(database -> database.update("insert into purchase (item) values (?)", item));
      return "bought at " + Instant.now();
    }
  }
}
