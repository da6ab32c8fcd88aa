package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AlarmTest {

  private static final long LONG = TimeUnit.HOURS.toNanos(1);

  private final ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(1);
  private final LinkedBlockingQueue<String> awake = new LinkedBlockingQueue<>();
  private final Alarm alarm = new Alarm(threads);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  private void sleep(long nanos, String name) {
    alarm.sleep(nanos, () -> awake.add(name));
  }

  private void assertAwake(String name) throws InterruptedException {
    assertThat(awake.poll(20, TimeUnit.SECONDS)).isEqualTo(name);
  }

  @Test
  void timeOrSomebodyEndsASleepOnce() throws InterruptedException {
    sleep(1, "by time");
    assertAwake("by time");
    threads.setRemoveOnCancelPolicy(true);
    sleep(LONG, "by somebody");
    alarm.wake();
    assertAwake("by somebody");
    assertThat(threads.getQueue()).as("its timer is gone").isEmpty();
    sleep(1, "by time again");
    assertAwake("by time again");
    assertThat(awake).isEmpty();
  }

  @Test
  void whoIsWokenWhileAwakeDoesNotFallAsleepNextTimeButThen() throws InterruptedException {
    alarm.wake();
    alarm.wake();
    sleep(LONG, "at once");
    assertAwake("at once");
    sleep(LONG, "asleep");
    assertThat(threads.getQueue()).as("a timer").hasSize(1);
    assertThat(awake).isEmpty();
  }

  @Test
  void nobodyFallsAsleepWhoWouldNotBeWoken() throws InterruptedException {
    sleep(LONG, "woken by the leader");
    threads.shutdown();
    alarm.wake();
    assertAwake("woken by the leader");
    assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(() -> sleep(1, "never"));
  }

  @Test
  void whoWakesIsNotToldThatThereIsNoThreadToBeHad() throws InterruptedException {
    AtomicInteger made = new AtomicInteger();
    ScheduledThreadPoolExecutor two =
        new ScheduledThreadPoolExecutor(
            2,
            task -> {
              if (made.incrementAndGet() > 1) {
                throw new InternalError("no thread is to be had");
              }
              return new Thread(task);
            });
    try {
      Alarm asked = new Alarm(two);
      asked.sleep(LONG, () -> awake.add("by who is there"));
      asked.wake();
      assertAwake("by who is there");
      assertThat(made).as("a second thread was asked for").hasValueGreaterThan(1);
    } finally {
      two.shutdownNow();
    }
  }
}
