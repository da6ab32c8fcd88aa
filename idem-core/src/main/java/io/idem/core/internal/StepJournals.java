package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Decision;
import io.idem.core.KeyBusyException;
import io.idem.core.OutcomeUnknownException;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoreUnavailableException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens and closes the record that the steps of a key belong to: their journal.
 *
 * <p>It says whether there may be steps to resume behind, which the steps' own records cannot: they
 * have outcomes, and so expire. The journal has none, and so never does.
 *
 * <ol>
 *   <li>The first step of a run claims it, for the retention of the operation. The token of the
 *       claim is its fingerprint as well, by which later runs know it. Whoever has lost the key
 *       meanwhile gives it back.
 *   <li>A run that finds it live resumes: no step can have expired, because each is kept for twice
 *       the retention. Even a first attempt does, whose operation's record somebody has deleted.
 *   <li>A run that finds it run out is too late, and runs no step: some may have expired.
 *   <li>Only the first attempt of a key's life makes a new one in place of a run-out one, which an
 *       earlier life has left behind. That life's outcome was kept for the retention, so that its
 *       journal, which was opened before, has run out.
 *   <li>It is released once the operation has its outcome, or has none and its key is freed.
 * </ol>
 */
final class StepJournals {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  /** How often a run tries to open its journal, if what an earlier life has left is in the way. */
  private static final int LOOKS = 3;

  private final IdempotencyStore store;
  private final LeaseKeeper keeper;
  private final PendingWrites pending;
  private final Executor background;
  private final Events events;
  private final String namespace;
  private final Supplier<OwnerToken> tokens;

  /** Which operations have had steps on this node. */
  private final Set<String> operations = ConcurrentHashMap.newKeySet();

  StepJournals(
      IdempotencyStore store,
      LeaseKeeper keeper,
      PendingWrites pending,
      Executor background,
      Events events,
      String namespace,
      Supplier<OwnerToken> tokens) {
    this.store = store;
    this.keeper = keeper;
    this.pending = pending;
    this.background = background;
    this.events = events;
    this.namespace = namespace;
    this.tokens = tokens;
  }

  /**
   * Opens the journal of a run, or finds the one of the runs before it.
   *
   * @param token the mark of this run, for as often as it asks
   * @param step which step is about to begin
   * @throws KeyBusyException if somebody else runs under the key
   * @throws OutcomeUnknownException if it is too late to resume
   * @throws RuntimeException if the store cannot say; the journal may be open under the token
   */
  StepJournal open(Call<?, ?> call, HeldLease held, OwnerToken token, String step) {
    ClaimRequest request = request(call, token);
    boolean first = held.lease.attempt() == 1;
    for (int look = 0; look < LOOKS; look++) {
      long sentNanos = System.nanoTime();
      Claim claim = store.claim(request);
      if (claim instanceof Claim.Acquired acquired) {
        operations.add(call.spec().name());
        requireOwner(call, held, acquired.lease(), step);
        return new StepJournal(acquired.lease(), true, sentNanos);
      }
      Lease found = opener(request.id(), claim);
      if (found != null && claim instanceof Claim.Running) {
        return new StepJournal(found, false, sentNanos);
      } else if (found != null && first) {
        // Of an earlier life, or of who has taken over from this run.
        if (keeper.confirm(held) == LeaseCheck.LOST) {
          lost(call, held);
          throw new KeyBusyException(call.spec().retryAfter(), step);
        }
        store.release(found);
      } else {
        log.warn(
            "Operation '{}' cannot resume record {}: its first step began longer than {} ago, for"
                + " which its steps are kept",
            call.spec().title(),
            call.id(),
            call.spec().retention());
        throw new OutcomeUnknownException(held.lease.attempt());
      }
    }
    throw new StoreUnavailableException(
        "The store does not let go of a journal of steps that has run out: record " + request.id(),
        null);
  }

