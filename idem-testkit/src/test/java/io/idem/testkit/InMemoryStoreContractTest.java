package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.InMemoryStore;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The in-memory store. Its records age with its clock, and both clients are the one process. */
class InMemoryStoreContractTest {

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Leased extends IdempotencyStoreContract {

    private final LeasedFixture fixture = new InMemoryFixture();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Stages extends AsyncStoreContract {

    private final LeasedFixture fixture = new InMemoryFixture();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Batches extends BatchClaimsContract {

    private final LeasedFixture fixture = new InMemoryFixture();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  /**
   * Not the contract of purges, which go in the order of age: this store's need not, and its
   * records age all at once.
   */
  @Nested
  class Purge extends LeasedContract {

    private final LeasedFixture fixture = new InMemoryFixture();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }

    @Test
    void storeAnswersAsItsModelDoes() {
      for (Seed seed : Seed.of(40)) {
        InMemoryStore store = (InMemoryStore) store();
        Together.await("purge of earlier histories", () -> agedPurge(store) == 0);
        new RandomHistory(seed, this).with(store, store).with(store).play(100);
      }
    }

    /** Earlier histories have left no outcome that could expire in the next. */
    private int agedPurge(InMemoryStore store) {
      age(Requests.newId(), Requests.RETENTION.multipliedBy(10));
      return store.purgeExpired(1000);
    }

    @Test
    void purgeOfNothingIsRefused() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ((InMemoryStore) store()).purgeExpired(0));
    }
  }
}
