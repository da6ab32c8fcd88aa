package io.idem.examples.payments;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** On the H2 file that the service brings along. */
class H2ExactlyOnceIT extends ExactlyOnceContract {

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  static Path dataDir;

  @Override
  String[] arguments() {
    return new String[] {"--payments.data-dir=" + dataDir};
  }
}
