package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Disposition;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Mode;
import io.idem.core.ResultCodec;
import io.idem.core.StoreDownPolicy;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class StepJournalsTest {

  private static final Duration HOUR = Duration.ofHours(1);

  @Test
  void thatThereIsNoThreadForACleanUpIsNotTheCallersFailure() {
    AtomicInteger asked = new AtomicInteger();
    Executor background =
        task -> {
          asked.incrementAndGet();
          throw new InternalError("no thread is to be had");
        };
    InMemoryStore store = new InMemoryStore();
    Events events = new Events(List.of());
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try {
      LeaseKeeper keeper = new LeaseKeeper(store, events, timer, Runnable::run);
      StepJournals journals =
          new StepJournals(
              store,
              keeper,
              new PendingWrites(timer, keeper, events),
              background,
              events,
              "",
              () -> new OwnerToken(2, 2));
      Call<String, RuntimeException> call = recoveredCall();
      HeldLease held = LeasedProtocol.held(call, new Lease(call.id(), new OwnerToken(1, 1), 2), 0);
      held.steps = new RecordedSteps(null, call, held);

      assertThatCode(() -> journals.close(call, held))
          .as("after the outcome was stored")
          .doesNotThrowAnyException();
      assertThat(asked).hasValue(1);
    } finally {
      timer.shutdownNow();
    }
  }

  private static Call<String, RuntimeException> recoveredCall() {
    OperationSpec<String> spec =
        new OperationSpec<>(
            "pay",
            null,
            ResultCodec.utf8(),
            Mode.LEASED,
            null,
            HOUR,
            HOUR,
            HOUR,
            HOUR,
            100,
            List.of(),
            List.of(),
            Disposition.UNKNOWN,
            result -> Disposition.RECORD,
            new AbandonedPolicy.Recover<>(attempt -> new AbandonedPolicy.Recovery.StillUnknown<>()),
            StoreDownPolicy.FAIL_CLOSED,
            null);
    ClaimRequest claim =
        new ClaimRequest(
            new RecordId(1, 1),
            new RecordLabel("", "pay", "", "k"),
            Fingerprint.NONE,
            new OwnerToken(1, 1),
            HOUR,
            HOUR,
            true);
    return new Call<>(spec, IdempotentRequest.of("k"), attempt -> "", claim, 0, 0);
  }
}
