package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.TokenCheck.Reason;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OperationTokensTest {

  private static final Duration SKEW = Duration.ofMinutes(5);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final TokenSubject ALICE = TokenSubject.caller("alice");

  /** Real time, in milliseconds since 1970. Nodes see it through clocks of their own. */
  private final AtomicLong now = new AtomicLong(1_790_000_000_000L);

  private final InMemoryStore store =
      new InMemoryStore(1_000, () -> Duration.ofMillis(now.get()).toNanos());
  private final Idempotency engine = Idempotency.builder().store(store).build();
  private final Operation<@Nullable Void> pay = operation("pay", Duration.ofHours(2));
  private final OperationTokens tokens = node(Duration.ZERO, SKEW);

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void aTokenGivesOneKeyHoweverOftenItIsChecked() {
    String token = tokens.issue(pay, ALICE, HOUR).token();

    String key = valid(tokens.check(token, pay, ALICE)).key();

    assertThat(valid(tokens.check(token, pay, ALICE)).key()).isEqualTo(key);
    assertThat(UUID.fromString(key).version()).isEqualTo(7);
    assertThat(UUID.fromString(key).variant()).isEqualTo(2);
    assertThat(UUID.fromString(key).getMostSignificantBits() >>> 16).isEqualTo(now.get());
  }

  @Test
  void eachTokenIsAnotherKey() {
    Set<String> keys = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      String token = tokens.issue(pay, ALICE, HOUR).token();
      keys.add(valid(tokens.check(token, pay, ALICE)).key());
    }

    assertThat(keys).hasSize(10_000);
  }

  @Test
  void aTokenIsBoundToItsOperation() {
    String token = tokens.issue(pay, ALICE, HOUR).token();

    assertThat(tokens.check(token, operation("refund", Duration.ofHours(2)), ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.OTHER_OPERATION));
  }

  @Test
  void aTokenIsBoundToItsNamespace() {
    String token = tokens.issue(pay, ALICE, HOUR).token();
    OperationTokens other =
        OperationTokens.builder().key("k1", secret(1)).clock(this::time).namespace("shop").build();

    assertThat(other.check(token, pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.OTHER_OPERATION));
  }

  @Test
  void aTokenIsBoundToItsSubject() {
    String alices = tokens.issue(pay, ALICE, HOUR).token();
    String anybodys = tokens.issue(pay, TokenSubject.anybody(), HOUR).token();

    assertThat(tokens.check(alices, pay, TokenSubject.caller("bob")))
        .isEqualTo(new TokenCheck.Refused(Reason.OTHER_SUBJECT));
    assertThat(tokens.check(alices, pay, TokenSubject.anybody()))
        .isEqualTo(new TokenCheck.Refused(Reason.OTHER_SUBJECT));
    assertThat(tokens.check(anybodys, pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.OTHER_SUBJECT));
    valid(tokens.check(anybodys, pay, TokenSubject.anybody()));
  }

  @Test
  void anUnknownCallerIsNotAnybody() {
    assertThatIllegalArgumentException().isThrownBy(() -> TokenSubject.caller(""));
    assertThatIllegalArgumentException().isThrownBy(() -> TokenSubject.caller("a".repeat(1025)));
    assertThatIllegalArgumentException().isThrownBy(() -> TokenSubject.caller("\ud800"));
  }

  /** Whichever bit is changed, the key is not found or the signature does not fit. */
  @Test
  void noBitOfATokenCanBeChanged() {
    byte[] bytes = bytesOf(tokens.issue(pay, ALICE, HOUR).token());
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      byte[] changed = bytes.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);

      Reason expected = bit < 8 ? Reason.MALFORMED : bit < 24 ? Reason.UNKNOWN_KEY : Reason.FORGED;
      assertThat(tokens.check(text(changed), pay, ALICE))
          .as("bit %s", bit)
          .isEqualTo(new TokenCheck.Refused(expected));
    }
  }

  /** The last character of the text holds bits that say nothing: they have to be zero. */
  @Test
  void aTokenHasOneSpelling() {
    String token = tokens.issue(pay, ALICE, HOUR).token();
    String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int accepted = 0;
    for (int i = 0; i < alphabet.length(); i++) {
      String spelled = token.substring(0, token.length() - 1) + alphabet.charAt(i);
      if (tokens.check(spelled, pay, ALICE) instanceof TokenCheck.Valid) {
        assertThat(spelled).isEqualTo(token);
        accepted++;
      }
    }

    assertThat(accepted).isEqualTo(1);
    assertThat(tokens.check(token + "=", pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.MALFORMED));
  }

  @Test
  void whateverIsSentIsAnsweredAndNothingElseIsAccepted() {
    long seed = Long.getLong("idem.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 200_000; i++) {
      byte[] bytes = new byte[random.nextInt(120)];
      random.nextBytes(bytes);
      if (bytes.length > 0 && random.nextBoolean()) {
        bytes[0] = (byte) random.nextInt(18);
      }
      String text =
          random.nextInt(10) == 0 ? new String(bytes, StandardCharsets.ISO_8859_1) : text(bytes);
      assertThat(tokens.check(text, pay, ALICE))
          .as("idem.seed=%s", seed)
          .isInstanceOf(TokenCheck.Refused.class);
    }
  }

  @Test
  void aLongTextIsRefusedUnread() {
    assertThat(tokens.check(OperationTokens.PREFIX + "A".repeat(1 << 20), pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.MALFORMED));
  }

  @Test
  void theLongestTokenIsAsLongAsIsSaid() {
    String id = "k".repeat(16);
    OperationTokens longest = OperationTokens.builder().key(id, secret(1)).build();

    String token = longest.issue(pay, ALICE, HOUR).token();

    assertThat(token).hasSize(OperationTokens.MAX_LENGTH);
    valid(longest.check(token, pay, ALICE));
  }

  @Test
  void aTokenShowsNeitherItsOperationNorItsSubject() {
    String caller = "alice@example.org";
    byte[] one = bytesOf(tokens.issue(pay, TokenSubject.caller(caller), HOUR).token());
    byte[] other = bytesOf(tokens.issue(pay, TokenSubject.caller(caller), HOUR).token());

    assertThat(new String(one, StandardCharsets.ISO_8859_1))
        .doesNotContain("alice")
        .doesNotContain("pay");
    int tags = one.length - 32 - 32;
    assertThat(Arrays.copyOfRange(one, tags, tags + 16))
        .isNotEqualTo(Arrays.copyOfRange(other, tags, tags + 16));
    assertThat(Arrays.copyOfRange(one, tags + 16, tags + 32))
        .isNotEqualTo(Arrays.copyOfRange(other, tags + 16, tags + 32));
  }

  @Test
  void nothingPrintsATokenOrAKey() {
    IssuedToken issued = tokens.issue(pay, ALICE, HOUR);
    TokenCheck.Valid check = valid(tokens.check(issued.token(), pay, ALICE));

    assertThat(issued.toString()).doesNotContain(issued.token());
    assertThat(check.toString()).doesNotContain(check.key());
    assertThat(ALICE.toString()).doesNotContain("alice");
    assertThat(tokens.toString()).isEqualTo("OperationTokens[keys=[k1], signWith=k1]");
  }

  // ---- keys

  @Test
  void aNewKeySignsAndTheOldOneStillVerifiesUntilItIsTakenAway() {
    String before = tokens.issue(pay, ALICE, HOUR).token();
    OperationTokens both =
        OperationTokens.builder()
            .key("k1", secret(1))
            .key("k2", secret(2))
            .signWith("k2")
            .clock(this::time)
            .build();
    String after = both.issue(pay, ALICE, HOUR).token();
    OperationTokens newOne =
        OperationTokens.builder().key("k2", secret(2)).clock(this::time).build();

    valid(both.check(before, pay, ALICE));
    valid(both.check(after, pay, ALICE));
    valid(newOne.check(after, pay, ALICE));
    assertThat(newOne.check(before, pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.UNKNOWN_KEY));
    assertThat(tokens.check(after, pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.UNKNOWN_KEY));
  }

  @Test
  void anotherSecretUnderTheSameIdIsAForgery() {
    OperationTokens other =
        OperationTokens.builder().key("k1", secret(2)).clock(this::time).build();

    assertThat(tokens.check(other.issue(pay, ALICE, HOUR).token(), pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.FORGED));
  }

  @Test
  void withoutAKeyAProcessKnowsItsOwnTokensOnly() {
    OperationTokens here = OperationTokens.builder().build();
    OperationTokens there = OperationTokens.builder().build();
    String token = here.issue(pay, ALICE, HOUR).token();

    assertThat(here.isOfThisProcess()).isTrue();
    assertThat(tokens.isOfThisProcess()).isFalse();
    valid(here.check(token, pay, ALICE));
    assertThat(there.check(token, pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.UNKNOWN_KEY));
  }

  @Test
  void aShortSecretIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OperationTokens.builder().key("k1", new byte[31]))
        .withMessageContaining("at least 32 bytes, found 31");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "k\u00e9", "12345678901234567", "a:b"})
  void whatIsNoKeyIdIsRefused(String id) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OperationTokens.builder().key(id, secret(1)))
        .withMessageContaining("1 to 16 letters");
  }

  @Test
  void whichKeySignsHasToBeClear() {
    OperationTokens.Builder two =
        OperationTokens.builder().key("k1", secret(1)).key("k2", secret(2));

    assertThatIllegalStateException().isThrownBy(two::build).withMessageContaining("none is named");
    assertThatIllegalStateException()
        .isThrownBy(two.signWith("k3")::build)
        .withMessageContaining("not among");
    assertThatIllegalStateException()
        .isThrownBy(OperationTokens.builder().signWith("k1")::build)
        .withMessageContaining("not among");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> two.key("k1", secret(3)))
        .withMessageContaining("two signing keys");
  }

  // ---- time

  @Test
  void aTokenIsGoodUntilItsExpiryAndNotAtIt() {
    IssuedToken token = tokens.issue(pay, ALICE, HOUR);

    assertThat(token.expiresAt()).isEqualTo(time().plus(HOUR));
    now.addAndGet(HOUR.toMillis() - 1);
    valid(tokens.check(token.token(), pay, ALICE));
    now.addAndGet(1);
    assertThat(tokens.check(token.token(), pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.EXPIRED));
  }

  @Test
  void aTokenFromFurtherAheadThanClocksMayDifferIsRefused() {
    String ahead = node(SKEW, SKEW).issue(pay, ALICE, HOUR).token();
    String tooFarAhead = node(SKEW.plusMillis(1), SKEW).issue(pay, ALICE, HOUR).token();

    valid(tokens.check(ahead, pay, ALICE));
    assertThat(tokens.check(tooFarAhead, pay, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.FROM_THE_FUTURE));
  }

  @Test
  void aTokenIsNotIssuedForLongerThanItsRecordIsKept() {
    Duration longest = Duration.ofHours(2).minus(SKEW);

    assertThat(tokens.longestValidity(pay)).isEqualTo(longest);
    tokens.issue(pay, ALICE, longest);
    for (Duration wrong :
        new Duration[] {longest.plusNanos(1), Duration.ZERO, Duration.ofDays(9_999_999)}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokens.issue(pay, ALICE, wrong))
          .withMessageContaining("'pay'")
          .withMessageContaining("PT1H55M");
    }
  }

  @Test
  void aRetentionThatWasShortenedHoldsForTokensThatAreOutAlready() {
    String token = tokens.issue(pay, ALICE, HOUR).token();
    Operation<@Nullable Void> shortened = operation("pay", Duration.ofMinutes(15));

    now.addAndGet(Duration.ofMinutes(10).toMillis() - 1);
    valid(tokens.check(token, shortened, ALICE));
    now.addAndGet(1);
    assertThat(tokens.check(token, shortened, ALICE))
        .isEqualTo(new TokenCheck.Refused(Reason.EXPIRED));
  }

  /**
   * Two nodes whose clocks differ by as much as they may, a token of the longest validity, used at
   * any time after its issue: as long as either node accepts it, its use is on record.
   */
  @ParameterizedTest
  @ValueSource(longs = {-300, -299, 0, 150, 299, 300})
  void aUsedTokenIsNeverAcceptedAfterItsRecordIsGone(long secondsAhead) {
    OperationTokens one = node(Duration.ofSeconds(secondsAhead), SKEW);
    OperationTokens other = node(Duration.ZERO, SKEW);

    for (Duration usedAfter :
        new Duration[] {Duration.ZERO, Duration.ofSeconds(1), SKEW, HOUR, SKEW.plus(HOUR)}) {
      for (OperationTokens issuer : new OperationTokens[] {one, other}) {
        assertThat(runsOf(issuer, one, other, usedAfter)).as("used after %s", usedAfter).isOne();
      }
    }
  }

  /** Without the allowance for clocks there is a second effect, so the test above can find one. */
  @Test
  void withoutTheAllowanceForClocksAUsedTokenRunsAgain() {
    OperationTokens one = node(Duration.ZERO, Duration.ZERO);
    OperationTokens behind = node(Duration.ofMinutes(-5), Duration.ZERO);

    assertThat(runsOf(one, one, behind, Duration.ZERO)).isEqualTo(2);
  }

  private int runsOf(
      OperationTokens issuer, OperationTokens one, OperationTokens other, Duration usedAfter) {
    AtomicInteger runs = new AtomicInteger();
    String token = issuer.issue(pay, ALICE, issuer.longestValidity(pay)).token();
    now.addAndGet(usedAfter.toMillis());
    use(one, token, runs);
    use(other, token, runs);
    long end = now.get() + pay.retention().multipliedBy(2).toMillis();
    while (now.get() < end) {
      use(one, token, runs);
      use(other, token, runs);
      now.addAndGet(997);
    }
    return runs.get();
  }

  /** What an endpoint does with a token. */
  private void use(OperationTokens node, String token, AtomicInteger runs) {
    if (node.check(token, pay, ALICE) instanceof TokenCheck.Valid valid) {
      pay.execute(
          valid.key(),
          () -> {
            runs.incrementAndGet();
            return null;
          });
    }
  }

  private Operation<@Nullable Void> operation(String name, Duration retention) {
    return engine.operation(name).retention(retention).build();
  }

  private OperationTokens node(Duration ahead, Duration skew) {
    return OperationTokens.builder()
        .key("k1", secret(1))
        .clock(() -> time().plus(ahead))
        .clockSkew(skew)
        .build();
  }

  private Instant time() {
    return Instant.ofEpochMilli(now.get());
  }

  private static byte[] secret(int seed) {
    byte[] secret = new byte[32];
    Arrays.fill(secret, (byte) seed);
    return secret;
  }

  private static byte[] bytesOf(String token) {
    return Base64.getUrlDecoder().decode(token.substring(OperationTokens.PREFIX.length()));
  }

  private static String text(byte[] bytes) {
    return OperationTokens.PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static TokenCheck.Valid valid(TokenCheck check) {
    assertThat(check).isInstanceOf(TokenCheck.Valid.class);
    return (TokenCheck.Valid) check;
  }
}
