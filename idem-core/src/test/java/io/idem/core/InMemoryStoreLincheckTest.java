package io.idem.core;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import org.jetbrains.kotlinx.lincheck.LinChecker;
import org.jetbrains.kotlinx.lincheck.annotations.Operation;
import org.jetbrains.kotlinx.lincheck.annotations.Param;
import org.jetbrains.kotlinx.lincheck.paramgen.BooleanGen;
import org.jetbrains.kotlinx.lincheck.paramgen.IntGen;
import org.jetbrains.kotlinx.lincheck.strategy.stress.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * Every concurrent history of the in-memory store is one that some order of its steps explains. Two
 * keys, three owners; time stands still, leases end because they are given up, and outcomes expire
 * because they are kept for no time. A batch is a step for each of its keys, so that batches of one
 * key are what can be checked here.
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

  private static ClaimRequest request(int key, int token, boolean takeOver) {
    return new ClaimRequest(
        new RecordId(key, 0),
        new RecordLabel("", "op", "", "k"),
        Fingerprint.NONE,
        new OwnerToken(0, token),
        HOUR,
        HOUR,
        takeOver);
  }

  private static StoredOutcome outcome(int token) {
    return StoredOutcome.result(new byte[] {(byte) token});
  }

  @Operation
  public Claim claim(
      @Param(name = "key") int key,
      @Param(name = "token") int token,
      @Param(name = "yes") boolean takeOver) {
    return store.claim(request(key, token, takeOver));
  }

  @Operation
  public Claim claimAll(@Param(name = "key") int key, @Param(name = "token") int token) {
    return store.claimAll(List.of(request(key, token, false))).get(0);
  }

  @Operation
  public LeaseCheck complete(
      @Param(name = "key") int key,
      @Param(name = "token") int token,
      @Param(name = "yes") boolean forNoTime) {
    return store.complete(lease(key, token), outcome(token), forNoTime ? Duration.ZERO : HOUR);
  }

  @Operation
  public LeaseCheck completeAll(@Param(name = "key") int key, @Param(name = "token") int token) {
    return store
        .completeAll(List.of(new Completion(lease(key, token), outcome(token), HOUR)))
        .get(0);
  }

  /** What it purged is no business of the callers: expired records are absent to them before. */
  @Operation
  public void purge() {
    store.purgeExpired(10);
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

  static StressOptions bounds() {
    return new StressOptions()
        .iterations(40)
        .invocationsPerIteration(2_000)
        .threads(3)
        .actorsPerThread(4)
        .actorsBefore(2)
        .actorsAfter(2);
  }

  @Test
  void itIsLinearizable() {
    LinChecker.check(getClass(), bounds());
  }
}
