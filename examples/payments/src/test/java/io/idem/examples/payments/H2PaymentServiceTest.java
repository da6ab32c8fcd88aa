package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
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
}
