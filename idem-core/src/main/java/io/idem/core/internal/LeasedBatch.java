package io.idem.core.internal;

import io.idem.core.BatchBody;
import io.idem.core.Decision;
import io.idem.core.Disposition;
import io.idem.core.Execution;
import io.idem.core.Recording;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoredOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leased mode for a batch: the steps of {@link LeasedProtocol}, with one claim, one run of the body
 * and one completion for all keys where the store has {@link BatchClaims}.
 *
 * <p>Nothing waits for owners elsewhere: the leases of the fresh keys would be held meanwhile.
 */
final class LeasedBatch implements BatchProtocol {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final IdempotencyStore store;
  private final @Nullable BatchClaims batches;
  private final LeasedProtocol single;
  private final LeaseKeeper keeper;
  private final PendingWrites pending;
  private final Answers answers;
  private final Events events;
  private final String namespace;

  LeasedBatch(
      IdempotencyStore store,
      LeasedProtocol single,
      LeaseKeeper keeper,
      PendingWrites pending,
      Answers answers,
      Events events,
      String namespace) {
    this.store = store;
    this.batches = Capabilities.of(store, BatchClaims.class).orElse(null);
    this.single = single;
    this.keeper = keeper;
    this.pending = pending;
    this.answers = answers;
    this.events = events;
    this.namespace = namespace;
  }

  /** A key that this batch owns. */
  private record Owned<T extends @Nullable Object>(BatchItem<T> item, HeldLease held) {

    Call<T, ?> call() {
      return item.call;
    }
  }

