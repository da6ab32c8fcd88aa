package io.idem.benchmarks.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The soak itself works: a short one, too short to say anything about the store. */
class SoakTest {

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void keysRunExpireAndArePurged(boolean partitioned) throws Exception {
    Soak soak =
        new Soak(
            new SoakSettings(
                30_000,
                10_000,
                500,
                2,
                Duration.ofMillis(5),
                Duration.ofSeconds(1),
                Duration.ofMillis(200),
                5,
                partitioned,
                false,
                Duration.ofMinutes(2)));

    assertThat(soak.run(false)).isEmpty();

    assertThat(soak.samples()).hasSize(5);
    assertThat(soak.samples().get(4).keys()).isGreaterThanOrEqualTo(30_000);
    assertThat(soak.samples().stream().mapToLong(SoakSample::deleted).sum()).isPositive();
    assertThat(soak.samples())
        .allSatisfy(
            sample -> {
              assertThat(sample.p50Micros()).isPositive();
              assertThat(sample.p99Micros()).isGreaterThanOrEqualTo(sample.p50Micros());
              assertThat(sample.heapBytes()).isPositive();
              assertThat(sample.tableBytes()).isPositive();
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"latency", "heap", "table", "lag"})
  void whatGrowsIsTold(String what) {
    SoakSettings settings = SoakSettings.of();
    SoakSample first = new SoakSample(1, 1, 1_000, 6_000, 50_000_000, 100_000_000, 5_000, 10);
    SoakSample last =
        new SoakSample(
            2,
            1,
            what.equals("latency") ? 6_000 : 1_900,
            what.equals("latency") ? 12_001 : 12_000,
            what.equals("heap") ? 200_000_000 : 60_000_000,
            what.equals("table") ? 200_000_000 : 110_000_000,
            what.equals("lag") ? 20_000 : 6_000,
            10);
    List<SoakSample> flat = List.of(first, first, first, first, first);

    assertThat(SoakVerdict.of(flat, settings)).isEmpty();
    assertThat(SoakVerdict.of(List.of(first, first, first, first, last), settings))
        .isNotEmpty()
        .allMatch(failure -> failure.contains(what.equals("lag") ? "Purging" : what));
  }
}
