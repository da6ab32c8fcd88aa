package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.guard.UnsoundMachineException;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.StateGuard;
import io.idem.guard.jdbc.StateTable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.annotation.Primary;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.annotation.AliasFor;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;
import reactor.core.publisher.Mono;

/** What cannot hold is refused at start-up, with a message that names the place and the fix. */
class GuardedTransitionRefusalTest {

  static Stream<Arguments> refused() {
    return Stream.of(
        refused(NoSuchGuard.class, "guard = \"nobody\"", "there are orders, plain", "Name one"),
        refused(Unnamed.class, "names no guard", "several: orders, plain", "guard = "),
        refused(NoSuchState.class, "to = \"PIAD\"", "NoSuchState.run(int)", "[OPEN, PAID]"),
        refused(LeftOut.class, "to = \"VOID\"", "[OPEN, PAID]"),
        refused(NeverEntered.class, "can never be made", "allow a transition"),
        refused(UnknownParameter.class, "refers to #nr", "[id]", "-parameters"),
        refused(WithoutSign.class, "property id", "WithoutSign.run(int)", "Write #id"),
        refused(WithoutSignInside.class, "property order", "Write #order"),
        refused(Blank.class, "@GuardedTransition(id = \"\")", "Blank.run(int)", "is empty", "SpEL"),
        refused(BadExpression.class, "no valid expression", "SpEL"),
        refused(OwnTransactions.class, "transactions of its own", "SpringJdbcTransactions"),
        refused(ReturnsText.class, "returns String", "Optional<String>", "Transition<State>"),
        refused(ReturnsNumber.class, "returns int", "Return void or Transition<State>"),
        refused(OtherStates.class, "returns a Transition<Other>", "Transition<State>"),
        refused(OtherParameter.class, "takes a Transition<Other>", "Transition<State>"),
        refused(TwoParameters.class, "several parameters", "Leave one"),
        refused(Stage.class, "CompletableFuture", "goes on after", "asynchronously"),
        refused(Reactive.class, "Mono", "goes on after"),
        refused(Called.class, "Callable", "goes on after"),
        refused(Supplied.class, "Supplier", "goes on after"),
        refused(Streamed.class, "IntStream", "goes on after"),
        refused(Flowing.class, "Publisher", "goes on after"),
        refused(Deferred.class, "DeferredResult", "goes on after"),
        refused(Written.class, "StreamingResponseBody", "goes on after"),
        refused(Generic.class, "Callable", "goes on after"),
        refused(Final.class, "Final.run(int)", "final", "Leave final away"),
        refused(Private.class, "private", "public method"),
        refused(RequiresNew.class, "parts the method's body", "Propagation.REQUIRED"),
        refused(ReadOnly.class, "read-only", "Leave readOnly away"),
        refused(Commits.class, "noRollbackFor", "return what is no failure"),
        refused(OtherManager.class, "'otherManager'", "idem.guard.transaction-manager"));
  }

