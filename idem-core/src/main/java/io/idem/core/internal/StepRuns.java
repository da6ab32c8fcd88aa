package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Body;
import io.idem.core.Decision;
import io.idem.core.Disposition;
import io.idem.core.Execution;
import io.idem.core.Mode;
import io.idem.core.ResultCodecFactory;
import io.idem.core.Step;
import io.idem.core.StepBody;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordLabel;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How steps are carried by the engine: as leased runs, under ids and settings of their own. */
final class StepRuns {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final StepJournals journals;
  private final LeaseKeeper keeper;
  private final Events events;
  private final ResultCodecFactory codecs;
  private final String namespace;
  private final Supplier<OwnerToken> tokens;
  private final Carrier carrier;

  /** The way of one request through the engine: its requests meet on a node, and one leads. */
  @FunctionalInterface
  interface Carrier {

    <T extends @Nullable Object, X extends Throwable> Execution<T> carry(Call<T, X> call) throws X;
  }

  StepRuns(
      StepJournals journals,
      LeaseKeeper keeper,
      Events events,
      ResultCodecFactory codecs,
      String namespace,
      Supplier<OwnerToken> tokens,
      Carrier carrier) {
    this.journals = journals;
    this.keeper = keeper;
    this.events = events;
    this.codecs = codecs;
    this.namespace = namespace;
    this.tokens = tokens;
    this.carrier = carrier;
  }

  StepJournals journals() {
    return journals;
  }

  LeaseKeeper keeper() {
    return keeper;
  }

  OwnerToken newToken() {
    return tokens.get();
  }

  /** A journal that a run may have opened under a token. */
  Lease journalOf(Call<?, ?> call, OwnerToken token) {
    OperationSpec<?> spec = call.spec();
    return new Lease(
        Keys.journalId(namespace, spec.name(), spec.keySpace(), call.request()), token, 1);
  }

  /**
   * The settings of a step: its own, and those of its operation.
   *
   * @throws IllegalArgumentException if there is no codec for its result
   */
  <T extends @Nullable Object> OperationSpec<T> spec(OperationSpec<?> operation, Step<T> step) {
    Duration lease = operation.leaseFor();
    Duration wait = operation.waitAtMost();
    return new OperationSpec<>(
        operation.name(),
        operation.keySpace(),
        step.codec(codecs),
        Mode.LEASED,
        null,
        Durations.bounded(operation.retention().multipliedBy(2)),
        lease,
        // The lease of a dead owner's step ends within one lease of the operation's own.
        wait.compareTo(lease) > 0 ? wait : lease,
        operation.retryAfter(),
        operation.maxResultBytes(),
        step.recordedFailures(),
        step.releasingFailures(),
        Disposition.UNKNOWN,
        result -> Disposition.RECORD,
        step.abandoned(),
        operation.storeDown(),
        step.name());
  }

  /** Runs a step under its record, or answers with what is recorded. */
  <T extends @Nullable Object, X extends Throwable> Execution<T> carry(
      OperationSpec<T> spec,
      Call<?, ?> parent,
      StepJournal journal,
      RecordedSteps.StepRun<T, X> run)
      throws X {
    long now = System.nanoTime();
    ClaimRequest claim =
        new ClaimRequest(
            Keys.stepId(journal.lease(), parent.request(), Objects.requireNonNull(spec.step())),
            new RecordLabel(
                namespace, spec.title(), parent.request().source(), parent.request().key()),
            parent.fingerprint(),
            tokens.get(),
            spec.leaseFor(),
            spec.retention(),
            spec.abandoned() instanceof AbandonedPolicy.Retry);
    Body<T, X> body = attempt -> run.run(attempt.number());
    return carrier.carry(
        new Call<>(
            spec, parent.request(), body, claim, now, now + Durations.nanos(spec.waitAtMost())));
  }

  /** Runs a step that nothing is recorded of, because its operation fails open. */
  <T extends @Nullable Object, X extends Throwable> T unrecorded(
      Call<?, ?> call,
      String step,
      RecordedSteps.StepRun<T, X> run,
      @Nullable RuntimeException storeFailure)
      throws X {
    long startNanos = System.nanoTime();
    String operation = call.spec().name();
    if (storeFailure != null) {
      events.publish(Decision.STORE_FAILURE, operation, step, call.id(), startNanos, storeFailure);
      log.warn(
          "Step '{}' of operation '{}' runs without protection, because its store is down and it"
              + " fails open",
          step,
          operation,
          storeFailure);
    }
    try {
      T result = run.run(1);
      events.publish(Decision.RAN_UNPROTECTED, operation, step, call.id(), startNanos, null);
      return result;
    } catch (Throwable e) {
      events.publish(Decision.RAN_UNPROTECTED, operation, step, call.id(), startNanos, e);
      throw e;
    }
  }

  /** The steps of a run that has no record itself. */
  record Unprotected(StepRuns runs, Call<?, ?> call) implements Steps {

    @Override
    public <T extends @Nullable Object, X extends Throwable> T run(
        AttemptImpl attempt, Step<T> step, StepBody<T, X> body) throws X {
      return runs.unrecorded(
          call,
          step.name(),
          new RecordedSteps.StepRun<>(body, attempt.outgoingKey(step.name())),
          null);
    }

    @Override
    public boolean leaveUnknown(OperationSpec<?> spec, Throwable failure) {
      return false; // it holds no key
    }
  }
}
