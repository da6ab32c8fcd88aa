package io.idem.jdbc;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/** An application that pays an order in two steps at other systems, in a process of its own. */
final class StepsProcess {

  private StepsProcess() {}

  /**
   * Pays one order and says what the answer was.
   *
   * @param args the URL of the database, that of the other systems, the key
   */
  public static void main(String[] args) {
    PGSimpleDataSource database = new PGSimpleDataSource();
    database.setUrl(args[0]);
    System.out.println(pay(database, URI.create(args[1]), args[2]));
  }

  /** Pays one order, as the process does. */
  static String pay(DataSource database, URI systems, String key) {
    HttpClient client = HttpClient.newHttpClient();
    try (Idempotency idempotency =
        Idempotency.builder().store(new JdbcIdempotencyStore(database)).build()) {
      Operation<String> pay =
          idempotency
              .operation("pay", String.class)
              .lease(Duration.ofMillis(500))
              .waitAtMost(Duration.ofSeconds(20))
              .onAbandoned(new AbandonedPolicy.Retry<>())
              .build();
      return pay.execute(
              IdempotentRequest.of(key),
              attempt -> {
                String receipt =
                    attempt.step(
                        "charge", String.class, sent -> send(client, systems, "charge", sent));
                send(client, systems, "between", Integer.toString(attempt.number()));
                attempt.step("ship", sent -> send(client, systems, "ship", sent));
                return receipt;
              })
          .toString();
    }
  }

  private static String send(HttpClient client, URI systems, String what, String key) {
    HttpRequest request =
        HttpRequest.newBuilder(systems.resolve("/" + what))
            .header("Idempotency-Key", key)
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
