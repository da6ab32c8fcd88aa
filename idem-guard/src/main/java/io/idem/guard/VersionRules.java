package io.idem.guard;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What becomes of a write that carries a version, as rules without a database. */
public final class VersionRules {

  private VersionRules() {}

  /**
   * The newest wins: for data that another system pushes, with its own version.
   *
   * @param stored the version of the row; null if it has none yet, which is older than any
   * @param pushed the version of the write
   * @return {@link VersionWrite.Applied}, {@link VersionWrite.Repeat} or {@link VersionWrite.Stale}
   */
  public static VersionWrite newestWins(@Nullable Long stored, long pushed) {
    if (stored == null || stored < pushed) {
      return new VersionWrite.Applied(pushed);
    }
    return stored == pushed ? new VersionWrite.Repeat(pushed) : new VersionWrite.Stale(stored);
  }

  /**
   * Compare and set: for an editor who has read a version and writes the next one.
   *
   * <p>A repeat of the same edit cannot be told from another editor's, and is stale as well.
   *
   * @param stored the version of the row; null if it has none
   * @param expected the version that was read
   * @return {@link VersionWrite.Applied} or {@link VersionWrite.Stale}
   */
  public static VersionWrite compareAndSet(@Nullable Long stored, long expected) {
    return stored != null && stored == expected
        ? new VersionWrite.Applied(expected + 1)
        : new VersionWrite.Stale(stored);
  }

  /**
   * Which write of a batch speaks for its row: the first one of the newest version.
   *
   * @param rows the row of each write
   * @param versions the version of each write
   * @param <K> what tells rows apart
   * @return for each write, the position of the one that speaks for its row
   */
  public static <K> int[] leaders(List<K> rows, List<Long> versions) {
    Map<K, Integer> newest = new HashMap<>();
    for (int i = 0; i < rows.size(); i++) {
      int at = i;
      newest.merge(
          rows.get(i),
          i,
          (leader, next) -> versions.get(leader) < versions.get(at) ? next : leader);
    }
    return rows.stream().mapToInt(newest::get).toArray();
  }

  /**
   * What becomes of a write that does not speak for its row.
   *
   * @param leading what became of the one that does
   * @param newest the version of that one
   * @param version the version of this one, not newer
   * @return as if this one had come after the other
   */
  public static VersionWrite following(VersionWrite leading, long newest, long version) {
    return leading.fold(
        applied -> newestWins(newest, version),
        repeat -> newestWins(newest, version),
        stale -> stale,
        notFound -> notFound);
  }
}
