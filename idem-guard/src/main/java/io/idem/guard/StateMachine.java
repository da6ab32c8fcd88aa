package io.idem.guard;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The states of a business object and the transitions between them. Immutable.
 *
 * <p>An <em>ordered</em> machine goes forward through its states, step by step or skipping some; a
 * <em>free</em> one has exactly the transitions that are declared:
 *
 * <pre>{@code
 * StateMachine.ordered(PENDING, PAID, SHIPPED).allow(PENDING, CANCELLED).finalStates(CANCELLED).build();
 * StateMachine.free(DRAFT).allow(DRAFT, REVIEW).allow(REVIEW, DRAFT, LIVE).finalStates(LIVE).build();
 * }</pre>
 *
 * <p>One state lies <em>behind</em> another if an object that is in the other must have been in it:
 * every way from where objects begin to the other goes through it, and no transitions lead back.
 * Two states of an order are behind each other as the order says, also where steps are skipped. A
 * state that could be passed by is not behind: an object that was cancelled before it was paid has
 * not been paid. Nor are states on a cycle behind each other.
 *
 * @param <S> the states
 */
public final class StateMachine<S extends Enum<S>> {

  private final Class<S> type;
  private final Set<S> states;
  private final Set<S> initial;
  private final Set<S> finals;
  private final Map<S, Set<S>> next;
  private final Map<S, Set<S>> reachable;
  private final Map<S, Set<S>> past;

  private StateMachine(Builder<S> builder) {
    this.type = builder.type;
    this.states = EnumSet.allOf(type);
    this.states.removeAll(builder.without);
    this.initial = EnumSet.copyOf(builder.initial);
    this.finals = copy(type, builder.finals);
    this.next = new EnumMap<>(type);
    this.reachable = new EnumMap<>(type);
    for (S state : states) {
      next.put(state, copy(type, builder.next.getOrDefault(state, Set.of())));
    }
    for (S state : states) {
      reachable.put(state, reachableFrom(next.getOrDefault(state, Set.of())));
    }
    this.past = new EnumMap<>(type);
    for (S state : states) {
      past.put(state, pastOf(state, builder.order));
    }
  }

  /** The states that an object can only be in after it was, or could have been, in this one. */
  private Set<S> pastOf(S state, List<S> order) {
    Set<S> past = copy(type, reachable.getOrDefault(state, Set.of()));
    past.removeIf(later -> leads(reachable, later, state));
    Set<S> around = EnumSet.copyOf(initial);
    around.remove(state);
    around = reachableFrom(around, state);
    int place = order.indexOf(state);
    if (place >= 0) {
      around.removeAll(order.subList(place, order.size()));
    }
    past.removeAll(around);
    return past;
  }

  private static <S extends Enum<S>> Set<S> copy(Class<S> type, Collection<S> states) {
    Set<S> copy = EnumSet.noneOf(type);
    copy.addAll(states);
    return copy;
  }

  /**
   * A machine that goes forward. It begins in the first state and ends in the last.
   *
   * @param first where every object begins
   * @param second what comes after it
   * @param rest what comes then, in order
   * @param <S> the states
   * @return a builder, to which further transitions can be added
   * @throws IllegalArgumentException if a state appears twice
   */
  @SafeVarargs
  public static <S extends Enum<S>> Builder<S> ordered(S first, S second, S... rest) {
    List<S> order = new ArrayList<>(List.of(first, second));
    for (S state : rest) {
      order.add(state);
    }
    return new Builder<>(List.of(first), order);
  }

  /**
   * A machine with the transitions that are added to it, and no others.
   *
   * @param initial where an object may begin
   * @param more where else it may begin
   * @param <S> the states
   * @return a builder
   */
  @SafeVarargs
  public static <S extends Enum<S>> Builder<S> free(S initial, S... more) {
    List<S> all = new ArrayList<>(List.of(initial));
    for (S state : more) {
      all.add(state);
    }
    return new Builder<>(all, List.of());
  }

