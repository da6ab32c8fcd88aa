package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BlockingCallsTest {

  private final AtomicBoolean threadsCanBeHad = new AtomicBoolean();
  private final ThreadPoolExecutor pool =
      new ThreadPoolExecutor(
          1,
          1,
          1,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(),
          task -> {
            if (!threadsCanBeHad.get()) {
              throw new InternalError("no thread, as the test wants it");
            }
            return new Thread(task);
          });

  @AfterEach
  void stop() {
    pool.shutdownNow();
  }

  @Test
  void whatCannotBeginGivesItsPlaceBack() {
    BlockingCalls calls = new BlockingCalls(pool, pool, 0);

    CompletableFuture<String> refused = calls.begin(() -> "unwanted").toCompletableFuture();

    assertThat(refused.handle((answer, failure) -> failure))
        .isCompletedWithValueMatching(failure -> failure instanceof InternalError);
    threadsCanBeHad.set(true);
    CompletableFuture<String> next = calls.begin(() -> "done").toCompletableFuture();
    assertThatCode(() -> assertThat(next.get(30, TimeUnit.SECONDS)).isEqualTo("done"))
        .doesNotThrowAnyException();
  }
}
