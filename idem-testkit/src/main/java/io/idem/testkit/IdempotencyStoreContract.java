package io.idem.testkit;

import org.junit.jupiter.api.Test;

/**
 * What every store of leased keys owes its callers.
 *
 * <p>A backend writes one {@link LeasedFixture} and passes every case; there is none to skip:
 *
 * <pre>{@code
 * @TestInstance(TestInstance.Lifecycle.PER_CLASS)
 * class MyStoreTest extends IdempotencyStoreContract {
 *
 *   private final LeasedFixture fixture = new MyStoreFixture();
 *
 *   @Override
 *   protected LeasedFixture fixture() {
 *     return fixture;
 *   }
 * }
 * }</pre>
 *
 * <p>The same fixture runs {@link AsyncStoreContract} if the store is also an {@code AsyncStore},
 * {@link BatchClaimsContract} if it is a {@code BatchClaims}, and {@link ExpiredEntriesContract} if
 * it does not forget expired records by itself. Records of earlier cases may still be in the store,
 * and the cases may run against a server that others use: their keys are random.
 *
 * <p>The cases by what they are about, in the order of the classes they stand in: who owns a key
 * that is claimed, what an owner may do and nobody else, what becomes of a key as time goes by,
 * what two nodes with an engine each get of the store, also of an operation with steps, and random
 * histories.
 */
public abstract class IdempotencyStoreContract extends StepCases {

  /** For subclasses. */
  protected IdempotencyStoreContract() {}

  /** Seeded; see the message of its failure for how to play a history again. */
  @Test
  void storeAnswersAsItsModelDoes() {
    for (Seed seed : Seed.of(15)) {
      new RandomHistory(seed, this).play(40);
    }
  }
}
