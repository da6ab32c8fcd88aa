package io.idem.examples.payments;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** On the embedded PostgreSQL that the service starts, with data that outlives a kill. */
class PostgresExactlyOnceIT extends ExactlyOnceContract {

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  static Path dataDir;

  @Override
  String[] arguments() {
    return new String[] {"--payments.store=postgres", "--payments.data-dir=" + dataDir};
  }
}