  private static Arguments refused(Class<?> bean, String... message) {
    return Arguments.of(Named.of(bean.getSimpleName(), bean), message);
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatCannotHoldIsRefused(Class<?> bean, String[] message) {
    assertThat(refusal(Guards.class, bean)).hasMessageContainingAll(message);
  }

  @Test
  void withoutAnyGuardTheMessageSaysHowToDeclareOne() {
    assertThat(refusal(Bare.class, Unnamed.class))
        .hasMessageContainingAll("no bean of type StateGuard", "guards.states(machine");
  }

  @Test
  void withoutAnyGuardANamedOneIsToBeDeclared() {
    assertThat(refusal(Bare.class, NoSuchGuard.class))
        .hasMessageContainingAll("guard = \"nobody\"", "there is none.", "Declare it: a @Bean");
  }

  @Test
  void aMachineWithFlawsIsRefusedThoughNobodyUsesIt() {
    assertThat(refusal(Bare.class, Unsound.class))
        .hasMessageContainingAll(
            "'machine'", "VOID is unreachable", "PAID is a dead end", "finalStates(…)")
        .hasCauseInstanceOf(UnsoundMachineException.class);
  }

  /** What its declared type does not tell at start-up is seen when it is made. */
  @Test
  void aLazyBeanIsRefusedWhenItIsMade() {
    try (AnnotationConfigApplicationContext context =
        new AnnotationConfigApplicationContext(Guards.class, LazyBean.class)) {
      assertThatThrownBy(() -> context.getBean("payments"))
          .hasRootCauseInstanceOf(IdempotencySetupException.class)
          .rootCause()
          .hasMessageContainingAll("FinalPayments.run(int)", "final");
    }
  }

  @Test
  void whatHoldsIsTaken() {
    assertThatCode(() -> new AnnotationConfigApplicationContext(Guards.class, Fine.class).close())
        .doesNotThrowAnyException();
  }

  private static IdempotencySetupException refusal(Class<?>... classes) {
    Throwable failure =
        catchThrowable(() -> new AnnotationConfigApplicationContext(classes).close());
    assertThat(failure).as("the context starts").isNotNull();
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof IdempotencySetupException refusal) {
        return refusal;
      }
    }
    throw new AssertionError("No refusal: " + NestedExceptionUtils.getRootCause(failure), failure);
  }

  enum State {
    OPEN,
    PAID,
    VOID
  }

  enum Other {
    ONE
  }

  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  static class Bare {}

  @Configuration(proxyBeanMethods = false)
  static class Unsound {

    @Bean
    StateMachine<State> machine() {
      return StateMachine.free(State.OPEN).allow(State.OPEN, State.PAID).build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  @EnableTransactionManagement
  static class Guards {

    private static final StateMachine<State> MACHINE =
        StateMachine.ordered(State.OPEN, State.PAID).without(State.VOID).build();

    @Bean
    DataSource dataSource() {
      JdbcDataSource h2 = new JdbcDataSource();
      h2.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
      return h2;
    }

    @Bean
    @Primary
    JdbcTransactionManager transactionManager(DataSource dataSource) {
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    JdbcTransactionManager otherManager(DataSource dataSource) {
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    StateGuard<State> orders(PlatformTransactionManager manager, DataSource dataSource) {
      return JdbcGuards.of(new SpringJdbcTransactions(manager, dataSource))
          .states(MACHINE, StateTable.of("orders"));
    }

    @Bean
    StateGuard<State> plain(DataSource dataSource) {
      return JdbcGuards.of(dataSource).states(MACHINE, StateTable.of("orders"));
    }
  }

  @Retention(RetentionPolicy.RUNTIME)
  @GuardedTransition(guard = "orders", id = "#id", to = "PAID")
  @interface Paying {
    @AliasFor(annotation = GuardedTransition.class)
    String id() default "#id";
  }

  static class Fine {

    @Paying
    public void run(int id) {}

    @Paying(id = "#number")
    @Transactional(timeout = 5)
    public Optional<String> another(int number) {
      return Optional.of("");
    }

    @Paying(id = "id")
    public void ofTheBean(int number) {}

    @Paying(id = "#map[key] ?: {key: 1}['key'] ?: #map.key ?: #keys.?[key != null]")
    public void otherNames(Map<String, Object> map, List<Integer> keys, int key) {}

    public int getId() {
      return 1;
    }

    @Paying
    public int told(int id, Transition<?> transition) {
      return 1;
    }

    @Paying
    public Transition<State> answer(int id) {
      return new Transition.Applied<>(State.PAID);
    }
  }

  interface Payments {}

  static class FinalPayments implements Payments {
    @Paying
    public final void run(int id) {}
  }

  @Configuration(proxyBeanMethods = false)
  static class LazyBean {

    @Bean
    @Lazy
    Payments payments() {
      return new FinalPayments();
    }
  }

  static class NoSuchGuard {
    @GuardedTransition(guard = "nobody", id = "#id", to = "PAID")
    public void run(int id) {}
  }

  static class Unnamed {
    @GuardedTransition(id = "#id", to = "PAID")
    public void run(int id) {}
  }

  static class NoSuchState {
    @GuardedTransition(guard = "orders", id = "#id", to = "PIAD")
    public void run(int id) {}
  }

  static class LeftOut {
    @GuardedTransition(guard = "orders", id = "#id", to = "VOID")
    public void run(int id) {}
  }

  static class NeverEntered {
    @GuardedTransition(guard = "orders", id = "#id", to = "OPEN")
    public void run(int id) {}
  }

  static class UnknownParameter {
    @GuardedTransition(guard = "orders", id = "#nr", to = "PAID")
    public void run(int id) {}
  }

  static class WithoutSign {
    @GuardedTransition(guard = "orders", id = "id", to = "PAID")
    public void run(int id) {}
  }

  static class WithoutSignInside {
    @GuardedTransition(guard = "orders", id = "T(String).valueOf(order.length)", to = "PAID")
    public void run(String order) {}
  }

  static class Blank {
    @GuardedTransition(guard = "orders", id = "", to = "PAID")
    public void run(int id) {}
  }

  static class BadExpression {
    @GuardedTransition(guard = "orders", id = "#id +", to = "PAID")
    public void run(int id) {}
  }

  static class OwnTransactions {
    @GuardedTransition(guard = "plain", id = "#id", to = "PAID")
    public void run(int id) {}
  }

  static class ReturnsText {
    @Paying
    public String run(int id) {
      return "";
    }
  }

  static class ReturnsNumber {
    @Paying
    public int run(int id) {
      return 1;
    }
  }

  static class OtherStates {
    @Paying
    public Transition<Other> run(int id) {
      return new Transition.Applied<>(Other.ONE);
    }
  }

  static class OtherParameter {
    @Paying
    public void run(int id, Transition<Other> transition) {}
  }

  static class TwoParameters {
    @Paying
    public void run(int id, Transition<State> one, Transition<State> two) {}
  }

  static class Stage {
    @Paying
    public CompletableFuture<String> run(int id, Transition<State> transition) {
      return CompletableFuture.completedFuture("");
    }
  }

  static class Reactive {
    @Paying
    public Mono<String> run(int id) {
      return Mono.empty();
    }
  }

  static class Called {
    @Paying
    public Callable<String> run(int id, Transition<State> transition) {
      return () -> "";
    }
  }

  static class Supplied {
    @Paying
    public Supplier<String> run(int id, Transition<State> transition) {
      return () -> "";
    }
  }

  static class Streamed {
    @Paying
    public IntStream run(int id, Transition<State> transition) {
      return IntStream.empty();
    }
  }

  static class Flowing {
    @Paying
    public Flow.Publisher<String> run(int id, Transition<State> transition) {
      return subscriber -> {};
    }
  }

  static class Deferred {
    @Paying
    public DeferredResult<String> run(int id, Transition<State> transition) {
      return new DeferredResult<>();
    }
  }

  static class Written {
    @Paying
    public StreamingResponseBody run(int id, Transition<State> transition) {
      return body -> {};
    }
  }

  abstract static class Returning<T> {
    @Paying
    public T run(int id, Transition<State> transition) {
      return result();
    }

    abstract T result();
  }

  static class Generic extends Returning<Callable<String>> {
    @Override
    Callable<String> result() {
      return () -> "";
    }
  }

  static class Final {
    @Paying
    public final void run(int id) {}
  }

  static class Private {
    @Paying
    private int run(int id) {
      return id;
    }

    public int call() {
      return run(1);
    }
  }

  static class RequiresNew {
    @Paying
    @Transactional(propagation = Propagation.REQUIRES_NEW)
    public void run(int id) {}
  }

  static class ReadOnly {
    @Paying
    @Transactional(readOnly = true)
    public void run(int id) {}
  }

  static class Commits {
    @Paying
    @Transactional(noRollbackFor = IllegalStateException.class)
    public void run(int id) {}
  }

  static class OtherManager {
    @Paying
    @Transactional("otherManager")
    public void run(int id) {}
  }
}
