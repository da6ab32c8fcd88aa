package io.idem.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MetRecordsTest {

  private final MetRecords met = new MetRecords();
  private final Random random = new Random(1);

  @Test
  void knowsWhatItHasMetAndNothingElse() {
    RecordId id = id();
    assertThat(met.mayContain(id)).isFalse();
    met.add(id);
    met.add(id);
    assertThat(met.mayContain(id)).isTrue();
    assertThat(met.mayContain(id())).isFalse();
  }

  /** Each of them would share a place with another every now and then if it had only one. */
  @Test
  void thousandsThatAreMetTogetherDoNotPutEachOtherOut() {
    List<RecordId> ids = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      ids.add(id());
    }
    ids.forEach(met::add);
    assertThat(ids).allMatch(met::mayContain);
  }

  @Test
  void newOnesTakeThePlaceOfOldOnes() {
    for (int i = 0; i < 100_000; i++) {
      RecordId id = id();
      met.add(id);
      assertThat(met.mayContain(id)).isTrue();
    }
  }

  private RecordId id() {
    return new RecordId(random.nextLong(), random.nextLong());
  }
}
