package io.idem.redis.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Fingerprint;
import io.idem.core.store.OwnerToken;
import org.junit.jupiter.api.Test;

class OwnRecordsTest {

  private static final OwnerToken TOKEN = new OwnerToken(7, 1);

  /** In the same place as the other. */
  private static final OwnerToken RIVAL = new OwnerToken(7, 1 + (1L << 40));

  private final OwnRecords own = new OwnRecords();

  private static byte[] record(OwnerToken token) {
    return StoredRecord.running(token, 1, Fingerprint.of("request"));
  }

  @Test
  void aRecordIsTakenOnce() {
    own.put(TOKEN, record(TOKEN));
    assertThat(own.take(RIVAL)).isNull();
    assertThat(own.take(TOKEN)).isEqualTo(record(TOKEN));
    assertThat(own.take(TOKEN)).isNull();
  }

  @Test
  void whoComesLaterNeedsThePlace() {
    own.put(TOKEN, record(TOKEN));
    own.put(RIVAL, record(RIVAL));
    assertThat(own.take(TOKEN)).isNull();
    assertThat(own.take(RIVAL)).isEqualTo(record(RIVAL));
  }

  /** The tokens of a node count up. */
  @Test
  void asManyAsThereArePlacesAreKept() {
    for (int i = 0; i < 1 << 14; i++) {
      OwnerToken token = new OwnerToken(7, 1_000 + i);
      own.put(token, record(token));
    }
    for (int i = 0; i < 1 << 14; i++) {
      assertThat(own.take(new OwnerToken(7, 1_000 + i))).isNotNull();
    }
  }
}
