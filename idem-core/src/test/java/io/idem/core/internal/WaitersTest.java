package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

class WaitersTest {

  private static final int LATE_LOOK = 16;

  private final Waiters waiters = new Waiters(1);

  @Test
  void whoIsWokenLooksAtOnceAndOnceForAllWakeUps() {
    Semaphore woken = new Semaphore(3);
    long start = System.nanoTime();
    assertThat(waiters.pause(LATE_LOOK, Long.MAX_VALUE, woken)).isTrue();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(400));
    assertThat(woken.availablePermits()).isZero();
  }

  @Test
  void whoseWakeUpIsLostLooksByItself() {
    long start = System.nanoTime();
    assertThat(waiters.pause(0, Long.MAX_VALUE, new Semaphore(0))).isTrue();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(49));
    assertThat(waiters.pause(LATE_LOOK, 1, new Semaphore(0))).as("within the bound").isTrue();
  }
}