  /**
   * The class of the states.
   *
   * @return the enum
   */
  public Class<S> type() {
    return type;
  }

  /**
   * The states of this machine: all of the enum but those it is built without.
   *
   * @return unmodifiable, in the order of the enum
   */
  public Set<S> states() {
    return Collections.unmodifiableSet(states);
  }

  /**
   * The states from which one transition leads to a state.
   *
   * @param to the state
   * @return unmodifiable, in the order of the enum; empty if there are none
   * @throws IllegalArgumentException if the state is none of this machine's
   */
  public Set<S> sources(S to) {
    requireState(to);
    Set<S> sources = EnumSet.noneOf(type);
    next.forEach(
        (from, targets) -> {
          if (targets.contains(to)) {
            sources.add(from);
          }
        });
    return Collections.unmodifiableSet(sources);
  }

  /**
   * What becomes of an object that is to change its state.
   *
   * @param current the state it is in
   * @param to the state it is to be in
   * @return {@link Transition.Applied} if it may; or why it does not
   * @throws IllegalArgumentException if a state is none of this machine's
   */
  public Transition<S> decide(S current, S to) {
    requireState(current);
    requireState(to);
    if (current == to) {
      return new Transition.AlreadyThere<>(current);
    } else if (leads(next, current, to)) {
      return new Transition.Applied<>(to);
    } else if (leads(past, to, current)) {
      return new Transition.AlreadyPast<>(current);
    }
    return new Transition.Illegal<>(current, to);
  }

  /**
   * What is wrong with this machine as a life cycle: states that no object can come to, states that
   * none can leave though they are not declared final, and, where final states are declared, states
   * from which none of them can be reached.
   *
   * @return one sentence for each; empty if there is nothing
   */
  public List<String> flaws() {
    Set<S> met = reachableFrom(initial);
    List<String> flaws = new ArrayList<>();
    for (S state : states) {
      if (!met.contains(state)) {
        flaws.add(state.name() + " is unreachable: no transitions lead to it from " + initial);
      } else if (!finals.contains(state)) {
        if (next.getOrDefault(state, Set.of()).isEmpty()) {
          flaws.add(state.name() + " is a dead end: nothing leads out of it, and it is not final");
        } else if (!finals.isEmpty()
            && Collections.disjoint(reachable.getOrDefault(state, Set.of()), finals)) {
          flaws.add(state.name() + " leads to no final state: none of " + finals + " is reachable");
        }
      }
    }
    return List.copyOf(flaws);
  }

  /**
   * Refuses a machine that has flaws, for use at start-up.
   *
   * @return this machine
   * @throws UnsoundMachineException if it has, naming all of them
   */
  public StateMachine<S> requireSound() {
    List<String> flaws = flaws();
    if (!flaws.isEmpty()) {
      throw new UnsoundMachineException(type, flaws);
    }
    return this;
  }

  /**
   * This machine as a Mermaid state diagram.
   *
   * @return the text of the diagram, each line ended by a line feed
   */
  public String toMermaid() {
    StringBuilder text = new StringBuilder("stateDiagram-v2\n");
    initial.forEach(state -> edge(text, "[*]", state.name()));
    next.forEach((from, to) -> to.forEach(state -> edge(text, from.name(), state.name())));
    finals.forEach(state -> edge(text, state.name(), "[*]"));
    return text.toString();
  }

  private static void edge(StringBuilder text, String from, String to) {
    text.append("    ").append(from).append(" --> ").append(to).append('\n');
  }

  private Set<S> reachableFrom(Set<S> begin) {
    return reachableFrom(begin, null);
  }

  /** What is met without going through one state. */
  private Set<S> reachableFrom(Set<S> begin, @Nullable S closed) {
    Set<S> met = EnumSet.noneOf(type);
    List<S> open = new ArrayList<>(begin);
    while (!open.isEmpty()) {
      S state = open.remove(open.size() - 1);
      if (state != closed && met.add(state)) {
        open.addAll(next.getOrDefault(state, Set.of()));
      }
    }
    return met;
  }

