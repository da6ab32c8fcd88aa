package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Records that an earlier version has written mean what they meant, and are written alike. */
class StoredFormatTest {

  private static final Fingerprint FINGERPRINT =
      Fingerprint.fromBytes(HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f"));

  private static final long CENTURY = Duration.ofDays(36_500).toMillis();

  /** What the test itself may take. */
  private static final Duration SLACK = Duration.ofSeconds(30);

  private final TestNode node = TestNode.to(servers().standalone());
  private final IdempotencyStore store = node.store();
  private final Map<String, byte[]> format1 = records("records-of-format-1.txt");
  private final Map<String, byte[]> format2 = records("records-of-format-2.txt");

  Servers servers() {
    return Servers.EMBEDDED;
  }

  @AfterEach
  void close() {
    node.close();
  }

  @Test
  void recordsOfFormat1AreReadForEver() {
    Claim.Running running = (Claim.Running) store.claim(claimOf(stored("running")));
    assertThat(running.fingerprint()).isEqualTo(FINGERPRINT);
    assertThat(running.leaseLeft()).isGreaterThan(Duration.ofDays(365));
    assertThat(store.claim(claimOf(stored("abandoned"))))
        .isEqualTo(new Claim.Abandoned(FINGERPRINT, 3));
    assertThat(store.claim(claimOf(stored("incomparable"))))
        .isEqualTo(new Claim.Abandoned(Fingerprint.NONE, 1));
    assertThat(store.claim(claimOf(stored("result"))))
        .isEqualTo(new Claim.Completed(FINGERPRINT, StoredOutcome.result(utf8("ok"))));
    assertThat(store.claim(claimOf(stored("failure"))))
        .isEqualTo(new Claim.Completed(FINGERPRINT, StoredOutcome.failure("fail", utf8("bad"))));
    assertThat(store.claim(claimOf(stored("done"))))
        .isEqualTo(new Claim.Completed(Fingerprint.NONE, StoredOutcome.done()));
  }

  @Test
  void ownersOfFormat1StillOwnTheirKeys() {
    Lease running = new Lease(stored("running"), token(1), 1);
    assertThat(store.renew(running, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    assertThat(store.complete(running, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(store.release(new Lease(stored("abandoned"), token(2), 3)))
        .isEqualTo(LeaseCheck.HELD);
    ClaimRequest takeOver = claimOf(stored("incomparable")).withTakeOver(true);
    assertThat(store.claim(takeOver))
        .isEqualTo(new Claim.Acquired(new Lease(takeOver.id(), takeOver.token(), 2)));
    Lease completed = new Lease(stored("result"), token(4), 1);
    assertThat(store.complete(completed, StoredOutcome.done(), Requests.RETENTION))
        .as("repeated")
        .isEqualTo(LeaseCheck.HELD);
  }

  @Test
  void whoeverTouchesARunOfFormat1BringsItIntoFormat2() {
    Lease running = new Lease(stored("running"), token(1), 1);
    Duration left = ((Claim.Running) store.claim(claimOf(running.id()))).leaseLeft();
    assertThat((byte[]) node.send("GET", running.id()))
        .as("with the mark of who waits")
        .isEqualTo(format2.get("waited-for"));
    assertThat((Long) node.send("PTTL", running.id()))
        .isBetween(CENTURY + left.minus(SLACK).toMillis(), CENTURY + left.toMillis());
    assertThat(((Claim.Running) store.claim(claimOf(running.id()))).leaseLeft())
        .isBetween(left.minus(SLACK), left);
    assertThat(store.renew(running, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    assertThat((Long) node.send("PTTL", running.id()))
        .isBetween(CENTURY, CENTURY + Requests.LEASE.toMillis());

    Lease abandoned = new Lease(stored("abandoned"), token(2), 3);
    assertThat(store.renew(abandoned, Duration.ZERO)).isEqualTo(LeaseCheck.HELD);
    assertThat((byte[]) node.send("GET", abandoned.id())).isEqualTo(format2.get("thrice"));
  }

  @Test
  void aRunOfFormat1ThatWasToBeForgottenStillIs() {
    RecordId id = Requests.newId();
    node.send("SET", id, format1.get("abandoned"), "PX", "100000");

    assertThat(store.claim(claimOf(id))).isEqualTo(new Claim.Abandoned(FINGERPRINT, 3));
    assertThat((Long) node.send("PTTL", id)).isBetween(100_000 - SLACK.toMillis(), 100_000L);
  }

  @Test
  void strangersOwnNothingOfFormat1() {
    for (String name : List.of("running", "abandoned", "incomparable", "result")) {
      Lease stranger = new Lease(stored(name), token(9), 1);
      assertThat(store.complete(stranger, StoredOutcome.done(), Requests.RETENTION))
          .isEqualTo(LeaseCheck.LOST);
      assertThat(store.renew(stranger, Requests.LEASE)).isEqualTo(LeaseCheck.LOST);
      assertThat(store.release(stranger)).isEqualTo(LeaseCheck.LOST);
    }
  }

  @Test
  void recordsOfFormat2AreReadForEver() {
    for (String name : List.of("running", "waited-for")) {
      assertThat(store.claim(claimOf(stored(name, CENTURY + 60_000))))
          .isInstanceOfSatisfying(
              Claim.Running.class,
              running -> {
                assertThat(running.fingerprint()).isEqualTo(FINGERPRINT);
                assertThat(running.leaseLeft())
                    .isBetween(Duration.ofMinutes(1).minus(SLACK), Duration.ofMinutes(1));
              });
    }
    assertThat(store.claim(claimOf(stored("thrice", CENTURY))))
        .isEqualTo(new Claim.Abandoned(FINGERPRINT, 3));
    RecordId withoutExpiry = stored("thrice", CENTURY);
    node.send("PERSIST", withoutExpiry);
    assertThat(store.claim(claimOf(withoutExpiry))).isEqualTo(new Claim.Abandoned(FINGERPRINT, 3));
    assertThat(store.claim(claimOf(stored("incomparable", CENTURY))))
        .isEqualTo(new Claim.Abandoned(Fingerprint.NONE, 1));
    assertThat(store.claim(claimOf(stored("result", 60_000))))
        .isEqualTo(new Claim.Completed(FINGERPRINT, StoredOutcome.result(utf8("ok"))));
    assertThat(store.claim(claimOf(stored("failure", 60_000))))
        .isEqualTo(new Claim.Completed(FINGERPRINT, StoredOutcome.failure("fail", utf8("bad"))));
    assertThat(store.claim(claimOf(stored("done", 60_000))))
        .isEqualTo(new Claim.Completed(Fingerprint.NONE, StoredOutcome.done()));
  }

  @Test
  void recordsAreWrittenInFormat2() {
    Lease run = acquired(under(claimOf(Requests.newId()), token(1)));
    assertThat((byte[]) node.send("GET", run.id())).isEqualTo(format2.get("running"));
    store.claim(claimOf(run.id()));
    assertThat((byte[]) node.send("GET", run.id())).isEqualTo(format2.get("waited-for"));

    Lease thrice = acquired(under(claimOf(Requests.newId()), token(7)));
    for (int owner : new int[] {8, 2}) {
      node.age(thrice.id(), Requests.LEASE.plusSeconds(1));
      acquired(under(claimOf(thrice.id()), token(owner)).withTakeOver(true));
    }
    assertThat((byte[]) node.send("GET", thrice.id())).isEqualTo(format2.get("thrice"));

    Lease answered = acquired(under(claimOf(Requests.newId()), token(4)));
    store.complete(answered, StoredOutcome.result(utf8("ok")), Requests.RETENTION);
    assertThat((byte[]) node.send("GET", answered.id())).isEqualTo(format2.get("result"));

    ClaimRequest incomparable =
        under(Requests.with(claimOf(Requests.newId()), Fingerprint.NONE), token(6));
    store.complete(acquired(incomparable), StoredOutcome.done(), Requests.RETENTION);
    assertThat((byte[]) node.send("GET", incomparable.id())).isEqualTo(format2.get("done"));
  }

  private Lease acquired(ClaimRequest request) {
    return ((Claim.Acquired) store.claim(request)).lease();
  }

  /** A record of format 1, without an expiry. */
  private RecordId stored(String name) {
    RecordId id = Requests.newId();
    node.send("SET", id, format1.get(name));
    return id;
  }

  /** A record of format 2. */
  private RecordId stored(String name, long expiryMillis) {
    RecordId id = Requests.newId();
    node.send("SET", id, format2.get(name), "PX", expiryMillis);
    return id;
  }

  private static ClaimRequest under(ClaimRequest request, OwnerToken token) {
    return new ClaimRequest(
        request.id(),
        request.label(),
        request.fingerprint(),
        token,
        request.leaseFor(),
        request.retention(),
        request.takeOver());
  }

  private static ClaimRequest claimOf(RecordId id) {
    return Requests.with(Requests.claimOf(id), FINGERPRINT);
  }

  private static OwnerToken token(int number) {
    byte[] bytes = HexFormat.of().parseHex("c0ffee00c0ffee00c0ffee00c0ffee0" + number);
    return OwnerToken.fromBytes(bytes);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Map<String, byte[]> records(String file) {
    try (InputStream in = StoredFormatTest.class.getResourceAsStream(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split(" +", 2))
          .collect(
              Collectors.toMap(
                  line -> line[0], line -> HexFormat.of().parseHex(line[1].replace(" ", ""))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
