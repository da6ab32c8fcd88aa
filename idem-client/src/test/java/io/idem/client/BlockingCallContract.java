package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import io.idem.testkit.Together;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What every adapter does whose caller waits. */
abstract class BlockingCallContract extends CallContract {

  @Test
  void anInterruptEndsTheCall() throws Exception {
    Visits visits = expect(Fault.answer(503, "Retry-After", "20"));
    AtomicReference<CallAnswer<Reply>> answer = new AtomicReference<>();
    AtomicBoolean interrupted = new AtomicBoolean();
    Thread caller =
        new Thread(
            () -> {
              try {
                answer.set(charge());
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
              interrupted.set(Thread.currentThread().isInterrupted());
            });
    caller.start();
    Together.await("the request", () -> visits.arrivals() == 1);
    Together.await("the pause", () -> caller.getState() == Thread.State.TIMED_WAITING);

    caller.interrupt();
    caller.join(10_000);

    assertUnknown(answer.get(), call.key());
    assertThat(interrupted).isTrue();
    assertThat(visits.arrivals()).isEqualTo(1);
  }
}
