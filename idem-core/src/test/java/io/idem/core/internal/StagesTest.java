package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class StagesTest {

  private static final Executor NONE =
      task -> {
        throw new AssertionError("Handed over");
      };

  static Stream<Supplier<Throwable>> refusals() {
    return Stream.of(
        () -> new RejectedExecutionException("closed"),
        () -> new IllegalStateException("no thread"),
        () -> new InternalError("no thread, as the test wants it"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void whereThereIsNoThreadTheStageEndsAllTheSame(Supplier<Throwable> refusal) {
    Executor threads =
        task -> {
          throw Sneaky.sneaky(refusal.get());
        };
    CompletableFuture<String> answered = new CompletableFuture<>();
    CompletableFuture<String> failed = new CompletableFuture<>();
    CompletableFuture<String> afterAnswer = Stages.endedOn(threads, answered).toCompletableFuture();
    CompletableFuture<String> afterFailure = Stages.endedOn(threads, failed).toCompletableFuture();

    answered.complete("done");
    failed.completeExceptionally(new IllegalStateException("as the test wants it"));

    assertThat(afterAnswer).isCompletedWithValue("done");
    assertThat(afterFailure).isCompletedExceptionally();
  }

  @Test
  void whatHasEndedIsNotHandedOver() {
    CompletableFuture<String> ended = CompletableFuture.completedFuture("done");

    assertThat(Stages.endedOn(NONE, ended)).isSameAs(ended);
  }

  @Test
  void aMinimalStageThatHasEndedIsHandedOver() {
    assertThat(
            Stages.endedOn(Runnable::run, CompletableFuture.completedStage("done"))
                .toCompletableFuture())
        .isCompletedWithValue("done");
  }
}