  @Override
  public <T extends @Nullable Object, X extends Throwable> void lead(
      OperationSpec<T> spec, List<BatchItem<T>> items, BatchBody<T, X> body) throws X {
    List<Claim> claims;
    long sentNanos = System.nanoTime();
    try {
      claims = claim(items.stream().map(item -> item.call.claim()).toList());
    } catch (RuntimeException e) {
      storeDown(spec, items, body, e);
      return;
    } catch (Throwable e) {
      single.claimBroke(callsOf(items), takeOver(items), e);
      throw e;
    }
    List<Owned<T>> owned = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      BatchItem<T> item = items.get(i);
      item.claimed(claims.get(i));
      if (claims.get(i) instanceof Claim.Acquired acquired) {
        HeldLease held = LeasedProtocol.held(item.call, acquired.lease(), sentNanos);
        keeper.add(held);
        owned.add(new Owned<>(item, held));
        if (acquired.lease().attempt() > 1 && item.call.claim().takeOver()) {
          events.publish(Decision.TAKEN_OVER, item.call, null);
        }
      } else if (claims.get(i) instanceof Claim.Completed completed) {
        item.flight.land(completed);
      }
    }
    if (!owned.isEmpty()) {
      own(spec, owned, body);
    }
  }

  private List<Claim> claim(List<ClaimRequest> requests) {
    return batches != null
        ? batches.claimAll(requests)
        : Capabilities.claimOneByOne(store, requests);
  }

  private <T extends @Nullable Object, X extends Throwable> void own(
      OperationSpec<T> spec, List<Owned<T>> owned, BatchBody<T, X> body) throws X {
    try {
      List<? extends T> results;
      try {
        results =
            run(
                body,
                owned.stream()
                    .map(each -> item(each.item, () -> !each.held.lost, Steps.IN_BATCH))
                    .toList());
      } catch (Throwable failure) {
        BatchBody.Progress<T> progress = progressOf(body, failure, owned.size());
        if (progress == null) {
          failed(owned, failure, spec.dispositionOf(failure) == Disposition.RELEASE);
          throw failure;
        }
        try {
          cameTo(spec, owned, progress);
        } catch (Throwable e) { // a rule of the operation's that fails
          suppress(e, failure);
          throw e;
        }
        return;
      }
      // It has run: what the operation says of its failures does not hold of what is thrown here.
      TransactionalBatch.requireOneEach(spec, owned.size(), results.size());
      succeeded(spec, owned, results);
    } finally {
      // An error that nobody foresaw: the heartbeat must not keep the keys for ever.
      for (Owned<T> each : owned) {
        if (!each.held.ending) {
          single.giveUp(each.call(), each.held, null);
        }
      }
    }
  }

  private <T extends @Nullable Object, X extends Throwable> List<? extends T> run(
      BatchBody<T, X> body, List<BatchBody.Item> fresh) throws X {
    return events.inside(fresh.get(0).attempt(), () -> body.run(fresh));
  }

  private <T extends @Nullable Object> BatchBody.Item item(
      BatchItem<T> item, BooleanSupplier owner, Steps steps) {
    return new BatchBody.Item(
        item.index, new AttemptImpl(namespace, item.call, item.attempt(), owner, null, steps));
  }

  /** How far the body came; null if nobody knows. */
  private static <T extends @Nullable Object> BatchBody.@Nullable Progress<T> progressOf(
      BatchBody<T, ?> body, Throwable failure, int size) {
    try {
      BatchBody.Progress<T> progress = body.progress(failure);
      if (progress != null && progress.done().size() >= size) {
        throw new IllegalStateException(
            "A body that failed says that it has done "
                + progress.done().size()
                + " requests of "
                + size);
      }
      return progress;
    } catch (Throwable e) { // what is said so counts for nothing
      suppress(failure, e);
      return null;
    }
  }

  private static void suppress(Throwable thrown, Throwable other) {
    if (thrown != other) {
      thrown.addSuppressed(other);
    }
  }

  /** What is done is recorded first: a crash in between leaves the others abandoned. */
  private <T extends @Nullable Object> void cameTo(
      OperationSpec<T> spec, List<Owned<T>> owned, BatchBody.Progress<T> progress) {
    int done = progress.done().size();
    if (done > 0) {
      succeeded(spec, owned.subList(0, done), progress.done());
    }
    List<Owned<T>> others = owned.subList(done, owned.size());
    others.forEach(each -> each.item.failed(progress.failure()));
    failed(
        others,
        progress.failure(),
        switch (progress.others()) {
          case NOT_BEGUN -> true;
          case BY_FAILURE -> spec.dispositionOf(progress.failure()) == Disposition.RELEASE;
          case UNKNOWN -> false;
        });
  }

  /** Which of the keys the failure is of nobody knows: only one that frees, frees them. */
  private <T extends @Nullable Object> void failed(
      List<Owned<T>> owned, Throwable failure, boolean release) {
    for (Owned<T> each : owned) {
      if (release) {
        single.free(each.call(), each.held);
        events.publish(Decision.FAILED, each.call(), failure);
      } else {
        single.giveUp(each.call(), each.held, failure);
      }
    }
  }

  private <T extends @Nullable Object> void succeeded(
      OperationSpec<T> spec, List<Owned<T>> owned, List<? extends T> results) {
    List<Owned<T>> kept = new ArrayList<>();
    List<T> keptResults = new ArrayList<>();
    List<StoredOutcome> outcomes = new ArrayList<>();
    for (int i = 0; i < owned.size(); i++) {
      Owned<T> each = owned.get(i);
      T result = results.get(i);
      switch (Answers.dispositionOf(each.call(), result)) {
        case RECORD, RECORD_REJECTION -> {
          kept.add(each);
          keptResults.add(result);
          outcomes.add(answers.encodeOrExplain(spec, result));
        }
        case RELEASE -> ended(each, result, single.free(each.call(), each.held));
        case UNKNOWN -> {
          single.giveUp(each.call(), each.held, null);
          each.item.ended(new Execution.Ran<>(result, Recording.UNKNOWN));
        }
      }
    }
    List<Recording> recordings = record(spec, kept, outcomes);
    for (int i = 0; i < kept.size(); i++) {
      ended(kept.get(i), keptResults.get(i), recordings.get(i));
    }
  }

  private <T extends @Nullable Object> void ended(Owned<T> each, T result, Recording recording) {
    if (recording == Recording.UNKNOWN) {
      // Somebody else runs under this key or has: theirs is the answer a repeat will be given.
      each.item.ended(new Execution.Unresolved<>(each.item.attempt()));
      events.publish(Decision.UNRESOLVED, each.call(), null);
    } else {
      each.item.ended(new Execution.Ran<>(result, recording));
      events.publish(Decision.RAN, each.call(), null);
    }
  }

  private <T extends @Nullable Object> List<Recording> record(
      OperationSpec<T> spec, List<Owned<T>> kept, List<StoredOutcome> outcomes) {
    List<Recording> recordings = new ArrayList<>();
    if (batches == null) {
      for (int i = 0; i < kept.size(); i++) {
        Owned<T> each = kept.get(i);
        recordings.add(single.record(each.call(), each.item.flight, each.held, outcomes.get(i)));
      }
      return recordings;
    }
    List<Completion> completions = new ArrayList<>();
    for (int i = 0; i < kept.size(); i++) {
      kept.get(i).held.ending = true;
      completions.add(new Completion(kept.get(i).held.lease, outcomes.get(i), spec.retention()));
    }
    long sentNanos = System.nanoTime();
    List<LeaseCheck> checks;
    try {
      checks = batches.completeAll(completions);
    } catch (Throwable e) { // errors too: the body has run, and its caller is owed the results
      log.warn(
          "The store failed to take the completion of {} records of operation '{}'; trying again in"
              + " the background",
          kept.size(),
          spec.name(),
          e);
      for (int i = 0; i < kept.size(); i++) {
        Completion each = completions.get(i);
        events.publish(Decision.STORE_FAILURE, kept.get(i).call(), e);
        pending.add(
            "completion",
            kept.get(i).held,
            () -> store.complete(each.lease(), each.outcome(), each.retention()));
        recordings.add(Recording.PENDING);
      }
      return recordings;
    }
    for (int i = 0; i < kept.size(); i++) {
      Owned<T> each = kept.get(i);
      recordings.add(
          single.recorded(
              each.call(), each.item.flight, each.held, outcomes.get(i), checks.get(i), sentNanos));
    }
    return recordings;
  }

  private static List<? extends Call<?, ?>> callsOf(List<? extends BatchItem<?>> items) {
    return items.stream().map(item -> item.call).toList();
  }

  /** Whether keys that others have left may have been taken over: all items have one policy. */
  private static boolean takeOver(List<? extends BatchItem<?>> items) {
    return items.get(0).call.claim().takeOver();
  }

  private <T extends @Nullable Object, X extends Throwable> void storeDown(
      OperationSpec<T> spec, List<BatchItem<T>> items, BatchBody<T, X> body, RuntimeException e)
      throws X {
    items.forEach(item -> events.publish(Decision.STORE_FAILURE, item.call, e));
    if (!(e instanceof StoreNotAskedException)) {
      single.returnUnknown(callsOf(items), takeOver(items));
    }
    if (!spec.failsOpenNow()) {
      throw LeasedProtocol.unavailable(spec, e);
    }
    log.warn(
        "A batch of operation '{}' runs without protection, because its store is down and it fails"
            + " open",
        spec.name(),
        e);
    List<? extends T> results;
    try {
      results =
          run(
              body,
              items.stream()
                  .map(item -> item(item, () -> true, Steps.IN_UNPROTECTED_BATCH))
                  .toList());
      TransactionalBatch.requireOneEach(spec, items.size(), results.size());
    } catch (Throwable failure) {
      BatchBody.Progress<T> progress = progressOf(body, failure, items.size());
      if (progress == null) {
        items.forEach(item -> events.publish(Decision.RAN_UNPROTECTED, item.call, failure));
        throw failure;
      }
      int done = progress.done().size();
      ranUnprotected(items.subList(0, done), progress.done());
      for (BatchItem<T> item : items.subList(done, items.size())) {
        item.failed(progress.failure());
        events.publish(Decision.RAN_UNPROTECTED, item.call, progress.failure());
      }
      return;
    }
    ranUnprotected(items, results);
  }

  private <T extends @Nullable Object> void ranUnprotected(
      List<BatchItem<T>> items, List<? extends T> results) {
    for (int i = 0; i < items.size(); i++) {
      items.get(i).ended(new Execution.Ran<>(results.get(i), Recording.UNPROTECTED));
      events.publish(Decision.RAN_UNPROTECTED, items.get(i).call, null);
    }
  }
}
