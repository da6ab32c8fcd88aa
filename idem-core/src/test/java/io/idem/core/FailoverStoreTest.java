package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An application whose primary store goes and comes back, told as a user meets it. */
class FailoverStoreTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");

  private final AtomicLong clock = new AtomicLong();
  private final ScriptedStore primary = scripted();
  private final ScriptedStore fallback = scripted();
  private final AtomicInteger runs = new AtomicInteger();
  private FailoverStore store = new FailoverStore(primary, fallback);
  private Idempotency engine = engine();

  private ScriptedStore scripted() {
    return new ScriptedStore(new InMemoryStore(1_000, clock::get));
  }

  private Idempotency engine() {
    return Idempotency.builder()
        .store(store)
        .purgeEvery(Duration.ofDays(1))
        .shutdownWithin(Duration.ofSeconds(2))
        .build();
  }

  @AfterEach
  void close() {
    primary.heal(Verb.values());
    fallback.heal(Verb.values());
    engine.close();
  }

  private void restart(FallbackPolicy policy) {
    engine.close();
    store = new FailoverStore(primary, fallback, policy);
    engine = engine();
  }

  private static void down(ScriptedStore store) {
    for (Verb verb : Verb.values()) {
      store.on(verb, ScriptedStore.DOWN);
    }
  }

  private Execution<String> request() {
    return request(() -> {});
  }

  private Execution<String> request(Runnable meanwhile) {
    return engine
        .operation("charge", String.class)
        .waitAtMost(Duration.ZERO)
        .retention(Duration.ofHours(1))
        .build()
        .execute(
            KEY,
            attempt -> {
              meanwhile.run();
              return "run-" + runs.incrementAndGet();
            });
  }

  @ParameterizedTest
  @EnumSource
  void whatTheFallbackRanIsReplayedWhenThePrimaryIsBack(FallbackPolicy policy) {
    restart(policy);
    down(primary);
    assertThat(request()).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
    assertThat(store.grantedByOne()).isEqualTo(1);
    primary.heal(Verb.values());
    restart(policy); // another process, which knows of no outage
    assertThat(request()).isEqualTo(new Execution.Replayed<>("run-1"));
  }

  @ParameterizedTest
  @EnumSource
  void whatThePrimaryRanIsReplayedWhileItIsDown(FallbackPolicy policy) {
    restart(policy);
    request();
    down(primary);
    assertThat(request()).isEqualTo(new Execution.Replayed<>("run-1"));
  }

  @ParameterizedTest
  @EnumSource
  void aRunThatLivesThroughTheOutageKeepsItsKey(FallbackPolicy policy) {
    restart(policy);
    assertThat(request(() -> down(primary)))
        .isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
    assertThat(store.owed()).as("the outcome, to the primary").isEqualTo(1);
    primary.heal(Verb.values());
    store.purgeExpired(10);
    assertThat(store.owed()).isZero();
    down(fallback);
    restart(FallbackPolicy.OPTIONAL);
    assertThat(request())
        .as("the primary knows it too")
        .isEqualTo(new Execution.Replayed<>("run-1"));
  }

  @ParameterizedTest
  @EnumSource
  void aRivalOfAFallbackRunIsToldBusyAfterThePrimaryIsBack(FallbackPolicy policy) {
    restart(policy);
    down(primary);
    assertThat(
            request(
                () -> {
                  primary.heal(Verb.values());
                  Idempotency rivals =
                      Idempotency.builder()
                          .store(new FailoverStore(primary, fallback, policy))
                          .build();
                  try (rivals) {
                    assertThat(
                            rivals
                                .operation("charge", String.class)
                                .waitAtMost(Duration.ZERO)
                                .build()
                                .execute(KEY, attempt -> "rival"))
                        .isInstanceOf(Execution.Busy.class);
                  }
                }))
        .isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
  }

  @Test
  void withoutARequiredFallbackNothingIsGranted() {
    down(fallback);
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(this::request);
    assertThat(runs).hasValue(0);
    assertThat(primary.calls(Verb.CLAIM)).as("claims").isZero();
  }

  @Test
  void withoutAnOptionalFallbackThePrimaryDecides() {
    restart(FallbackPolicy.OPTIONAL);
    down(fallback);
    assertThat(request()).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
    fallback.heal(Verb.values());
    assertThat(request()).isEqualTo(new Execution.Replayed<>("run-1"));
    down(primary);
    assertThat(request())
        .as("the first replay has copied it to the fallback")
        .isEqualTo(new Execution.Replayed<>("run-1"));
  }

  @Test
  void withBothStoresDownNothingIsGranted() {
    restart(FallbackPolicy.OPTIONAL);
    down(primary);
    down(fallback);
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(this::request);
    assertThat(runs).hasValue(0);
  }

  @Test
  void aReplayAsksTheFallbackOnly() {
    request();
    int before = primary.calls(Verb.CLAIM);
    request();
    assertThat(primary.calls(Verb.CLAIM)).isEqualTo(before);
    assertThat(fallback.calls(Verb.CLAIM)).isEqualTo(2);
  }

  @Test
  void anOwedOutcomePastItsRetentionFreesTheKey() {
    store = new FailoverStore(primary, fallback, FallbackPolicy.OPTIONAL, clock::get);
    engine.close();
    engine = engine();
    request(() -> down(fallback));
    assertThat(store.owed()).isEqualTo(1);
    clock.addAndGet(Duration.ofHours(2).toNanos());
    fallback.heal(Verb.values());
    store.purgeExpired(10);
    assertThat(request()).isEqualTo(new Execution.Ran<>("run-2", Recording.STORED));
  }

  private static ClaimRequest claimOf(long token, boolean takeOver) {
    return new ClaimRequest(
        new RecordId(7, 7),
        new RecordLabel("", "op", "", "k"),
        Fingerprint.NONE,
        new OwnerToken(0, token),
        Duration.ofSeconds(30),
        Duration.ofHours(1),
        takeOver);
  }

  @Test
  void whatWasToBeGivenBackIsKeptWhenItsTokenIsGranted() {
    store = new FailoverStore(primary, fallback, FallbackPolicy.OPTIONAL);
    Claim.Acquired rival = (Claim.Acquired) primary.claim(claimOf(1, false));
    fallback.on(Verb.CLAIM, ScriptedStore.ANSWER_LOST);
    assertThat(store.claim(claimOf(2, false))).isInstanceOf(Claim.Running.class);
    assertThat(store.owed()).as("what the fallback may have granted").isEqualTo(1);
    fallback.heal(Verb.CLAIM);
    primary.release(rival.lease());
    assertThat(store.claim(claimOf(2, false))).isInstanceOf(Claim.Acquired.class);
    store.purgeExpired(10);
    assertThat(fallback.claim(claimOf(3, false))).isInstanceOf(Claim.Running.class);
  }

  @Test
  void whatWasTakenOverAndIsGivenBackStaysAbandoned() {
    Claim.Acquired lost = (Claim.Acquired) store.claim(claimOf(1, false));
    store.renew(lost.lease(), Duration.ZERO);
    AtomicInteger claims = new AtomicInteger();
    fallback.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              if (claims.incrementAndGet() == 2) {
                throw ScriptedStore.down();
              }
            }));
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> store.claim(claimOf(2, true)));
    assertThat(primary.claim(claimOf(3, false))).isInstanceOf(Claim.Abandoned.class);
    assertThat(store.claim(claimOf(4, true)))
        .as("the attempt of the store that counted furthest")
        .isEqualTo(new Claim.Acquired(new Lease(new RecordId(7, 7), new OwnerToken(0, 4), 3)));
  }

  @Test
  void aStoreIsNotItsOwnFallback() {
    assertThatIllegalArgumentException().isThrownBy(() -> new FailoverStore(primary, primary));
  }
}
