package io.idem.guard;

/** An object is in a state from which it may not go where it was to go. Nothing changed. */
public class IllegalTransitionException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Enum<?> current;
  private final Enum<?> to;

  /**
   * Creates the exception.
   *
   * @param current the state it is in
   * @param to the state it was to be in
   */
  public IllegalTransitionException(Enum<?> current, Enum<?> to) {
    super(
        to.getDeclaringClass().getSimpleName()
            + " cannot change from "
            + current.name()
            + " to "
            + to.name());
    this.current = current;
    this.to = to;
  }

  /**
   * The state it is in.
   *
   * @return the state
   */
  public Enum<?> current() {
    return current;
  }

  /**
   * The state it was to be in.
   *
   * @return the state
   */
  public Enum<?> to() {
    return to;
  }
}
