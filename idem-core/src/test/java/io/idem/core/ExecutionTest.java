package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExecutionTest {

  private static String name(Execution<String> execution) {
    return execution.fold(
        ran -> "ran " + ran.result() + " " + ran.recording(),
        replayed -> "replayed " + replayed.result(),
        busy -> "busy " + busy.retryAfter(),
        reused -> "reused",
        unresolved -> "unresolved " + unresolved.attempt(),
        notStored -> "not stored " + notStored.reason());
  }

  @Test
  void everyAnswerHasItsOwnBranch() {
    List<Execution<String>> all =
        List.of(
            new Execution.Ran<>("a", Recording.STORED),
            new Execution.Replayed<>("b"),
            new Execution.Busy<>(Duration.ofSeconds(1)),
            new Execution.KeyReused<>(),
            new Execution.Unresolved<>(3),
            new Execution.ResultNotStored<>("big"));
    assertThat(all)
        .extracting(ExecutionTest::name)
        .containsExactly(
            "ran a STORED", "replayed b", "busy PT1S", "reused", "unresolved 3", "not stored big");
  }

  @Test
  void aResultIsAResultWhetherItRanOrNot() {
    assertThat(new Execution.Ran<>("a", Recording.PENDING).orElseThrow()).isEqualTo("a");
    assertThat(new Execution.Replayed<>("a").orElseThrow()).isEqualTo("a");
    assertThat(new Execution.Replayed<String>(null).orElseThrow()).isNull();
  }

  @Test
  void everythingElseIsAnExceptionThatCarriesTheSame() {
    assertThatExceptionOfType(KeyBusyException.class)
        .isThrownBy(() -> new Execution.Busy<>(Duration.ofSeconds(7)).orElseThrow())
        .satisfies(e -> assertThat(e.retryAfter()).isEqualTo(Duration.ofSeconds(7)));
    assertThatExceptionOfType(KeyReusedException.class)
        .isThrownBy(() -> new Execution.KeyReused<>().orElseThrow());
    assertThatExceptionOfType(OutcomeUnknownException.class)
        .isThrownBy(() -> new Execution.Unresolved<>(3).orElseThrow())
        .satisfies(e -> assertThat(e.attempt()).isEqualTo(3));
    assertThatExceptionOfType(ResultNotStoredException.class)
        .isThrownBy(() -> new Execution.ResultNotStored<>("big").orElseThrow())
        .withMessageContaining("big");
  }
}