  private static <S extends Enum<S>> boolean leads(Map<S, Set<S>> edges, S from, S to) {
    @Nullable Set<S> targets = edges.get(from);
    return targets != null && targets.contains(to);
  }

  private void requireState(S state) {
    if (!states.contains(state)) {
      throw new IllegalArgumentException(
          state.name()
              + " is no state of the machine of "
              + type.getSimpleName()
              + ", which was built without it");
    }
  }

  /**
   * Collects the transitions of a machine. Not thread-safe.
   *
   * @param <S> the states
   */
  public static final class Builder<S extends Enum<S>> {

    private final Class<S> type;
    private final List<S> order;
    private final Set<S> initial;
    private final Set<S> finals;
    private final Set<S> without;
    private final Map<S, Set<S>> next;

    private Builder(List<S> initial, List<S> order) {
      this.type = initial.get(0).getDeclaringClass();
      this.order = order;
      this.initial = copy(type, initial);
      this.finals = EnumSet.noneOf(type);
      this.without = EnumSet.noneOf(type);
      this.next = new EnumMap<>(type);
      if (copy(type, order).size() < order.size()) {
        throw new IllegalArgumentException("A state appears twice in the order " + order);
      }
      for (int i = 1; i < order.size(); i++) {
        add(order.get(i - 1), order.get(i));
      }
      if (!order.isEmpty()) {
        finals.add(order.get(order.size() - 1));
      }
    }

    /**
     * Lets an ordered machine leave states out: from each state to every later one.
     *
     * @return this builder
     * @throws IllegalStateException if the machine has no order
     */
    public Builder<S> skipping() {
      if (order.isEmpty()) {
        throw new IllegalStateException("A free machine has no order in which to skip states");
      }
      for (int from = 0; from < order.size(); from++) {
        for (int to = from + 1; to < order.size(); to++) {
          add(order.get(from), order.get(to));
        }
      }
      return this;
    }

    /**
     * Adds transitions.
     *
     * @param from where they begin
     * @param to where they lead
     * @return this builder
     * @throws IllegalArgumentException if one leads to where it begins: that is a repeat
     */
    @SafeVarargs
    public final Builder<S> allow(S from, S... to) {
      for (S state : to) {
        add(from, state);
      }
      return this;
    }

    /**
     * Declares states in which an object may stay for ever, beside the last one of an order.
     *
     * @param states the states
     * @return this builder
     */
    @SafeVarargs
    public final Builder<S> finalStates(S... states) {
      for (S state : states) {
        finals.add(state);
      }
      return this;
    }

    /**
     * Leaves constants of the enum out: they are no states of this machine.
     *
     * @param states the constants
     * @return this builder
     */
    @SafeVarargs
    public final Builder<S> without(S... states) {
      for (S state : states) {
        without.add(state);
      }
      return this;
    }

    private void add(S from, S to) {
      if (from == to) {
        throw new IllegalArgumentException(
            "A transition from "
                + from.name()
                + " to itself would make every repeat a transition; leave it away");
      }
      next.computeIfAbsent(from, state -> EnumSet.noneOf(type)).add(to);
    }

    /**
     * The machine.
     *
     * @return a machine, which may have {@linkplain StateMachine#flaws() flaws}
     * @throws IllegalArgumentException if a state that is left out is used, or transitions lead out
     *     of one that is declared final
     */
    public StateMachine<S> build() {
      for (S state : finals) {
        if (!next.getOrDefault(state, Set.of()).isEmpty()) {
          throw new IllegalArgumentException(
              state.name()
                  + " is declared final, but transitions lead out of it: to "
                  + next.get(state));
        }
      }
      Set<S> used = copy(type, initial);
      used.addAll(finals);
      next.forEach(
          (from, to) -> {
            used.add(from);
            used.addAll(to);
          });
      used.retainAll(without);
      if (!used.isEmpty()) {
        throw new IllegalArgumentException(used + " are left out of the machine and used in it");
      }
      return new StateMachine<>(this);
    }
  }
}
