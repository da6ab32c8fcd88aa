package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkFaultsTest {

  @Test
  void everyFaultIsAskedForByItsName() {
    assertThat(NetworkFaults.parse("delay-request=300, SLOW=20 ,delay-answer=7,drop-answer"))
        .isEqualTo(
            new NetworkFaults(
                Duration.ofMillis(300), Duration.ofMillis(20), Duration.ofMillis(7), true));
    assertThat(NetworkFaults.parse("delay-answer=0"))
        .isEqualTo(new NetworkFaults(Duration.ZERO, Duration.ZERO, Duration.ZERO, false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"delay-request", "slow", "delay-answer"})
  void noDelayIsLongerThanTheLongest(String name) {
    NetworkFaults faults = NetworkFaults.parse(name + "=999999");

    assertThat(faults.delayRequest().plus(faults.slow()).plus(faults.delayAnswer()))
        .isEqualTo(NetworkFaults.LONGEST)
        .isLessThanOrEqualTo(Duration.ofSeconds(3));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ",", "drop", "drop-answer=1", "slow", "slow=-1", "slow=1.5", "slow=1000000"})
  void anythingElseIsRefused(String header) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NetworkFaults.parse(header))
        .withMessageContaining("drop-answer");
  }
}
