package io.idem.core.internal;

import io.idem.core.BatchBody;
import io.idem.core.Decision;
import io.idem.core.Disposition;
import io.idem.core.Execution;
import io.idem.core.Recording;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Transactional mode for a batch: the steps of {@link TransactionalProtocol}, with one transaction,
 * one claim, one run of the body and at most one completion for all keys.
 *
 * <p>What rolls back, rolls back all. A rejection is not recorded apart: it is deterministic, and a
 * repeat meets it again.
 */
final class TransactionalBatch implements BatchProtocol {

  private static final int CONFLICT_TRIES = 5;

  private final Answers answers;
  private final Events events;
  private final String namespace;

  TransactionalBatch(Answers answers, Events events, String namespace) {
    this.answers = answers;
    this.events = events;
    this.namespace = namespace;
  }

  @Override
  public <T extends @Nullable Object, X extends Throwable> void lead(
      OperationSpec<T> spec, List<BatchItem<T>> items, BatchBody<T, X> body) throws X {
    TransactionalStore store =
        Objects.requireNonNull(spec.transactionalStore(), "transactionalStore");
    for (int tries = 1; ; tries++) {
      Run<T, X> run = new Run<>(spec, items, body);
      try {
        Boolean ran = store.inTransaction(run);
        afterCommit(run, ran);
        return;
      } catch (StoreConflictException e) {
        // Before the body ran nothing has happened yet, and the whole of it can be tried again.
        if (run.bodyRan || run.joined || tries >= CONFLICT_TRIES) {
          events.publish(Decision.STORE_FAILURE, items.get(0).call, e);
          throw e;
        }
      } catch (StoreUnavailableException e) {
        events.publish(Decision.STORE_FAILURE, items.get(0).call, e);
        throw e;
      } catch (Throwable failure) {
        if (run.bodyRan) {
          run.fresh.forEach(item -> events.publish(Decision.FAILED, item.call, failure));
        }
        throw failure;
      }
    }
  }

  private <T extends @Nullable Object> void afterCommit(Run<T, ?> run, boolean ran) {
    for (BatchItem<T> item : run.items) {
      if (!run.joined && item.claim() instanceof Claim.Completed completed) {
        item.flight.land(completed);
      }
    }
    if (ran) {
      run.fresh.forEach(item -> events.publish(Decision.RAN, item.call, null));
      run.durable.forEach(
          (item) ->
              item.item.flight.land(
                  new Claim.Completed(item.item.call.fingerprint(), item.outcome)));
    }
  }

  private record Durable<T extends @Nullable Object>(BatchItem<T> item, StoredOutcome outcome) {}

  /** One try: what happens between begin and commit. Answers whether the body ran. */
  private final class Run<T extends @Nullable Object, X extends Throwable>
      implements TransactionalStore.TransactionWork<Boolean, X> {

    private final OperationSpec<T> spec;
    private final List<BatchItem<T>> items;
    private final BatchBody<T, X> body;
    final List<BatchItem<T>> fresh = new ArrayList<>();
    final List<Durable<T>> durable = new ArrayList<>();
    boolean joined;
    boolean bodyRan;

    Run(OperationSpec<T> spec, List<BatchItem<T>> items, BatchBody<T, X> body) {
      this.spec = spec;
      this.items = items;
      this.body = body;
    }

    @Override
    public Boolean run(TransactionScope scope) throws X {
      joined = scope.isJoined();
      claim(scope);
      if (fresh.isEmpty()) {
        return false;
      }
      List<Integer> busy =
          items.stream().filter(BatchItem::isBusy).map(item -> item.index).toList();
      body.busy(busy, joined);
      bodyRan = true;
      List<BatchBody.Item> runs =
          fresh.stream()
              .map(
                  item ->
                      new BatchBody.Item(
                          item.index,
                          new AttemptImpl(
                              namespace,
                              item.call,
                              item.attempt(),
                              () -> true,
                              scope,
                              Steps.IN_TRANSACTION)))
              .toList();
      List<? extends T> results =
          events.inside(runs.get(0).attempt(), () -> runAndFlush(scope, runs));
      requireOneEach(spec, fresh.size(), results.size());
      record(scope, results);
      return true;
    }

    private List<? extends T> runAndFlush(TransactionScope scope, List<BatchBody.Item> runs)
        throws X {
      List<? extends T> results = body.run(runs);
      if (!scope.isRollbackOnly()) {
        scope.flush();
      }
      return results;
    }

    private void claim(TransactionScope scope) {
      List<ClaimRequest> requests = items.stream().map(item -> item.call.claim()).toList();
      Duration wait = Duration.ofNanos(items.get(0).call.remainingNanos());
      List<Claim> claims =
          spec.codec().storesResult()
              ? scope.claimAll(requests, wait)
              : scope.claimAllCompleted(requests, StoredOutcome.done(), wait);
      for (int i = 0; i < items.size(); i++) {
        BatchItem<T> item = items.get(i);
        item.claimed(claims.get(i));
        if (item.isFresh()) {
          fresh.add(item);
        }
      }
    }

    private void record(TransactionScope scope, List<? extends T> results) {
      List<Disposition> dispositions = new ArrayList<>();
      for (int i = 0; i < fresh.size(); i++) {
        dispositions.add(Answers.dispositionOf(fresh.get(i).call, results.get(i)));
      }
      Set<Disposition> all = dispositions.stream().collect(Collectors.toSet());
      if (all.contains(Disposition.RELEASE) || all.contains(Disposition.UNKNOWN)) {
        scope.setRollbackOnly();
      } else if (scope.isRollbackOnly() && all.contains(Disposition.RECORD)) {
        throw new IllegalStateException(
            "A batch of operation '"
                + spec.name()
                + "' returned a success, but its transaction can only be rolled back: throw"
                + " instead, or let onResult(…) classify the result as RELEASE");
      }
      if (scope.isRollbackOnly()) {
        end(results, Recording.FREED);
        return;
      }
      List<Completion> completions = new ArrayList<>();
      for (int i = 0; i < fresh.size(); i++) {
        BatchItem<T> item = fresh.get(i);
        StoredOutcome outcome = answers.encode(spec, results.get(i));
        if (outcome.kind() != StoredOutcome.Kind.DONE
            && item.claim() instanceof Claim.Acquired acquired) {
          completions.add(new Completion(acquired.lease(), outcome, spec.retention()));
        }
        if (!joined) {
          durable.add(new Durable<>(item, outcome));
        }
      }
      if (!completions.isEmpty() && scope.completeAll(completions).contains(LeaseCheck.LOST)) {
        throw new StoreUnavailableException(
            "A record of operation '"
                + spec.name()
                + "' vanished inside its own transaction: was it rolled back to an earlier"
                + " savepoint? Everything is rolled back",
            null);
      }
      end(results, Recording.STORED);
    }

    private void end(List<? extends T> results, Recording recording) {
      for (int i = 0; i < fresh.size(); i++) {
        fresh.get(i).ended(new Execution.Ran<>(results.get(i), recording));
      }
    }
  }

  /** Refuses results that cannot be told apart. */
  static void requireOneEach(OperationSpec<?> spec, int items, int results) {
    if (items != results) {
      throw new IllegalStateException(
          "The body of a batch of operation '"
              + spec.name()
              + "' returns one result for each of its "
              + items
              + " requests, but returned "
              + results);
    }
  }
}
