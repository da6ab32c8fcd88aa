package io.idem.guard;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What became of a row that was to be inserted once. All of these are expected answers.
 *
 * @param <T> the row
 */
public sealed interface Insertion<T extends @Nullable Object> {

  /**
   * It was inserted.
   *
   * @param row the row as it stands now
   * @param <T> the row
   */
  record Inserted<T extends @Nullable Object>(T row) implements Insertion<T> {}

  /**
   * A row with this number was there already, and nothing changed. Whether it says the same is for
   * the caller to see.
   *
   * @param row the row that was there
   * @param <T> the row
   */
  record Existing<T extends @Nullable Object>(T row) implements Insertion<T> {}

  /**
   * Another transaction is inserting this number and did not end within the wait bound. Nothing
   * changed, and the transaction can be used on.
   *
   * @param <T> the row
   */
  record Busy<T extends @Nullable Object>() implements Insertion<T> {}

  /**
   * Turns each kind of answer into one thing.
   *
   * @param inserted for {@link Inserted}
   * @param existing for {@link Existing}
   * @param busy for {@link Busy}
   * @param <R> what they become
   * @return what the function of this answer's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Inserted<T>, R> inserted,
      Function<Existing<T>, R> existing,
      Function<Busy<T>, R> busy) {
    if (this instanceof Inserted<T> answer) {
      return inserted.apply(answer);
    } else if (this instanceof Existing<T> answer) {
      return existing.apply(answer);
    } else {
      return busy.apply((Busy<T>) this);
    }
  }

  /**
   * Whether it was inserted.
   *
   * @return true for {@link Inserted}
   */
  default boolean isInserted() {
    return this instanceof Inserted;
  }
}
