package io.idem.guard;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What became of an object that was to change its state. All of these are expected answers.
 *
 * @param <S> the states
 */
public sealed interface Transition<S extends Enum<S>> {

  /**
   * It was in a state that leads there, and now is there.
   *
   * @param to the state it is in now
   * @param <S> the states
   */
  record Applied<S extends Enum<S>>(S to) implements Transition<S> {}

  /**
   * It was there already: a repeat. Nothing changed.
   *
   * @param current the state it is in
   * @param <S> the states
   */
  record AlreadyThere<S extends Enum<S>>(S current) implements Transition<S> {}

  /**
   * It is in a later state: a late repeat, or news that was overtaken. Nothing changed.
   *
   * <p>The object has been in the state that was asked for, unless it began elsewhere than the
   * machine says or the machine is ordered and lets steps be skipped: then the news of a step that
   * was skipped comes late.
   *
   * @param current the state it is in
   * @param <S> the states
   */
  record AlreadyPast<S extends Enum<S>>(S current) implements Transition<S> {}

  /**
   * It is in a state from which it may not go there. Nothing changed.
   *
   * @param current the state it is in
   * @param to the state it was to be in
   * @param <S> the states
   */
  record Illegal<S extends Enum<S>>(S current, S to) implements Transition<S> {}

  /**
   * There is no such object.
   *
   * @param <S> the states
   */
  record NotFound<S extends Enum<S>>() implements Transition<S> {}

  /**
   * Turns each kind of answer into one thing.
   *
   * @param applied for {@link Applied}
   * @param alreadyThere for {@link AlreadyThere}
   * @param alreadyPast for {@link AlreadyPast}
   * @param illegal for {@link Illegal}
   * @param notFound for {@link NotFound}
   * @param <R> what they become
   * @return what the function of this answer's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Applied<S>, R> applied,
      Function<AlreadyThere<S>, R> alreadyThere,
      Function<AlreadyPast<S>, R> alreadyPast,
      Function<Illegal<S>, R> illegal,
      Function<NotFound<S>, R> notFound) {
    if (this instanceof Applied<S> answer) {
      return applied.apply(answer);
    } else if (this instanceof AlreadyThere<S> answer) {
      return alreadyThere.apply(answer);
    } else if (this instanceof AlreadyPast<S> answer) {
      return alreadyPast.apply(answer);
    } else if (this instanceof Illegal<S> answer) {
      return illegal.apply(answer);
    } else {
      return notFound.apply((NotFound<S>) this);
    }
  }

  /**
   * Whether the state changed.
   *
   * @return true for {@link Applied}: the caller does what belongs to the transition
   */
  default boolean isApplied() {
    return this instanceof Applied;
  }

  /**
   * Whether it had changed before.
   *
   * @return true for {@link AlreadyThere} and {@link AlreadyPast}: there is nothing left to do
   */
  default boolean isRepeat() {
    return this instanceof AlreadyThere || this instanceof AlreadyPast;
  }

  /**
   * Refuses an illegal transition.
   *
   * @return this answer, which is none of {@link Illegal}
   * @throws IllegalTransitionException if it is
   */
  default Transition<S> orElseThrow() {
    if (this instanceof Illegal<S> answer) {
      throw new IllegalTransitionException(answer.current(), answer.to());
    }
    return this;
  }
}
