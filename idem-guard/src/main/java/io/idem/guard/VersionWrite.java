package io.idem.guard;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What became of a write that carries a version. All of these are expected answers. */
public sealed interface VersionWrite {

  /**
   * It was written.
   *
   * @param version the version that is stored now
   */
  record Applied(long version) implements VersionWrite {}

  /**
   * Exactly this version is stored: a repeat. Nothing changed.
   *
   * @param version the version
   */
  record Repeat(long version) implements VersionWrite {}

  /**
   * Another version is stored, and nothing changed: a newer one where the newest wins, any other
   * than the expected one where versions are compared.
   *
   * @param current the version that is stored; null if none is
   */
  record Stale(@Nullable Long current) implements VersionWrite {}

  /** There is no such row. */
  record NotFound() implements VersionWrite {}

  /**
   * Turns each kind of answer into one thing.
   *
   * @param applied for {@link Applied}
   * @param repeat for {@link Repeat}
   * @param stale for {@link Stale}
   * @param notFound for {@link NotFound}
   * @param <R> what they become
   * @return what the function of this answer's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Applied, R> applied,
      Function<Repeat, R> repeat,
      Function<Stale, R> stale,
      Function<NotFound, R> notFound) {
    if (this instanceof Applied answer) {
      return applied.apply(answer);
    } else if (this instanceof Repeat answer) {
      return repeat.apply(answer);
    } else if (this instanceof Stale answer) {
      return stale.apply(answer);
    } else {
      return notFound.apply((NotFound) this);
    }
  }

  /**
   * Whether it was written.
   *
   * @return true for {@link Applied}
   */
  default boolean isApplied() {
    return this instanceof Applied;
  }
}
