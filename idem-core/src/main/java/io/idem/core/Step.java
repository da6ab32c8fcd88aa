package io.idem.core;

import io.idem.core.internal.Unicode;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;

/**
 * What a body does at one other system, and how it is recorded: a recovery point of its operation.
 *
 * <p>Run by {@link Attempt#step(Step, StepBody)}. Immutable and thread-safe: each of the methods
 * that set something answers with a changed copy. Every setting has a default.
 *
 * @param <T> the type of its result
 */
public final class Step<T extends @Nullable Object> {

  /** The most characters a step's name may have. */
  public static final int MAX_NAME_LENGTH = 200;

  private final String name;
  private final @Nullable Class<?> resultType;
  private final @Nullable ResultCodec<T> codec;
  private final List<FailureMapping<?>> recordedFailures;
  private final List<Class<? extends Throwable>> releasingFailures;
  private final AbandonedPolicy<T> abandoned;

  private Step(
      String name,
      @Nullable Class<?> resultType,
      @Nullable ResultCodec<T> codec,
      List<FailureMapping<?>> recordedFailures,
      List<Class<? extends Throwable>> releasingFailures,
      AbandonedPolicy<T> abandoned) {
    this.name = name;
    this.resultType = resultType;
    this.codec = codec;
    this.recordedFailures = recordedFailures;
    this.releasingFailures = releasingFailures;
    this.abandoned = abandoned;
  }

  /**
   * A step without a result.
   *
   * @param name what tells it from the other steps of its operation; 1 to {@value #MAX_NAME_LENGTH}
   *     characters
   * @return the step
   * @throws IllegalArgumentException if the name is empty, too long or not valid Unicode
   */
  public static Step<@Nullable Void> of(String name) {
    return of(name, ResultCodec.none());
  }

  /**
   * A step whose result is stored by the engine's codecs.
   *
   * @param name what tells it from the other steps of its operation; 1 to {@value #MAX_NAME_LENGTH}
   *     characters
   * @param resultType the type of its result
   * @param <T> the type of its result
   * @return the step
   * @throws IllegalArgumentException if the name is empty, too long or not valid Unicode
   */
  public static <T> Step<T> of(String name, Class<T> resultType) {
    return new Step<>(
        checked(name), resultType, null, List.of(), List.of(), new AbandonedPolicy.Retry<>());
  }

  /**
   * A step with a codec of its own.
   *
   * @param name what tells it from the other steps of its operation; 1 to {@value #MAX_NAME_LENGTH}
   *     characters
   * @param codec how its result is stored
   * @param <T> the type of its result
   * @return the step
   * @throws IllegalArgumentException if the name is empty, too long or not valid Unicode
   */
  public static <T extends @Nullable Object> Step<T> of(String name, ResultCodec<T> codec) {
    return new Step<>(
        checked(name), null, codec, List.of(), List.of(), new AbandonedPolicy.Retry<>());
  }

  private static String checked(String name) {
    if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
      throw new IllegalArgumentException(
          "The name of a step has 1 to " + MAX_NAME_LENGTH + " characters, found " + name.length());
    }
    Unicode.requireWellFormed("name of a step", name);
    return name;
  }

  /**
   * Stores failures of this type, so that every re-run of the operation meets them alike.
   *
   * @param mapping how the failure is stored and thrown again
   * @return a copy
   */
  public Step<T> recordFailure(FailureMapping<?> mapping) {
    return new Step<>(
        name, resultType, codec, plus(recordedFailures, mapping), releasingFailures, abandoned);
  }

  /**
   * Forgets the step when its body throws this type, which promises that nothing happened.
   *
   * @param type the exceptions, subclasses included
   * @return a copy
   */
  public Step<T> releaseOn(Class<? extends Throwable> type) {
    return new Step<>(
        name, resultType, codec, recordedFailures, plus(releasingFailures, type), abandoned);
  }

  /**
   * What a re-run does that finds that the step was begun and nobody knows how it ended.
   *
   * <ul>
   *   <li>{@link AbandonedPolicy.Retry}, by default: it is run again with the same outgoing key, by
   *       which the other system has to know it again.
   *   <li>{@link AbandonedPolicy.Refuse}: {@link OutcomeUnknownException}, for systems that take no
   *       key.
   *   <li>{@link AbandonedPolicy.Recover}: the other system is asked. {@link Attempt#number()} is
   *       then the step's own, and {@link Attempt#outgoingKey} gives the keys of the operation.
   * </ul>
   *
   * @param policy the policy
   * @return a copy
   */
  public Step<T> onAbandoned(AbandonedPolicy<T> policy) {
    return new Step<>(name, resultType, codec, recordedFailures, releasingFailures, policy);
  }

  @NullUnmarked // a body without a result gives null, which the checker does not see
  static <X extends Throwable> StepBody<Void, X> bodyOf(StepAction<X> action) {
    Objects.requireNonNull(action, "action");
    return outgoingKey -> {
      action.run(outgoingKey);
      return null;
    };
  }

  private static <E> List<E> plus(List<E> list, E one) {
    return Stream.concat(list.stream(), Stream.of(one)).toList();
  }

  /**
   * What tells the step from the others of its operation.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * How its result is stored.
   *
   * @param codecs the engine's codecs, for a step that names a type
   * @return its own codec, or the engine's for the type
   * @throws IllegalArgumentException if there is no codec for the type
   */
  @SuppressWarnings("unchecked") // a factory answers with a codec for exactly the type asked for
  public ResultCodec<T> codec(ResultCodecFactory codecs) {
    if (codec != null) {
      return codec;
    }
    return (ResultCodec<T>)
        codecs.codecFor(Optional.<Class<?>>ofNullable(resultType).orElseThrow());
  }

  /**
   * The failures that are stored.
   *
   * @return an immutable list, in the order they were declared in
   */
  public List<FailureMapping<?>> recordedFailures() {
    return recordedFailures;
  }

  /**
   * The failures that promise that nothing happened.
   *
   * @return an immutable list
   */
  public List<Class<? extends Throwable>> releasingFailures() {
    return releasingFailures;
  }

  /**
   * What a re-run does that finds the step abandoned.
   *
   * @return the policy
   */
  public AbandonedPolicy<T> abandoned() {
    return abandoned;
  }

  @Override
  public String toString() {
    return "Step[" + name + "]";
  }
}
