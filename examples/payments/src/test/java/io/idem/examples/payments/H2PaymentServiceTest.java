package io.idem.examples.payments;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
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
}
