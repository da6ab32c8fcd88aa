package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What waits for a condition. */
class TogetherTest {

  @Test
  void aConditionIsAskedUntilItIsTrue() {
    AtomicInteger looks = new AtomicInteger();

    Together.await("the third look", () -> looks.incrementAndGet() == 3);
    Together.awaitChecked("the sixth look", () -> looks.incrementAndGet() == 6);

    assertThat(looks).hasValue(6);
  }

  @Test
  void aConditionThatFailsEndsTheWait() {
    IOException gone = new IOException("gone");

    assertThatThrownBy(
            () ->
                Together.awaitChecked(
                    "an answer",
                    () -> {
                      throw gone;
                    }))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("an answer")
        .hasCause(gone);
  }

  @Test
  void anInterruptEndsTheWaitAndIsKept() {
    assertThatThrownBy(
            () ->
                Together.awaitChecked(
                    "nothing",
                    () -> {
                      throw new InterruptedException();
                    }))
        .isInstanceOf(AssertionError.class);

    assertThat(Thread.interrupted()).isTrue();
  }
}
