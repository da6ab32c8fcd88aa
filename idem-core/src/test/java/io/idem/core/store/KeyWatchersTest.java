package io.idem.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class KeyWatchersTest {

  private static final RecordId ID = new RecordId(1, 2);

  private final List<String> calls = new ArrayList<>();
  private final KeyWatchers watchers =
      new KeyWatchers(id -> calls.add("listen"), id -> calls.add("ignore"));

  @Test
  void aKeyIsListenedToOnceForAllWhoWait() {
    AtomicInteger first = new AtomicInteger();
    AtomicInteger second = new AtomicInteger();
    CompletionSignal.Watch one = watchers.add(ID, first::incrementAndGet);
    CompletionSignal.Watch two = watchers.add(ID, second::incrementAndGet);
    assertThat(first).hasValue(0);
    assertThat(second).as("woken at once: it is listened for already").hasValue(1);

    watchers.wake(ID);
    watchers.wake(new RecordId(2, 1));
    assertThat(first).hasValue(1);
    assertThat(second).hasValue(2);

    one.close();
    one.close();
    watchers.wake(ID);
    assertThat(first).hasValue(1);
    assertThat(second).hasValue(3);
    assertThat(calls).containsExactly("listen");
    two.close();
    two.close();
    assertThat(calls).containsExactly("listen", "ignore");
  }

  @Test
  void whoeverCannotListenChangesNothing() {
    KeyWatchers deaf =
        new KeyWatchers(
            id -> {
              throw new IllegalStateException("deaf");
            },
            id -> {});
    assertThatThrownBy(() -> deaf.add(ID, () -> {})).hasMessage("deaf");
    deaf.wake(ID);
  }

  @Test
  void whatIsHeardWhileItBeginsToListenIsNotLost() throws InterruptedException {
    AtomicReference<KeyWatchers> self = new AtomicReference<>();
    AtomicReference<Thread> server = new AtomicReference<>();
    AtomicInteger woken = new AtomicInteger();
    self.set(
        new KeyWatchers(
            id -> {
              Thread answer = new Thread(() -> self.get().wake(id));
              server.set(answer);
              answer.start();
              while (answer.getState() != Thread.State.BLOCKED
                  && answer.getState() != Thread.State.TERMINATED) {
                Thread.onSpinWait();
              }
            },
            id -> {}));

    self.get().add(ID, woken::incrementAndGet);
    server.get().join();

    assertThat(woken).hasValue(1);
  }
}
