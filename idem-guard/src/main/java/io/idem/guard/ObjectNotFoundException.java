package io.idem.guard;

/** There is no object whose state could change. Nothing changed. */
public class ObjectNotFoundException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Enum<?> to;

  /**
   * Creates the exception.
   *
   * @param to the state it was to be in
   */
  public ObjectNotFoundException(Enum<?> to) {
    super(
        "There is no object with this id whose "
            + to.getDeclaringClass().getSimpleName()
            + " could change to "
            + to.name());
    this.to = to;
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
