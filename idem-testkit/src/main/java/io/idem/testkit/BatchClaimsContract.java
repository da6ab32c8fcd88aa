package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.store.Batch;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What a store owes that claims many keys in one step.
 *
 * <p>Runs on the fixture of {@link IdempotencyStoreContract}, whose clients are then also {@link
 * BatchClaims}.
 */
public abstract class BatchClaimsContract extends LeasedContract {

  private static final Duration LONG_AGO = Duration.ofDays(100);
  private static final Duration LEASE_OVER = Requests.LEASE.plusSeconds(1);
  private static final StoredOutcome ANSWER = StoredOutcome.result(new byte[] {4, 2});

  /** For subclasses. */
  protected BatchClaimsContract() {}

  /**
   * The batches of the store under test.
   *
   * @return the capability of {@link #store()}, unless overridden
   */
  protected BatchClaims batches() {
    return store().capability(BatchClaims.class).orElseThrow();
  }

  /**
   * The batches of the same store as another node sees it.
   *
   * @return the capability of {@link #otherStore()}, unless overridden
   */
  protected BatchClaims otherBatches() {
    return otherStore().capability(BatchClaims.class).orElseThrow();
  }

  @Test
  void everyNewKeyIsAcquiredInTheCallersOrder() {
    List<ClaimRequest> requests = newRequests(50);

    assertThat(batches().claimAll(requests)).isEqualTo(acquired(requests));

    for (ClaimRequest request : requests) {
      assertThat(store().claim(Requests.claimOf(request.id()))).isInstanceOf(Claim.Running.class);
    }
  }

