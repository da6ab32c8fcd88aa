package io.idem.guard;

import static io.idem.guard.StateMachineTest.Order.CANCELLED;
import static io.idem.guard.StateMachineTest.Order.DELIVERED;
import static io.idem.guard.StateMachineTest.Order.PAID;
import static io.idem.guard.StateMachineTest.Order.PENDING;
import static io.idem.guard.StateMachineTest.Order.SHIPPED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** The rules of a state machine, without a database. */
class StateMachineTest {

  enum Order {
    PENDING,
    PAID,
    SHIPPED,
    DELIVERED,
    CANCELLED
  }

  private static final StateMachine<Order> STEPS =
      StateMachine.ordered(PENDING, PAID, SHIPPED, DELIVERED)
          .allow(PENDING, CANCELLED)
          .allow(PAID, CANCELLED)
          .finalStates(CANCELLED)
          .build();

  @Test
  void anOrderGoesForwardStepByStep() {
    assertThat(STEPS.decide(PENDING, PAID)).isEqualTo(new Transition.Applied<>(PAID));
    assertThat(STEPS.decide(PENDING, SHIPPED))
        .isEqualTo(new Transition.Illegal<>(PENDING, SHIPPED));
    assertThat(STEPS.sources(CANCELLED)).containsExactly(PENDING, PAID);
    assertThat(STEPS.sources(PENDING)).isEmpty();
  }

  @Test
  void anOrderMaySkipStates() {
    StateMachine<Order> skipping =
        StateMachine.ordered(PENDING, PAID, SHIPPED, DELIVERED)
            .skipping()
            .without(CANCELLED)
            .build();

    assertThat(skipping.decide(PENDING, DELIVERED).isApplied()).isTrue();
    assertThat(skipping.decide(DELIVERED, PAID)).isEqualTo(new Transition.AlreadyPast<>(DELIVERED));
    assertThat(skipping.states()).doesNotContain(CANCELLED);
  }

  @Test
  void aRepeatIsToldFromALateOneAndFromAnIllegalOne() {
    assertThat(STEPS.decide(PAID, PAID)).isEqualTo(new Transition.AlreadyThere<>(PAID));
    assertThat(STEPS.decide(DELIVERED, PAID)).isEqualTo(new Transition.AlreadyPast<>(DELIVERED));
    assertThat(STEPS.decide(CANCELLED, PENDING)).isEqualTo(new Transition.AlreadyPast<>(CANCELLED));
    assertThat(STEPS.decide(CANCELLED, SHIPPED))
        .isEqualTo(new Transition.Illegal<>(CANCELLED, SHIPPED));
    assertThat(STEPS.decide(SHIPPED, CANCELLED))
        .isEqualTo(new Transition.Illegal<>(SHIPPED, CANCELLED));
  }

  /** A payment that comes after the cancellation is news, and nobody may take it for a repeat. */
  @Test
  void aStateThatCouldBePassedByIsNotBehind() {
    assertThat(STEPS.decide(CANCELLED, PAID)).isEqualTo(new Transition.Illegal<>(CANCELLED, PAID));

    StateMachine<Order> ways =
        StateMachine.free(PENDING, SHIPPED)
            .allow(PENDING, PAID)
            .allow(PAID, DELIVERED)
            .allow(SHIPPED, PAID)
            .finalStates(DELIVERED)
            .without(CANCELLED)
            .build();

    assertThat(ways.decide(DELIVERED, PAID)).isEqualTo(new Transition.AlreadyPast<>(DELIVERED));
    assertThat(ways.decide(DELIVERED, PENDING))
        .isEqualTo(new Transition.Illegal<>(DELIVERED, PENDING));
    assertThat(ways.decide(PAID, SHIPPED)).isEqualTo(new Transition.Illegal<>(PAID, SHIPPED));
  }

  @Test
  void beyondAnOrderTheStepsThatMayBeSkippedAreNotBehind() {
    StateMachine<Order> skipping =
        StateMachine.ordered(PENDING, PAID, SHIPPED, DELIVERED)
            .skipping()
            .allow(SHIPPED, CANCELLED)
            .finalStates(CANCELLED)
            .build();

    assertThat(skipping.decide(SHIPPED, PAID)).isEqualTo(new Transition.AlreadyPast<>(SHIPPED));
    assertThat(skipping.decide(CANCELLED, SHIPPED))
        .isEqualTo(new Transition.AlreadyPast<>(CANCELLED));
    assertThat(skipping.decide(CANCELLED, PAID))
        .isEqualTo(new Transition.Illegal<>(CANCELLED, PAID));
  }

  @Test
  void statesOnACycleAreNotBehindEachOther() {
    StateMachine<Order> cycle =
        StateMachine.free(PENDING)
            .allow(PENDING, PAID)
            .allow(PAID, SHIPPED)
            .allow(SHIPPED, PENDING, DELIVERED)
            .finalStates(DELIVERED)
            .without(CANCELLED)
            .build();

    assertThat(cycle.decide(SHIPPED, PAID)).isEqualTo(new Transition.Illegal<>(SHIPPED, PAID));
    assertThat(cycle.decide(SHIPPED, PENDING).isApplied()).isTrue();
    assertThat(cycle.decide(DELIVERED, PAID)).isEqualTo(new Transition.AlreadyPast<>(DELIVERED));
  }

