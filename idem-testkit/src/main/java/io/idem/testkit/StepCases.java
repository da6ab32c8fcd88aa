package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Attempt;
import io.idem.core.Execution;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.Recording;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** What two nodes get of a store that carry an operation of two steps. */
abstract class StepCases extends EngineCases {

  @Test
  void reRunOnAnotherNodeResumesBehindTheLastFinishedStep() {
    Systems systems = new Systems();
    try (Node node = resuming()) {
      IdempotentRequest request = request().comparing("10 EUR");
      crash(node.here, request, systems, false);
      assertRan(node.there, request, systems, "receipt 1");
      assertThat(node.here.execute(request, systems::both))
          .isEqualTo(new Execution.Replayed<>("receipt 1"));
    }
    assertThat(systems.charged).hasSize(1);
    assertThat(systems.shipped).hasSize(1);
  }

  @Test
  void interruptedStepRunsAgainOnAnotherNodeWithTheSameKey() {
    Systems systems = new Systems();
    try (Node node = resuming()) {
      IdempotentRequest request = request();
      crash(node.here, request, systems, true);
      crash(node.there, request, systems, true);
      assertRan(node.here, request, systems, "receipt 1");
    }
    assertThat(systems.charged).hasSize(1);
    assertThat(systems.shipped).hasSize(3).containsOnly(systems.shipped.get(0));
  }

  @Test
  void stepsAreKeptWhileTheirOperationMayBeResumedAndNoLonger() {
    for (boolean inTime : new boolean[] {true, false}) {
      Systems systems = new Systems();
      try (Node node = resuming()) {
        IdempotentRequest request = request();
        crash(node.here, request, systems, false);
        age(
            node.storeHere,
            inTime ? Requests.RETENTION.dividedBy(4) : Requests.RETENTION.plus(Requests.LEASE));
        if (inTime) {
          assertRan(node.there, request, systems, "receipt 1");
        } else {
          assertThat(node.there.execute(request, systems::both))
              .isEqualTo(new Execution.Unresolved<>(2));
        }
      }
      assertThat(systems.charged).hasSize(1);
      assertThat(systems.shipped).hasSize(inTime ? 1 : 0);
    }
  }

  @Test
  void forgottenKeyHasForgottenItsSteps() {
    Systems systems = new Systems();
    try (Node node = resuming()) {
      IdempotentRequest request = request();
      assertRan(node.here, request, systems, "receipt 1");
      RecordId operation = node.storeHere.claimed().get(0);
      // A store may keep it for the length of the lease longer.
      age(operation, Requests.RETENTION.plus(Requests.LEASE).plus(SECOND.multipliedBy(30)));
      assertRan(node.there, request, systems, "receipt 2");
    }
    assertThat(systems.shipped).hasSize(2);
  }

  /** Ages the operation, its journal and its step: by this much each, or by all of it together. */
  private void age(FaultyStore store, Duration by) {
    List<RecordId> records = store.claimed().stream().distinct().toList();
    assertThat(records).hasSize(3);
    records.forEach(id -> age(id, by));
  }

  private Node resuming() {
    return new Node(
        "pay",
        operation ->
            operation
                .onAbandoned(new AbandonedPolicy.Retry<>())
                .lease(SECOND.dividedBy(2))); // as long a step that is not given back is waited for
  }

  private static void assertRan(
      Operation<String> operation, IdempotentRequest request, Systems systems, String receipt) {
    assertThat(operation.execute(request, systems::both))
        .isEqualTo(new Execution.Ran<>(receipt, Recording.STORED));
  }

  private static void crash(
      Operation<String> operation, IdempotentRequest request, Systems systems, boolean inShip) {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                operation.execute(
                    request,
                    attempt -> {
                      systems.charge(attempt);
                      if (inShip) {
                        attempt.step(
                            "ship",
                            key -> {
                              systems.shipped.add(key);
                              throw new IllegalStateException("crash");
                            });
                      }
                      throw new IllegalStateException("crash");
                    }))
        .withMessage("crash");
  }

  /** What the other systems were sent. */
  private static final class Systems {

    final List<String> charged = new CopyOnWriteArrayList<>();
    final List<String> shipped = new CopyOnWriteArrayList<>();

    String charge(Attempt attempt) {
      return attempt.step(
          "charge",
          String.class,
          key -> {
            charged.add(key);
            return "receipt " + charged.size();
          });
    }

    String both(Attempt attempt) {
      String receipt = charge(attempt);
      attempt.step("ship", shipped::add);
      return receipt;
    }
  }
}
