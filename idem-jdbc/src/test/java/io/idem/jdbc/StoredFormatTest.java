package io.idem.jdbc;

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
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows that an earlier version has written mean what they meant. */
class StoredFormatTest {

  private static final Fingerprint FINGERPRINT =
      Fingerprint.fromBytes(HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f"));

  @ParameterizedTest
  @EnumSource
  void rowsOfSchema1AreReadForEver(Backend backend) {
    TestDatabase database = backend.prepared();
    Map<String, RecordId> ids = insertRows(database);
    IdempotencyStore store = database.leased();

    Claim.Running running = (Claim.Running) store.claim(claimOf(ids, "running"));
    assertThat(running.fingerprint()).isEqualTo(FINGERPRINT);
    assertThat(running.leaseLeft()).isGreaterThan(Duration.ofDays(365));
    assertThat(store.claim(claimOf(ids, "abandoned")))
        .isEqualTo(new Claim.Abandoned(FINGERPRINT, 3));
    assertThat(store.claim(claimOf(ids, "incomparable")))
        .isEqualTo(new Claim.Abandoned(Fingerprint.NONE, 1));
    assertThat(store.claim(claimOf(ids, "result")))
        .isEqualTo(new Claim.Completed(FINGERPRINT, StoredOutcome.result(utf8("ok"))));
    assertThat(store.claim(claimOf(ids, "failure")))
        .isEqualTo(new Claim.Completed(FINGERPRINT, StoredOutcome.failure("fail", utf8("bad"))));
    assertThat(store.claim(claimOf(ids, "done")))
        .isEqualTo(new Claim.Completed(FINGERPRINT, StoredOutcome.done()));
    assertThat(store.claim(claimOf(ids, "transaction")))
        .isEqualTo(new Claim.Completed(Fingerprint.NONE, StoredOutcome.nullResult()));
    assertThat(store.claim(claimOf(ids, "expired"))).isInstanceOf(Claim.Acquired.class);
  }

  @ParameterizedTest
  @EnumSource
  void ownersOfSchema1StillOwnTheirKeys(Backend backend) {
    TestDatabase database = backend.prepared();
    Map<String, RecordId> ids = insertRows(database);
    IdempotencyStore store = database.leased();

    Lease running = new Lease(id(ids, "running"), token(1), 1);
    assertThat(store.renew(running, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    assertThat(store.complete(running, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(store.release(new Lease(id(ids, "abandoned"), token(2), 3)))
        .isEqualTo(LeaseCheck.HELD);
    ClaimRequest takeOver = Requests.takeOverOf(id(ids, "incomparable"));
    assertThat(store.claim(takeOver))
        .isEqualTo(new Claim.Acquired(new Lease(takeOver.id(), takeOver.token(), 2)));
    assertThat(
            store.complete(
                new Lease(id(ids, "result"), token(4), 1),
                StoredOutcome.done(),
                Requests.RETENTION))
        .as("repeated")
        .isEqualTo(LeaseCheck.HELD);
  }

  private static ClaimRequest claimOf(Map<String, RecordId> ids, String row) {
    return Requests.with(Requests.claimOf(id(ids, row)), FINGERPRINT);
  }

  private static RecordId id(Map<String, RecordId> ids, String row) {
    RecordId id = ids.get(row);
    if (id == null) {
      throw new AssertionError("No row " + row);
    }
    return id;
  }

  private static OwnerToken token(int number) {
    byte[] bytes = HexFormat.of().parseHex("c0ffee00c0ffee00c0ffee00c0ffee0" + number);
    return OwnerToken.fromBytes(bytes);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Map<String, RecordId> insertRows(TestDatabase database) {
    Map<String, RecordId> ids = new LinkedHashMap<>();
    boolean uuids = database.dialect() == Dialect.POSTGRESQL;
    try (Connection connection = database.dataSource().getConnection();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO idem_record (lease_until, expires_at, created_at, attempt, state, id,"
                    + " owner_token, fingerprint, idempotency_key, outcome)"
                    + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
      for (String line : lines()) {
        String[] row = line.split("\\|", -1);
        for (int column = 1; column <= 5; column++) {
          if (row[column].isEmpty()) {
            insert.setNull(column, Types.BIGINT);
          } else {
            insert.setLong(column, Long.parseLong(row[column]));
          }
        }
        insert.setObject(6, sixteenBytes(row[6], uuids), uuids ? Types.OTHER : Types.BINARY);
        insert.setObject(7, sixteenBytes(row[7], uuids), uuids ? Types.OTHER : Types.BINARY);
        insert.setBytes(8, bytes(row[8]));
        insert.setString(9, row[9].isEmpty() ? null : row[9]);
        insert.setBytes(10, bytes(row[10]));
        insert.executeUpdate();
        ids.put(row[0].strip(), RecordId.fromBytes(HexFormat.of().parseHex(row[6])));
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
    return ids;
  }

  private static @Nullable Object sixteenBytes(String hex, boolean uuids) {
    byte[] bytes = bytes(hex);
    if (bytes == null || !uuids) {
      return bytes;
    }
    ByteBuffer longs = ByteBuffer.wrap(bytes);
    return new UUID(longs.getLong(), longs.getLong());
  }

  private static byte @Nullable [] bytes(String hex) {
    return hex.isEmpty() ? null : HexFormat.of().parseHex(hex);
  }

  private static Iterable<String> lines() {
    try (InputStream in = StoredFormatTest.class.getResourceAsStream("rows-of-schema-1.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
