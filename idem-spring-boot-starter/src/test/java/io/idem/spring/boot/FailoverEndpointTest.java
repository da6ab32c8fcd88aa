package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.http.HttpIdempotency;
import io.idem.spring.Idempotent;
import io.idem.testkit.TcpProxy;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.TestRedis;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * An endpoint whose keys are in PostgreSQL, with Redis as the fallback, before, during and after
 * the time that the way to the database is cut.
 */
class FailoverEndpointTest {

  private static final String NAMESPACE = UUID.randomUUID().toString();

  /** What happened in the world outside, whatever the nodes know of it. */
  private static final Map<String, AtomicInteger> EFFECTS = new ConcurrentHashMap<>();

  private final HttpClient client = HttpClient.newHttpClient();

  @Test
  void requestsGoOnWhileTheDatabaseIsAwayAndHaveOneEffect() throws Exception {
    DataSource database = TestPostgres.shared().newDatabase();
    String url;
    try (Connection connection = database.getConnection()) {
      url = connection.getMetaData().getURL();
    }
    URI server = URI.create(url.substring("jdbc:".length()));
    try (TcpProxy proxy = TcpProxy.to(server.getHost(), server.getPort())) {
      String cuttable = url.replace(server.getAuthority(), "127.0.0.1:" + proxy.port());
      try (ConfigurableApplicationContext node = node(cuttable)) {
        String before = post(node, "before").body();
        assertReplayed(post(node, "before"), before);
        assertThat(health(node).getStatus()).isEqualTo(Status.UP);
        assertThat(health(node).getDetails()).doesNotContainKey("protection");

        // A request that is under way when the database goes, and ends without it.
        Handler handler = node.getBean(Handler.class);
        var held = client.sendAsync(request(node, "held"), BodyHandlers.ofString());
        assertThat(handler.entered.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        proxy.cut();
        handler.mayLeave.release();
        HttpResponse<String> first = held.get(30, TimeUnit.SECONDS);
        assertThat(first.statusCode()).isEqualTo(200);

        String during = post(node, "during").body();
        assertReplayed(post(node, "before"), before);
        assertReplayed(post(node, "during"), during);
        assertReplayed(post(node, "held"), first.body());
        Health away = health(node);
        assertThat(away.getStatus()).isEqualTo(Status.UP);
        assertThat(away.getDetails().get("protection"))
            .isEqualTo("by the fallback alone: the primary does not answer");

        proxy.mend();
        Failover failover = node.getBean(Failover.class);
        await("what the database missed is made up for", () -> failover.store().owed() == 0);
        assertThat(
                new JdbcTemplate(database)
                    .queryForObject(
                        "select count(*) from idem_record where state = 2", Integer.class))
            .as("before, and held")
            .isEqualTo(2);
        assertReplayed(post(node, "before"), before);
        assertReplayed(post(node, "during"), during);
        assertReplayed(post(node, "held"), first.body());
        assertThat(health(node).getDetails()).doesNotContainKey("protection");
        post(node, "after");

        // A node that knows nothing of the outage.
        try (ConfigurableApplicationContext another = node(url)) {
          assertReplayed(post(another, "during"), during);
          assertReplayed(post(another, "held"), first.body());
        }
      }
    }
    assertThat(EFFECTS).containsOnlyKeys("before", "held", "during", "after");
    assertThat(EFFECTS.values()).extracting(AtomicInteger::get).containsOnly(1);
  }

  private static void assertReplayed(HttpResponse<String> response, String body) {
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo(body);
    assertThat(response.headers().firstValue(HttpIdempotency.REPLAYED_HEADER)).hasValue("true");
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as(what).isNegative();
      LockSupport.parkNanos(10_000_000);
    }
  }

  private static Health health(ConfigurableApplicationContext node) {
    return node.getBean("idempotencyHealthIndicator", HealthIndicator.class).health();
  }

  private HttpResponse<String> post(ConfigurableApplicationContext node, String key)
      throws Exception {
    HttpResponse<String> response = client.send(request(node, key), BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return response;
  }

  private static HttpRequest request(ConfigurableApplicationContext node, String key) {
    return HttpRequest.newBuilder(
            URI.create(
                "http://127.0.0.1:"
                    + node.getEnvironment().getProperty("local.server.port")
                    + "/charges/"
                    + key))
        .header("Idempotency-Key", key)
        .timeout(Duration.ofSeconds(60))
        .POST(BodyPublishers.noBody())
        .build();
  }

  private static ConfigurableApplicationContext node(String databaseUrl) {
    return new SpringApplicationBuilder(Application.class)
        .properties(
            "server.port=0",
            "server.address=127.0.0.1",
            "spring.main.banner-mode=off",
            "spring.datasource.url=" + databaseUrl,
            "spring.datasource.type=" + HikariDataSource.class.getName(),
            "spring.datasource.hikari.connection-timeout=500",
            "spring.datasource.hikari.maximum-pool-size=4",
            "spring.data.redis.url=" + TestRedis.standalone(),
            "idem.jdbc.initialize-schema=always",
            "idem.failover.fallback=redis",
            "idem.purge-every=200ms",
            "idem.namespace=" + NAMESPACE)
        .run();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(Handler.class)
  static class Application {}

  @RestController
  static class Handler {

    private final Semaphore entered = new Semaphore(0);
    private final Semaphore mayLeave = new Semaphore(0);

    @PostMapping("/charges/{name}")
    @Idempotent(caller = Idempotent.Caller.SHARED, mode = Idempotent.Mode.LEASED)
    public String charge(@PathVariable String name) throws InterruptedException {
      int effect = EFFECTS.computeIfAbsent(name, any -> new AtomicInteger()).incrementAndGet();
      if (name.equals("held")) {
        entered.release();
        if (!mayLeave.tryAcquire(30, TimeUnit.SECONDS)) {
          throw new IllegalStateException("nobody let it go");
        }
      }
      return name + " " + effect + " " + UUID.randomUUID();
    }
  }
}
