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
import io.idem.testkit.TestRedis;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Records that an earlier version has written mean what they meant, and are written alike. */
class StoredFormatTest {

  private static final Fingerprint FINGERPRINT =
      Fingerprint.fromBytes(HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f"));

  private final TestNode node = TestNode.to(TestRedis.standalone());
  private final IdempotencyStore store = node.store();
  private final Map<String, byte[]> records = records();

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
  void recordsAreWrittenInFormat1() {
    Lease run = acquired(Requests.with(claimOf(Requests.newId()), token(1)));
    byte[] running = (byte[]) node.send("GET", run.id());
    byte[] expected = records.get("running");
    // All but the end of the lease.
    System.arraycopy(running, 22, expected, 22, 6);
    assertThat(running).isEqualTo(expected);

    Lease answered = acquired(Requests.with(claimOf(Requests.newId()), token(4)));
    store.complete(answered, StoredOutcome.result(utf8("ok")), Requests.RETENTION);
    assertThat((byte[]) node.send("GET", answered.id())).isEqualTo(records.get("result"));

    ClaimRequest incomparable =
        Requests.with(Requests.with(claimOf(Requests.newId()), token(6)), Fingerprint.NONE);
    store.complete(acquired(incomparable), StoredOutcome.done(), Requests.RETENTION);
    assertThat((byte[]) node.send("GET", incomparable.id())).isEqualTo(records.get("done"));
  }

  private Lease acquired(ClaimRequest request) {
    return ((Claim.Acquired) store.claim(request)).lease();
  }

  private RecordId stored(String name) {
    RecordId id = Requests.newId();
    node.send("SET", id, records.get(name));
    return id;
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

  private static Map<String, byte[]> records() {
    try (InputStream in = StoredFormatTest.class.getResourceAsStream("records-of-format-1.txt")) {
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
