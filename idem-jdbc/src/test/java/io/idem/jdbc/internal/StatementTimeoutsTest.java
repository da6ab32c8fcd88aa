package io.idem.jdbc.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class StatementTimeoutsTest {

  private static final long LONG = 600_000;
  private static final Duration LOOK = Duration.ofMillis(5);

  private final StatementTimeouts timeouts = new StatementTimeouts(LOOK, Duration.ofMinutes(10));

  @Test
  void cancelsWhatIsOverdueAndNothingElse() {
    AtomicInteger overdue = new AtomicInteger();
    AtomicInteger inTime = new AtomicInteger();
    StatementTimeouts.Timed other = begin(statement(inTime::incrementAndGet), LONG);
    StatementTimeouts.Timed timed = begin(statement(overdue::incrementAndGet), 20);
    Together.await("the cancellation", () -> overdue.get() == 1);
    timed.end();
    other.end();
    assertThat(inTime).hasValue(0);
    assertThat(overdue).hasValue(1);
  }

  @Test
  void whatHasEndedIsNotCancelled() {
    AtomicInteger cancelled = new AtomicInteger();
    begin(statement(cancelled::incrementAndGet), 1_000).end();
    AtomicInteger next = new AtomicInteger();
    StatementTimeouts.Timed later = begin(statement(next::incrementAndGet), 1_100);
    Together.await("a look at all of them", () -> next.get() > 0);
    later.end();
    assertThat(cancelled).hasValue(0);
  }

  @Test
  void endWaitsForACancellationUnderWay() {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    Statement slow =
        statement(
            () -> {
              started.countDown();
              finish.await();
            });
    CompletableFuture<Thread> owner = new CompletableFuture<>();
    CompletableFuture<Boolean> interrupted =
        CompletableFuture.supplyAsync(
            () -> {
              StatementTimeouts.Timed timed = begin(slow, 0);
              Together.await("the cancellation", () -> started.getCount() == 0);
              owner.complete(Thread.currentThread());
              timed.end();
              return Thread.interrupted();
            });
    Thread thread = owner.join();
    Together.await("the owner's wait", () -> thread.getState() == Thread.State.WAITING);
    thread.interrupt();
    assertThat(interrupted).isNotDone();
    finish.countDown();
    assertThat(interrupted.join()).as("kept for whoever looks next").isTrue();
  }

  @Test
  void cancellationThatFailsIsTriedAgain() {
    AtomicInteger tries = new AtomicInteger();
    StatementTimeouts.Timed timed =
        begin(
            statement(
                () -> {
                  if (tries.incrementAndGet() == 1) {
                    throw new SQLException("no way to the server");
                  }
                }),
            0);
    Together.await("another try", () -> tries.get() == 2);
    timed.end();
    assertThat(timed.isCancelled()).isTrue();
  }

  @Test
  void cancellationsAreNotTrustedForAWhileAfterOneIsLost() {
    StatementTimeouts impatient = new StatementTimeouts(LOOK, Duration.ofMillis(500));
    List<Boolean> heeded = new CopyOnWriteArrayList<>();
    StatementTimeouts.Timed timed =
        impatient.begin(statement(() -> heeded.add(impatient.areHeeded())), 0);
    Together.await("another try", () -> heeded.size() == 2);
    timed.end();
    assertThat(heeded).containsExactly(true, false);
    Together.await("trust", impatient::areHeeded);
  }

  /** As towards an address that does not answer, or in a pool that locks its statements. */
  @Test
  void cancellationThatHangsKeepsNoOtherWaitingAndIsNotTrusted() {
    CountDownLatch answer = new CountDownLatch(1);
    AtomicInteger cancelled = new AtomicInteger();
    StatementTimeouts.Timed hanging = begin(statement(answer::await), 0);
    StatementTimeouts.Timed other = begin(statement(cancelled::incrementAndGet), 20);
    try {
      Together.await("the other cancellation", () -> cancelled.get() == 1);
      other.end();
      Together.await("distrust", () -> !timeouts.areHeeded());
    } finally {
      answer.countDown();
      hanging.end();
    }
  }

  @Test
  void threadEndsWhenThereIsNothingToDoAndComesBack() {
    for (int i = 0; i < 2; i++) {
      AtomicInteger cancelled = new AtomicInteger();
      StatementTimeouts.Timed timed = begin(statement(cancelled::incrementAndGet), 0);
      Together.await("the cancellation", () -> cancelled.get() > 0);
      assertThat(timeouts.isAwake()).isTrue();
      timed.end();
      Together.await("its end", () -> !timeouts.isAwake());
    }
  }

  @Test
  void oneThreadMayHaveSeveralUntilThereIsNoRoom() {
    List<StatementTimeouts.Timed> taken = new ArrayList<>();
    StatementTimeouts.@Nullable Timed next;
    while ((next = timeouts.begin(statement(() -> {}), LONG)) != null) {
      taken.add(next);
      assertThat(taken).hasSizeLessThan(1000);
    }
    assertThat(taken).hasSizeGreaterThan(1);
    taken.get(0).end();
    StatementTimeouts.Timed again = begin(statement(() -> {}), LONG);
    again.end();
    taken.subList(1, taken.size()).forEach(StatementTimeouts.Timed::end);
  }

  private StatementTimeouts.Timed begin(Statement statement, long millis) {
    StatementTimeouts.Timed timed = timeouts.begin(statement, millis);
    assertThat(timed).isNotNull();
    return timed;
  }

  @FunctionalInterface
  private interface Cancellation {
    void run() throws Exception;
  }

  private static Statement statement(Cancellation onCancel) {
    return (Statement)
        Proxy.newProxyInstance(
            Statement.class.getClassLoader(),
            new Class<?>[] {Statement.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("cancel")) {
                onCancel.run();
                return null;
              }
              throw new UnsupportedOperationException(method.getName());
            });
  }
}
