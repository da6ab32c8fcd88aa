package io.idem.guard;

import java.util.List;

/** A state machine has flaws that keep it from being the life cycle of anything. */
public class UnsoundMachineException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  private final String problem;
  private final String fix;

  UnsoundMachineException(Class<? extends Enum<?>> type, List<String> flaws) {
    this(
        "The state machine of "
            + type.getSimpleName()
            + " cannot hold: "
            + String.join("; ", flaws)
            + ".",
        "Add the missing transitions, declare final states with finalStates(…), or leave constants"
            + " out with without(…).");
  }

  private UnsoundMachineException(String problem, String fix) {
    super(problem + " " + fix);
    this.problem = problem;
    this.fix = fix;
  }

  /**
   * All the flaws.
   *
   * @return a sentence
   */
  public String problem() {
    return problem;
  }

  /**
   * What to change.
   *
   * @return a sentence
   */
  public String fix() {
    return fix;
  }
}
