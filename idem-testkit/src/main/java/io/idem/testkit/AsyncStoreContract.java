package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Attempt;
import io.idem.core.Body;
import io.idem.core.Execution;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What every store of leased keys owes its callers that is an {@link AsyncStore}: all of {@link
 * IdempotencyStoreContract}, by its stages.
 *
 * <p>The same fixture runs both. Here every case waits for the store's stages and comes by none of
 * its verbs that block, and an engine is asked by {@link Operation#executeAsync}.
 */
public abstract class AsyncStoreContract extends IdempotencyStoreContract {

  /** For subclasses. */
  protected AsyncStoreContract() {}

  /** {@inheritDoc} By its stages alone. */
  @Override
  protected final IdempotencyStore store() {
    return new JoinedStore(fixture().store());
  }

  /** {@inheritDoc} By its stages alone. */
  @Override
  protected final IdempotencyStore otherStore() {
    return new JoinedStore(fixture().otherStore());
  }

  @Test
  void oneOfManyClaimsUnderWayIsAcquired() {
    for (int i = 0; i < ROUNDS; i++) {
      RecordId id = Requests.newId();
      List<CompletionStage<Claim>> underWay = new ArrayList<>();
      for (int client = 0; client < 10; client++) {
        underWay.add(stages(fixture().store()).claimAsync(Requests.claimOf(id)));
        underWay.add(stages(fixture().otherStore()).claimAsync(Requests.claimOf(id)));
      }
      List<Claim> claims = underWay.stream().map(JoinedStore::join).toList();
      assertThat(claims).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
      assertThat(claims).filteredOn(Claim.Running.class::isInstance).hasSize(claims.size() - 1);
    }
  }

  @Test
  void everyOneOfManyStagesUnderWayHasItsOwnAnswer() {
    List<RecordId> ids = Stream.generate(Requests::newId).limit(200).toList();
    AsyncStore stages = stages(fixture().store());
    List<CompletionStage<Claim>> claims =
        ids.stream().map(id -> stages.claimAsync(Requests.claimOf(id))).toList();
    List<Lease> leases =
        claims.stream().map(JoinedStore::join).map(LeasedContract::acquired).toList();
    assertThat(leases).extracting(Lease::id).isEqualTo(ids);

    List<CompletionStage<LeaseCheck>> completions =
        leases.stream()
            .map(
                lease ->
                    stages.completeAsync(
                        lease, StoredOutcome.result(lease.id().toBytes()), Requests.RETENTION))
            .toList();
    assertThat(completions).extracting(JoinedStore::join).containsOnly(LeaseCheck.HELD);
    assertThat(ids)
        .allSatisfy(
            id ->
                assertCompleted(
                    otherStore().claim(Requests.claimOf(id)), StoredOutcome.result(id.toBytes())));
  }

  private static AsyncStore stages(IdempotencyStore store) {
    return store.capability(AsyncStore.class).orElseThrow();
  }

  @Override
  final Execution<String> execute(
      Operation<String> operation, IdempotentRequest request, Body<String, RuntimeException> body) {
    return JoinedStore.join(
        operation.executeAsync(request, attempt -> inItsOwnThread(body, attempt)));
  }

  /** The cases' bodies block, which what calls them must not. */
  private static CompletableFuture<String> inItsOwnThread(
      Body<String, RuntimeException> body, Attempt attempt) {
    CompletableFuture<String> result = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                result.complete(body.run(attempt));
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            },
            "body")
        .start();
    return result;
  }
}