  /**
   * Whoever took over while the claim was on its way may have closed a journal, whose steps would
   * run anew under this one. Whoever takes over from now on finds it.
   */
  private void requireOwner(Call<?, ?> call, HeldLease held, Lease journal, String step) {
    if (!held.isFresh(System.nanoTime())
        && (held.lost || keeper.confirm(held) == LeaseCheck.LOST)) {
      lost(call, held);
      pending.addPrecaution(
          "return of the journal",
          LeasedProtocol.held(call, journal, System.nanoTime()),
          () -> store.release(journal));
      throw new KeyBusyException(call.spec().retryAfter(), step);
    }
  }

  /** Notes that the key is somebody else's. */
  void lost(Call<?, ?> call, HeldLease held) {
    if (!held.lost) {
      held.lost = true;
      log.warn(
          "Operation '{}' has lost the lease of record {}, and runs no further step",
          call.spec().title(),
          call.id());
      events.publish(Decision.LEASE_LOST, call, null);
    }
  }

  /** Forgets the steps of a key that has its outcome. What fails is tried again. */
  void close(Call<?, ?> call, HeldLease held) {
    RecordedSteps steps = held.steps;
    Lease journal = steps == null ? null : steps.journalLease();
    if (journal != null) {
      Supplier<LeaseCheck> write = () -> store.release(journal);
      try {
        LeaseCheck unused = write.get(); // LOST: somebody else has closed it
      } catch (Throwable e) { // the operation has its outcome, whatever becomes of this
        log.warn(
            "The journal of the steps of record {} of operation '{}' could not be closed; trying"
                + " again in the background",
            call.id(),
            call.spec().title(),
            e);
        pending.addPrecaution(
            "end of the steps", LeasedProtocol.held(call, journal, System.nanoTime()), write);
      }
    } else if (steps != null
        && held.lease.attempt() > 1
        && (call.spec().abandoned() instanceof AbandonedPolicy.Recover
            || operations.contains(call.spec().name()))) {
      // It has come to an end without a step, which earlier runs may have had.
      sweep(call);
    }
  }

  /** The write that forgets the steps of a run that is to leave nothing behind. */
  void discard(RecordedSteps steps) {
    Lease journal = steps.journalLease();
    if (journal != null) {
      store.release(journal);
    }
  }

  private void sweep(Call<?, ?> call) {
    try {
      background.execute(
          () -> {
            try {
              ClaimRequest request = request(call, tokens.get());
              Claim claim = store.claim(request);
              Lease found =
                  claim instanceof Claim.Acquired acquired
                      ? acquired.lease()
                      : opener(request.id(), claim);
              if (found != null) {
                store.release(found);
              }
            } catch (Throwable e) {
              log.warn(
                  "Whether record {} of operation '{}' has left a journal of steps is not known",
                  call.id(),
                  call.spec().title(),
                  e);
            }
          });
    } catch (Throwable e) { // the engine is closed, or no thread is to be had
      log.warn("A journal of steps of operation '{}' may be left", call.spec().title(), e);
    }
  }

  private ClaimRequest request(Call<?, ?> call, OwnerToken token) {
    OperationSpec<?> spec = call.spec();
    return new ClaimRequest(
        Keys.journalId(namespace, spec.name(), spec.keySpace(), call.request()),
        new RecordLabel(
            namespace, spec.name() + "/", call.request().source(), call.request().key()),
        Fingerprint.fromBytes(token.toBytes()),
        token,
        spec.retention(),
        spec.retention(),
        false);
  }

  /** Who opened a journal, by what it says of itself; null for one that somebody has settled. */
  private static @Nullable Lease opener(RecordId id, Claim claim) {
    Fingerprint token;
    if (claim instanceof Claim.Running running) {
      token = running.fingerprint();
    } else if (claim instanceof Claim.Abandoned runOut) {
      token = runOut.fingerprint();
    } else {
      return null;
    }
    if (token.equals(Fingerprint.NONE)) {
      throw new StoreUnavailableException(
          "The store cannot say yet who has opened the journal of steps " + id, null);
    }
    return new Lease(id, OwnerToken.fromBytes(token.toBytes()), 1);
  }
}
