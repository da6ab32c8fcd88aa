package io.idem.guard;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The rules of versions, without a database. */
class VersionRulesTest {

  @Test
  void theNewestWins() {
    assertThat(VersionRules.newestWins(null, Long.MIN_VALUE).isApplied()).isTrue();
    assertThat(VersionRules.newestWins(6L, 7)).isEqualTo(new VersionWrite.Applied(7));
    assertThat(VersionRules.newestWins(7L, 7)).isEqualTo(new VersionWrite.Repeat(7));
    assertThat(VersionRules.newestWins(8L, 7)).isEqualTo(new VersionWrite.Stale(8L));
    // Beyond the cache of boxed numbers.
    assertThat(VersionRules.newestWins(100_000L, 100_000))
        .isEqualTo(new VersionWrite.Repeat(100_000));
  }

  @Test
  void anEditorWritesTheNextVersion() {
    assertThat(VersionRules.compareAndSet(100_000L, 100_000))
        .isEqualTo(new VersionWrite.Applied(100_001));
    assertThat(VersionRules.compareAndSet(8L, 7)).isEqualTo(new VersionWrite.Stale(8L));
    assertThat(VersionRules.compareAndSet(null, 0)).isEqualTo(new VersionWrite.Stale(null));
  }

  @Test
  void theFirstOfTheNewestSpeaksForItsRow() {
    assertThat(
            VersionRules.leaders(
                List.of("a", "b", "a", "a", "b"), List.of(1L, 500L, 300L, 300L, 400L)))
        .containsExactly(2, 1, 2, 2, 1);
  }

  @Test
  void theOthersAreAnsweredAsIfTheyCameLater() {
    VersionWrite applied = new VersionWrite.Applied(7);
    VersionWrite repeat = new VersionWrite.Repeat(7);
    VersionWrite stale = new VersionWrite.Stale(9L);

    assertThat(VersionRules.following(applied, 7, 7)).isEqualTo(new VersionWrite.Repeat(7));
    assertThat(VersionRules.following(applied, 7, 6)).isEqualTo(new VersionWrite.Stale(7L));
    assertThat(VersionRules.following(repeat, 7, 7)).isEqualTo(repeat);
    assertThat(VersionRules.following(repeat, 7, 6)).isEqualTo(new VersionWrite.Stale(7L));
    assertThat(VersionRules.following(stale, 7, 6)).isEqualTo(stale);
    assertThat(VersionRules.following(new VersionWrite.NotFound(), 7, 7))
        .isEqualTo(new VersionWrite.NotFound());
  }
}