  @Test
  void onlyAnIllegalTransitionThrows() {
    assertThat(STEPS.decide(PAID, PAID).orElseThrow().isRepeat()).isTrue();
    assertThat(STEPS.decide(SHIPPED, PAID).orElseThrow().isRepeat()).isTrue();
    assertThat(new Transition.NotFound<Order>().orElseThrow().isRepeat()).isFalse();
    assertThatThrownBy(() -> STEPS.decide(CANCELLED, SHIPPED).orElseThrow())
        .isInstanceOfSatisfying(
            IllegalTransitionException.class,
            e -> {
              assertThat(e.current()).isEqualTo(CANCELLED);
              assertThat(e.to()).isEqualTo(SHIPPED);
            })
        .hasMessage("Order cannot change from CANCELLED to SHIPPED");
  }

  @Test
  void everyAnswerIsFoldedAsWhatItIs() {
    assertThat(fold(new Transition.Applied<>(PAID))).isEqualTo("applied PAID");
    assertThat(fold(new Transition.AlreadyThere<>(PAID))).isEqualTo("there PAID");
    assertThat(fold(new Transition.AlreadyPast<>(SHIPPED))).isEqualTo("past SHIPPED");
    assertThat(fold(new Transition.Illegal<>(SHIPPED, PAID))).isEqualTo("illegal SHIPPED");
    assertThat(fold(new Transition.NotFound<>())).isEqualTo("none");
  }

  private static String fold(Transition<Order> transition) {
    return transition.fold(
        applied -> "applied " + applied.to(),
        there -> "there " + there.current(),
        past -> "past " + past.current(),
        illegal -> "illegal " + illegal.current(),
        notFound -> "none");
  }

  @Test
  void aSoundMachineHasNoFlaws() {
    assertThat(STEPS.flaws()).isEmpty();
    assertThat(STEPS.requireSound()).isSameAs(STEPS);
  }

  @Test
  void everyFlawIsNamed() {
    StateMachine<Order> flawed =
        StateMachine.free(PENDING)
            .allow(PENDING, PAID, SHIPPED)
            .allow(PAID, DELIVERED)
            .allow(SHIPPED, DELIVERED)
            .allow(CANCELLED, DELIVERED)
            .build();

    assertThat(flawed.flaws())
        .containsExactly(
            "DELIVERED is a dead end: nothing leads out of it, and it is not final",
            "CANCELLED is unreachable: no transitions lead to it from [PENDING]");
    assertThatIllegalStateException()
        .isThrownBy(flawed::requireSound)
        .withMessageContaining("DELIVERED is a dead end")
        .withMessageContaining("CANCELLED is unreachable")
        .withMessageContaining("finalStates(…)");
  }

  @Test
  void aCircleWithoutAWayToTheEndIsAFlaw() {
    StateMachine<Order> flawed =
        StateMachine.free(PENDING)
            .allow(PENDING, PAID, DELIVERED)
            .allow(PAID, SHIPPED)
            .allow(SHIPPED, PAID)
            .finalStates(DELIVERED)
            .without(CANCELLED)
            .build();

    assertThat(flawed.flaws())
        .containsExactly(
            "PAID leads to no final state: none of [DELIVERED] is reachable",
            "SHIPPED leads to no final state: none of [DELIVERED] is reachable");
  }

  @Test
  void aMachineMayGoOnForEver() {
    StateMachine<Order> forEver =
        StateMachine.free(PENDING, PAID)
            .allow(PENDING, PAID)
            .allow(PAID, PENDING)
            .without(SHIPPED, DELIVERED, CANCELLED)
            .build();

    assertThat(forEver.flaws()).isEmpty();
  }

  @Test
  void whatContradictsItselfIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StateMachine.ordered(PENDING, PAID, PENDING))
        .withMessageContaining("twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StateMachine.free(PENDING).allow(PENDING, PENDING))
        .withMessageContaining("to itself");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StateMachine.ordered(PENDING, PAID).finalStates(PENDING).build())
        .withMessageContaining("declared final");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StateMachine.ordered(PENDING, PAID).without(PAID).build())
        .withMessageContaining("[PAID]");
    assertThatIllegalStateException()
        .isThrownBy(() -> StateMachine.free(PENDING).skipping())
        .withMessageContaining("no order");
    StateMachine<Order> small =
        StateMachine.ordered(PENDING, PAID).without(SHIPPED, DELIVERED, CANCELLED).build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> small.sources(SHIPPED))
        .withMessageContaining("SHIPPED is no state");
  }

  @Test
  void theDiagramHasEveryTransition() {
    assertThat(STEPS.toMermaid())
        .isEqualTo(
            """
            stateDiagram-v2
                [*] --> PENDING
                PENDING --> PAID
                PENDING --> CANCELLED
                PAID --> SHIPPED
                PAID --> CANCELLED
                SHIPPED --> DELIVERED
                DELIVERED --> [*]
                CANCELLED --> [*]
            """);
  }
}
