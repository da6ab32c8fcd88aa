package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OasisAgeTest {

  @ParameterizedTest
  @ValueSource(strings = {"PT24H", "PT10M", "PT1M", "PT1S"})
  void p32_whatIsAdmittedStillMeetsItsRecord(Duration retention) {
    StaleGuard guard = Objects.requireNonNull(HttpDialect.oasis().staleGuard(retention));
    assertThat(guard.window().plus(guard.ahead())).isEqualTo(retention);
    assertThat(guard.window()).isPositive();
    assertThat(guard.timeRequired()).isTrue();
  }
}