  @Test
  void nothingAndTheMostAreBatchesAndMoreIsRefused() {
    assertThat(batches().claimAll(List.of())).isEmpty();
    assertThat(batches().completeAll(List.of())).isEmpty();

    List<ClaimRequest> most = newRequests(Batch.MOST);
    assertThat(batches().claimAll(most)).isEqualTo(acquired(most));
    assertThat(batches().completeAll(completions(most)))
        .hasSize(Batch.MOST)
        .containsOnly(LeaseCheck.HELD);

    List<ClaimRequest> more = newRequests(Batch.MOST + 1);
    assertThatIllegalArgumentException().isThrownBy(() -> batches().claimAll(more));
    assertThatIllegalArgumentException().isThrownBy(() -> batches().completeAll(completions(more)));
    assertThat(store().claim(more.get(0))).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void whatIsInTheWayOfOneKeyLeavesTheOthersAlone() {
    RecordId abandoned = Requests.newId();
    RecordId takenOver = Requests.newId();
    RecordId expired = Requests.newId();
    acquire(abandoned);
    age(abandoned, LEASE_OVER);
    acquire(takenOver);
    age(takenOver, LEASE_OVER);
    complete(expired);
    age(expired, LONG_AGO);
    // A store whose clock ages as a whole has let go of what was running before.
    RecordId fresh = Requests.newId();
    RecordId held = Requests.newId();
    acquire(held);
    RecordId done = Requests.newId();
    complete(done);
    Fingerprint fingerprint = Fingerprint.of("request");
    ClaimRequest takeOver = Requests.takeOverOf(takenOver);
    ClaimRequest again = Requests.claimOf(expired);
    ClaimRequest first = Requests.claimOf(fresh);

    List<Claim> claims =
        batches()
            .claimAll(
                List.of(
                    Requests.claimOf(abandoned),
                    takeOver,
                    first,
                    Requests.claimOf(held),
                    again,
                    Requests.claimOf(done)));

    assertThat(claims.get(0)).isEqualTo(new Claim.Abandoned(fingerprint, 1));
    assertThat(claims.get(1))
        .isEqualTo(new Claim.Acquired(new Lease(takenOver, takeOver.token(), 2)));
    assertThat(claims.get(2)).isEqualTo(new Claim.Acquired(new Lease(fresh, first.token(), 1)));
    assertThat(((Claim.Running) claims.get(3)).fingerprint()).isEqualTo(fingerprint);
    assertThat(((Claim.Running) claims.get(3)).leaseLeft()).isPositive();
    assertThat(claims.get(4)).isEqualTo(new Claim.Acquired(new Lease(expired, again.token(), 1)));
    assertThat(claims.get(5)).isEqualTo(new Claim.Completed(fingerprint, ANSWER));
  }

  @Test
  void keyThatAppearsTwiceIsRunningTheSecondTime() {
    RecordId id = Requests.newId();
    ClaimRequest first = Requests.claimOf(id);
    ClaimRequest repeat = Requests.claimOf(id);
    ClaimRequest misuse = Requests.with(Requests.claimOf(id), Fingerprint.of("another"));
    ClaimRequest other = Requests.claimOf(Requests.newId());

    List<Claim> claims = batches().claimAll(List.of(first, repeat, other, misuse, first));

    assertThat(claims.get(0)).isEqualTo(new Claim.Acquired(new Lease(id, first.token(), 1)));
    for (int later : new int[] {1, 3}) {
      assertThat(((Claim.Running) claims.get(later)).fingerprint())
          .isEqualTo(Fingerprint.of("request"));
    }
    assertThat(claims.get(2)).isInstanceOf(Claim.Acquired.class);
    assertThat(claims.get(4)).as("the same token").isEqualTo(claims.get(0));
    assertThat(store().complete(leaseOf(first), ANSWER, Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(batches().claimAll(List.of(misuse, repeat)))
        .containsOnly(new Claim.Completed(Fingerprint.of("request"), ANSWER));
  }

  @Test
  void claimMayBeRepeatedUnderItsTokens() {
    List<ClaimRequest> requests = newRequests(10);

    batches().claimAll(requests.subList(0, 5));

    assertThat(batches().claimAll(requests)).isEqualTo(acquired(requests));
  }

  @Test
  void eachCompletionIsConditionalOnItsOwnLease() {
    List<ClaimRequest> requests = newRequests(4);
    batches().claimAll(requests);
    RecordId stolen = requests.get(1).id();
    age(stolen, LEASE_OVER);
    ClaimRequest thief = Requests.takeOverOf(stolen);
    assertThat(store().claim(thief)).isInstanceOf(Claim.Acquired.class);

    List<LeaseCheck> checks = batches().completeAll(completions(requests));

    assertThat(checks)
        .containsExactly(LeaseCheck.HELD, LeaseCheck.LOST, LeaseCheck.HELD, LeaseCheck.HELD);
    assertThat(batches().completeAll(completions(requests))).as("repeated").isEqualTo(checks);
    assertThat(store().claim(Requests.claimOf(stolen))).isInstanceOf(Claim.Running.class);
    assertThat(store().complete(new Lease(stolen, thief.token(), 2), ANSWER, Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
  }

  @Test
  void eachKeyHasItsOwnOutcomeAndRetention() {
    List<ClaimRequest> requests =
        IntStream.range(0, 6)
            .mapToObj(
                i -> {
                  ClaimRequest request = Requests.claimOf(Requests.newId());
                  return Requests.with(request, Requests.LEASE, Duration.ofSeconds(i % 2 + 1));
                })
            .toList();
    List<StoredOutcome> outcomes =
        List.of(
            StoredOutcome.done(),
            StoredOutcome.result(new byte[100_000]),
            StoredOutcome.nullResult(),
            StoredOutcome.failure("declined", new byte[] {1}),
            StoredOutcome.result(new byte[0]),
            StoredOutcome.notStored("too large"));
    batches().claimAll(requests);
    List<Completion> completions = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      completions.add(
          new Completion(
              leaseOf(requests.get(i)), outcomes.get(i), i == 5 ? LONG_AGO : Requests.RETENTION));
    }
    assertThat(batches().completeAll(completions)).containsOnly(LeaseCheck.HELD);

    age(requests.get(0).id(), Duration.ofMinutes(5));
    List<Claim> replays =
        batches().claimAll(requests.stream().map(each -> Requests.claimOf(each.id())).toList());

    assertThat(replays)
        .extracting(claim -> ((Claim.Completed) claim).outcome())
        .isEqualTo(outcomes);
    age(requests.get(5).id(), Requests.RETENTION.multipliedBy(2));
    assertThat(batches().claimAll(List.of(Requests.claimOf(requests.get(5).id()))))
        .hasOnlyElementsOfType(Claim.Completed.class);
  }

  @Test
  void overlappingBatchesGiveEachKeyOneOwner() {
    for (int round = 0; round < 10; round++) {
      List<RecordId> ids = Stream.generate(Requests::newId).limit(40).toList();
      List<RecordId> backwards = new ArrayList<>(ids);
      Collections.reverse(backwards);
      List<Callable<Integer>> rivals =
          List.of(
              () -> owned(batches(), ids),
              () -> owned(otherBatches(), backwards),
              () -> owned(batches(), ids.subList(10, 30)),
              () -> owned(otherBatches(), backwards.subList(0, 20)));

      assertThat(Together.run(rivals).stream().mapToInt(Integer::intValue).sum()).isEqualTo(40);
    }
  }

  @Test
  void batchAnswersAsItsClaimsOneByOne() {
    long seed = Long.getLong(Seed.PROPERTY, new Random().nextLong());
    Random random = new Random(seed);
    for (int round = 0; round < 5; round++) {
      List<ClaimRequest> together = new ArrayList<>();
      List<ClaimRequest> apart = new ArrayList<>();
      Duration aged = random.nextBoolean() ? LONG_AGO : LEASE_OVER;
      for (int i = 0; i < 20; i++) {
        int state = random.nextInt(4);
        boolean old = random.nextBoolean();
        boolean takeOver = random.nextBoolean();
        Fingerprint fingerprint = Fingerprint.of(random.nextInt(4) == 0 ? "another" : "request");
        for (List<ClaimRequest> requests : List.of(together, apart)) {
          RecordId id = prepared(state, old, aged);
          requests.add(Requests.with(Requests.claimOf(id), fingerprint).withTakeOver(takeOver));
        }
      }
      assertThat(described(batches().claimAll(together)))
          .as("Repeat with -D%s=%d", Seed.PROPERTY, seed)
          .isEqualTo(described(apart.stream().map(store()::claim).toList()));
    }
  }

  /** Seeded; see the message of its failure for how to play a history again. */
  @Test
  void storeAnswersAsItsModelDoes() {
    for (Seed seed : Seed.of(8)) {
      new RandomHistory(seed, this).with(batches(), otherBatches()).play(40);
    }
  }

  private RecordId prepared(int state, boolean old, Duration aged) {
    RecordId id = Requests.newId();
    switch (state) {
      case 0 -> {
        return id;
      }
      case 1 -> complete(id);
      default -> acquire(id);
    }
    if (old) {
      age(id, aged);
    }
    return id;
  }

  /** Everything but ids, tokens and the time that passed between two claims. */
  private static List<String> described(List<Claim> claims) {
    return claims.stream()
        .map(
            claim -> {
              if (claim instanceof Claim.Acquired acquired) {
                return "acquired " + acquired.lease().attempt();
              } else if (claim instanceof Claim.Running running) {
                return "running " + running.fingerprint();
              }
              return claim.toString();
            })
        .toList();
  }

  private static int owned(BatchClaims batches, List<RecordId> ids) {
    List<ClaimRequest> requests = ids.stream().map(Requests::claimOf).toList();
    List<Claim> claims = batches.claimAll(requests);
    int owned = 0;
    for (int i = 0; i < claims.size(); i++) {
      if (claims.get(i) instanceof Claim.Acquired acquired) {
        assertThat(acquired.lease()).isEqualTo(leaseOf(requests.get(i)));
        owned++;
      } else {
        assertThat(claims.get(i)).isInstanceOf(Claim.Running.class);
      }
    }
    return owned;
  }

  private void complete(RecordId id) {
    ClaimRequest request = Requests.claimOf(id);
    assertThat(store().claim(request)).isInstanceOf(Claim.Acquired.class);
    store().complete(leaseOf(request), ANSWER, Requests.RETENTION);
  }

  private static List<ClaimRequest> newRequests(int count) {
    return Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(count).toList();
  }

  private static List<Claim> acquired(List<ClaimRequest> requests) {
    return requests.stream().<Claim>map(each -> new Claim.Acquired(leaseOf(each))).toList();
  }

  private static List<Completion> completions(List<ClaimRequest> requests) {
    return requests.stream()
        .map(each -> new Completion(leaseOf(each), ANSWER, Requests.RETENTION))
        .toList();
  }

  private static Lease leaseOf(ClaimRequest request) {
    return new Lease(request.id(), request.token(), 1);
  }
}
