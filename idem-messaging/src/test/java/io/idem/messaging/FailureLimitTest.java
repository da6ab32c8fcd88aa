package io.idem.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class FailureLimitTest {

  @Test
  void aHandlerMayFailOnceAtLeastAndNotInThePast() {
    assertThat(new FailureLimit(1, Duration.ZERO).mostFailures()).isEqualTo(1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FailureLimit(0, Duration.ZERO))
        .withMessageContaining("found 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FailureLimit(1, Duration.ofMillis(-1)))
        .withMessageContaining("PT-0.001S");
  }
}
