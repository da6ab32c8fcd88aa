package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.examples.payments.Service.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The service on the H2 file that it brings along. */
@DirtiesContext // the file must be closed before its directory is deleted
class H2PaymentServiceTest extends PaymentServiceContract {

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  static Path dataDir;

  @DynamicPropertySource
  static void database(DynamicPropertyRegistry properties) {
    properties.add("payments.data-dir", () -> dataDir);
  }

  /** With a second one, a kill at the wrong moment leaves half a payment: see H2Database. */
  @Test
  void onlyOneConnectionWritesToTheFile(@Autowired HikariDataSource pool) {
    assertThat(pool.getMaximumPoolSize()).isEqualTo(1);
  }

  /** A second is what a duplicate waits at most. */
  @Test
  void aDuplicateOfASlowPaymentIsToldToComeAgain() {
    Service service = new Service(port);

    List<Answer> answers =
        Callers.atOnce(
            2,
            () ->
                service.send(
                    service
                        .request("/api/payments", "alice")
                        .header("Content-Type", "application/json")
                        .header("Idempotency-Key", "slow")
                        .header(NetworkFaults.HEADER, "slow=1500")
                        .POST(
                            BodyPublishers.ofString(
                                "{\"from\":\"alice\",\"to\":\"bob\",\"amount\":1,"
                                    + "\"currency\":\"EUR\"}"))));

    assertThat(answers).extracting(Answer::status).containsExactlyInAnyOrder(201, 409);
    assertThat(answers)
        .filteredOn(answer -> answer.status() == 409)
        .allSatisfy(
            busy -> {
              assertThat(busy.text("type")).endsWith("/in-progress");
              assertThat(busy.json().path("retryable").asBoolean()).isTrue();
              assertThat(busy.header("Retry-After")).matches("[1-9][0-9]*");
            });
  }
}
