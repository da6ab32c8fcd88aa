package io.idem.core;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import org.jetbrains.kotlinx.lincheck.LinChecker;
import org.jetbrains.kotlinx.lincheck.annotations.Operation;
import org.jetbrains.kotlinx.lincheck.annotations.Param;
import org.jetbrains.kotlinx.lincheck.paramgen.BooleanGen;
import org.jetbrains.kotlinx.lincheck.paramgen.IntGen;
import org.jetbrains.kotlinx.lincheck.strategy.stress.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * Every concurrent history of the in-memory store is one that some order of its steps explains. Two
 * keys, three owners; time stands still, and leases end because they are given up.
 */
@Param(name = "key", gen = IntGen.class, conf = "0:1")
@Param(name = "token", gen = IntGen.class, conf = "0:2")
@Param(name = "yes", gen = BooleanGen.class)
public class InMemoryStoreLincheckTest {

  private static final Duration HOUR = Duration.ofHours(1);

  private final InMemoryStore store = new InMemoryStore(10, () -> 0);

  private static Lease lease(int key, int token) {
    return new Lease(new RecordId(key, 0), new OwnerToken(0, token), 1);
  }

  @Operation
  public Claim claim(
      @Param(name = "key") int key,
      @Param(name = "token") int token,
      @Param(name = "yes") boolean takeOver) {
    return store.claim(
        new ClaimRequest(
            new RecordId(key, 0),
            new RecordLabel("", "op", "", "k"),
            Fingerprint.NONE,
            new OwnerToken(0, token),
            HOUR,
            HOUR,
            takeOver));
  }

  @Operation
  public LeaseCheck complete(@Param(name = "key") int key, @Param(name = "token") int token) {
    return store.complete(lease(key, token), StoredOutcome.result(new byte[] {(byte) token}), HOUR);
  }

  @Operation
  public LeaseCheck release(@Param(name = "key") int key, @Param(name = "token") int token) {
    return store.release(lease(key, token));
  }

  @Operation
  public LeaseCheck renew(
      @Param(name = "key") int key,
      @Param(name = "token") int token,
      @Param(name = "yes") boolean giveUp) {
    return store.renew(lease(key, token), giveUp ? Duration.ZERO : HOUR);
  }

  @Test
  void itIsLinearizable() {
    LinChecker.check(
        getClass(),
        new StressOptions()
            .iterations(40)
            .invocationsPerIteration(2_000)
            .threads(3)
            .actorsPerThread(4)
            .actorsBefore(2)
            .actorsAfter(2));
  }
}
