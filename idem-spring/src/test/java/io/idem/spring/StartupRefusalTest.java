package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Attempt;
import io.idem.core.Disposition;
import io.idem.core.Idempotency;
import io.idem.core.StoreDownPolicy;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Scope;
import org.springframework.context.annotation.ScopedProxyMode;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.PriorityOrdered;
import org.springframework.http.ResponseEntity;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.scheduling.annotation.Async;
import org.springframework.stereotype.Controller;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.interceptor.DefaultTransactionAttribute;
import org.springframework.transaction.interceptor.MatchAlwaysTransactionAttributeSource;
import org.springframework.transaction.interceptor.TransactionAttribute;
import org.springframework.transaction.interceptor.TransactionAttributeSource;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.servlet.ModelAndView;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What cannot hold is refused at start-up, with a message that names the place and the fix. */
class StartupRefusalTest {

  static Stream<Arguments> refusedInMemory() {
    return Stream.of(
        refused(NoKey.class, "NoKey.run()", "nothing says what its key is", "key = "),
        refused(NoSource.class, "NoSource.run()", "what its source is", "source = "),
        refused(PlaceAtService.class, "PlaceAtService.run()", "an endpoint's", "fingerprint"),
        refused(Twice.class, "'pay' belongs to both", "Twice.one()", "operation ="),
        refused(Overloaded.class, "'Overloaded.run' belongs to both", "operation ="),
        refused(Private.class, "Private.run()", "private", "public method"),
        refused(Static.class, "Static.run()", "static", "public method"),
        refused(Final.class, "Final.run()", "final", "Leave final away"),
        refused(BadExpression.class, "no valid expression", "SpEL"),
        refused(UnknownParameter.class, "#ordr", "[order]", "-parameters"),
        refused(UnknownPosition.class, "#p1", "#p0"),
        refused(BadDuration.class, "retention = \"a while\"", "no duration", "24h"),
        refused(BadPlaceholder.class, "${no.such.property}", "Define the property"),
        refused(ShortLease.class, "ShortLease.run", "at least 100 ms"),
        refused(Later.class, "java.util.concurrent.Future", "asynchronous"),
        refused(
            Supplied.class, "java.util.function.Supplier", "before its effect", "result itself"),
        refused(Asynchronous.class, "@Async", "asynchronous"),
        refused(AsynchronousStage.class, "@Async", "executor of your own"),
        refused(ManyResults.class, "Flux", "Mono<List<…>>"),
        refused(RawStage.class, "java.lang.Object", "Declare the type"),
        refused(AnyStage.class, "java.lang.Object", "Declare the type"),
        refused(StageOfAMono.class, "Mono", "Return one stage"),
        refused(StageOfAResponse.class, "ResponseEntity", "HTTP layer"),
        refused(StageOfAStream.class, "InputStream", "byte[]"),
        refused(StageInATransaction.class, "is @Transactional", "method that it calls"),
        refused(StageWithAnotherHook.class, "gives a java.lang.Integer", "RecoveryHook<String>"),
        refused(Response.class, "ResponseEntity", "HTTP layer"),
        refused(Page.class, "ModelAndView", "HTTP layer"),
        refused(Streamed.class, "java.util.stream.Stream", "List"),
        refused(Opened.class, "InputStream", "byte[]"),
        refused(Untyped.class, "java.lang.Object", "Declare the type"),
        refused(PartlyUntyped.class, "List<T>>", "type variable", "Declare the type"),
        refused(Unrecreatable.class, "Unrecreatable$Failure", "FailureMapping<Failure>"),
        refused(RecordedAndReleased.class, "both records and releases", "not in both"),
        refused(RecordsOther.class, "recordFailure", "attributes"),
        refused(NoHook.class, "\"nobody\"", "RecoveryHook"),
        refused(
            NoStore.class, "no transactional store", "Mode.LEASED", "with a transaction manager"),
        refused(Endpoint.class, "Endpoint.handle()", "nothing in this application protects"),
        refused(LeasedMandatory.class, "MANDATORY", "before the caller's transaction commits"));
  }

  static Stream<Arguments> refusedTransactional() {
    return Stream.of(
        refused(RequiresNew.class, "parts the method", "Propagation.REQUIRED"),
        refused(NotSupported.class, "parts the method", "mode = LEASED"),
        refused(Never.class, "parts the method", "mode = LEASED"),
        refused(ReadOnly.class, "read-only", "Leave readOnly away"),
        refused(NoRollback.class, "noRollbackFor", "recordFailures"),
        refused(TransactionalStage.class, "CompletableFuture", "mode = LEASED"),
        refused(TransactionalMono.class, "Mono", "mode = LEASED"),
        refused(OtherManager.class, "'otherManager'", "idem.jdbc.transaction-manager"),
        refused(FailOpen.class, "cannot fail open", "Mode.LEASED"),
        refused(TwoModes.class, "the key space 'till'", "LEASED", "key spaces of their own"));
  }

  @ParameterizedTest
  @MethodSource
  void refusedInMemory(Class<?> bean, String[] message) {
    assertRefused(bean, InMemory.class, message);
  }

  @ParameterizedTest
  @MethodSource
  void refusedTransactional(Class<?> bean, String[] message) {
    assertRefused(bean, InDatabase.class, message);
  }

  @Test
  void whatHoldsIsNotRefused() {
    assertThatCode(() -> start(InMemory.class, Fine.class).close()).doesNotThrowAnyException();
    assertThatCode(() -> start(InDatabase.class, Fine.class).close()).doesNotThrowAnyException();
  }

  @Test
  void aValueThatCanBeAskedForMoreIsNoLateResult() {
    assertThatCode(() -> start(InMemory.class, Supplying.class).close()).doesNotThrowAnyException();
  }

  @Test
  void typeVariablesThatTheClassBindsByWayOfOthersAreNotOpen() throws Exception {
    IdempotentMethods methods = new IdempotentMethods(text -> text);

    assertThat(
            ResultTypes.of(methods.find(Bound.class.getMethod("lists"), Bound.class)).getTypeName())
        .isEqualTo(
            "java.util.Map<java.lang.String, java.util.List<java.util.Set<"
                + Amount.class.getName()
                + ">>>");
    assertThat(
            ResultTypes.of(methods.find(Bound.class.getMethod("arrays"), Bound.class))
                .getTypeName())
        .isEqualTo("java.util.List<" + Amount.class.getName() + "[]>");
  }

  @Test
  void anEngineIsNeeded() {
    assertThat(refusal(Bare.class, Fine.class)).hasMessageContaining("Idempotency.builder()");
  }

  @Test
  void aBeanThatWasMadeTooEarlyIsRefused() {
    assertThat(refusal(InMemory.class, Early.class))
        .hasMessageContaining("'fine' was made before beans could be intercepted")
        .hasMessageContaining("BeanPostProcessor");
  }

  @Test
  void aProxyOfSomebodyElseIsNoProtection() {
    assertThat(refusal(InMemory.class, EarlyProxy.class))
        .hasMessageContaining("'fine' was made before beans could be intercepted");
  }

  @Test
  void aMethodOutsideOfTheProxiedInterfacesIsRefused() {
    assertThat(refusal(InMemory.class, Hidden.class))
        .hasMessageContaining("Hidden.run()")
        .hasMessageContaining("proxyTargetClass = true");
  }

  @Test
  void twoBeansOfOneClassDoNotShareAnOperationUnseen() {
    assertThat(refusal(InMemory.class, TwoOfOneClass.class))
        .hasMessageContaining("'eu' and 'us'")
        .hasMessageContaining("'Fine.run'")
        .hasMessageContaining("operation = \"Fine.run\"")
        .hasMessageContaining("#root.region");
  }

  @Test
  void twoBeansMayShareAnOperationThatIsNamed() {
    try (AnnotationConfigApplicationContext context =
        start(InMemory.class, TwoOfOneClassNamed.class)) {
      Regional eu = context.getBean("eu", Regional.class);
      Regional us = context.getBean("us", Regional.class);

      assertThat(eu.shared("k")).isEqualTo("eu");
      assertThat(us.shared("k")).isEqualTo("eu");
      assertThat(eu.apart("k")).isEqualTo("eu");
      assertThat(us.apart("k")).isEqualTo("us");
    }
  }

  @Test
  void instancesOfOneBeanAndSubclassesShareNothing() {
    assertThatCode(() -> start(InMemory.class, NotTwo.class).close()).doesNotThrowAnyException();
  }

  @Test
  void aSecondSourceOfTransactionAttributesIsHeardToo() {
    assertThat(refusal(InDatabase.class, SecondSource.class, RequiresNew.class))
        .hasMessageContaining("parts the method");
    assertThat(refusal(InDatabase.class, ContradictingSource.class, Fine.class))
        .hasMessageContaining("described differently by several beans");
  }

  @Test
  void aTransactionAroundTheRecordIsRefused() {
    assertThat(refusal(OrderedOutside.class, Fine.class))
        .hasMessageContaining("applied around @Idempotent")
        .hasMessageContaining("order");
  }

  private static Arguments refused(Class<?> bean, String... message) {
    return Arguments.of(Named.of(bean.getSimpleName(), bean), message);
  }

  private static void assertRefused(Class<?> bean, Class<?> config, String... message) {
    assertThat(refusal(config, bean)).hasMessageContainingAll(message);
  }

  private static IdempotencySetupException refusal(Class<?>... classes) {
    Throwable failure = catchThrowable(() -> start(classes).close());
    assertThat(failure).as("the context starts").isNotNull();
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof IdempotencySetupException refusal) {
        return refusal;
      }
    }
    throw new AssertionError("No refusal: " + NestedExceptionUtils.getRootCause(failure), failure);
  }

  private static AnnotationConfigApplicationContext start(Class<?>... classes) {
    return new AnnotationConfigApplicationContext(classes);
  }

  @Configuration
  @EnableIdempotency
  @EnableTransactionManagement
  static class Bare {}

  @Configuration
  @EnableIdempotency
  @EnableTransactionManagement
  static class InMemory {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.builder()
          .store(new io.idem.core.InMemoryStore())
          .codecs(new JacksonResultCodecFactory())
          .build();
    }

    @Bean
    AbandonedPolicy.RecoveryHook<Integer> integerHook() {
      return new IntegerHook();
    }
  }

  @Configuration
  @EnableIdempotency
  @EnableTransactionManagement
  static class InDatabase extends Database {}

  @Configuration
  @EnableIdempotency
  @EnableTransactionManagement(order = 0)
  static class OrderedOutside extends Database {}

  static class Database {

    @Bean
    DataSource dataSource() {
      JdbcDataSource h2 = new JdbcDataSource();
      h2.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
      new JdbcSchema(h2, JdbcSettings.defaults()).createIfAbsent();
      return h2;
    }

    @Bean
    @org.springframework.context.annotation.Primary
    JdbcTransactionManager transactionManager(DataSource dataSource) {
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    JdbcTransactionManager otherManager(DataSource dataSource) {
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    SpringTransactionalStore transactionalStore(
        PlatformTransactionManager manager, DataSource dataSource) {
      return new SpringTransactionalStore(manager, dataSource, Dialect.H2, JdbcSettings.defaults());
    }

    @Bean(destroyMethod = "close")
    Idempotency idempotency(SpringTransactionalStore store) {
      return Idempotency.builder()
          .transactionalStore(store)
          .store(new io.idem.core.InMemoryStore())
          .codecs(new JacksonResultCodecFactory())
          .build();
    }
  }

  @Configuration
  static class TwoOfOneClass {

    @Bean
    Fine eu() {
      return new Fine();
    }

    @Bean
    Fine us() {
      return new Fine();
    }
  }

  @Configuration
  static class TwoOfOneClassNamed {

    @Bean
    Regional eu() {
      return new Regional("eu");
    }

    @Bean
    Regional us() {
      return new Regional("us");
    }
  }

  static class Regional {
    private final String region;

    Regional(String region) {
      this.region = region;
    }

    public String getRegion() {
      return region;
    }

    @Idempotent(operation = "shared", key = "#key")
    public String shared(String key) {
      return region;
    }

    @Idempotent(operation = "apart", key = "#key", source = "#root.region")
    public String apart(String key) {
      return region;
    }
  }

  @Configuration
  static class NotTwo {

    @Bean
    @Scope("prototype")
    Fine prototype() {
      return new Fine();
    }

    @Bean
    One one() {
      return new One();
    }

    @Bean
    @Scope(scopeName = "prototype", proxyMode = ScopedProxyMode.TARGET_CLASS)
    Two scoped() {
      return new Two();
    }
  }

  static class One extends Fine {}

  static class Two extends Fine {}

  @Configuration
  static class SecondSource {

    @Bean
    TransactionAttributeSource second() {
      return new MatchAlwaysTransactionAttributeSource() {
        @Override
        public TransactionAttribute getTransactionAttribute(Method method, Class<?> type) {
          return null;
        }
      };
    }
  }

  @Configuration
  static class ContradictingSource {

    @Bean
    TransactionAttributeSource second() {
      MatchAlwaysTransactionAttributeSource all = new MatchAlwaysTransactionAttributeSource();
      all.setTransactionAttribute(
          new DefaultTransactionAttribute(TransactionDefinition.PROPAGATION_REQUIRES_NEW));
      return all;
    }
  }

  @Configuration
  static class Early {

    @Bean
    static FirstProcessor eager(BeanFactory beans) {
      beans.getBean("fine");
      return new FirstProcessor();
    }

    @Bean
    static Fine fine() {
      return new Fine();
    }
  }

  @Configuration
  static class EarlyProxy {

    @Bean
    static FirstProcessor eager(BeanFactory beans) {
      beans.getBean("fine");
      return new FirstProcessor();
    }

    @Bean
    static Fine fine() {
      ProxyFactory proxy = new ProxyFactory(new Fine());
      proxy.setProxyTargetClass(true);
      proxy.addAdvice((MethodInterceptor) MethodInvocation::proceed);
      return (Fine) proxy.getProxy();
    }
  }

  static class FirstProcessor implements BeanPostProcessor, PriorityOrdered {
    @Override
    public int getOrder() {
      return HIGHEST_PRECEDENCE;
    }
  }

  static class Fine {
    @Idempotent(key = "#order", retention = "${fine.retention:2d}", waitAtMost = "PT1S")
    @Transactional
    public String run(String order) {
      return order;
    }
  }

  interface Other {
    void other();
  }

  static class Hidden implements Other {
    @Override
    public void other() {}

    @Idempotent(key = "'k'")
    public void run() {}
  }

  static class NoKey {
    @Idempotent
    public void run() {}
  }

  static class NoSource {
    @Idempotent(key = "'k'", caller = Idempotent.Caller.WITH_SOURCE)
    public void run() {}
  }

  static class PlaceAtService {
    @Idempotent(key = "'k'", comparing = "json:/sum")
    public void run() {}
  }

  static class Twice {
    @Idempotent(key = "'k'", operation = "pay")
    public void one() {}

    @Idempotent(key = "'k'", operation = "pay")
    public void two() {}
  }

  static class Overloaded {
    @Idempotent(key = "'k'")
    public void run() {}

    @Idempotent(key = "'k'")
    public void run(String other) {}
  }

  static class Private {
    @Idempotent(key = "'k'")
    @SuppressWarnings({"unused", "UnusedMethod"})
    private void run() {}
  }

  static class Static {
    @Idempotent(key = "'k'")
    public static void run() {}
  }

  static class Final {
    @Idempotent(key = "'k'")
    public final void run() {}
  }

  static class BadExpression {
    @Idempotent(key = "#order.")
    public void run(String order) {}
  }

  static class UnknownParameter {
    @Idempotent(key = "{#ordr.length(), 1}")
    public void run(String order) {}
  }

  static class UnknownPosition {
    @Idempotent(key = "#p1")
    public void run(String order) {}
  }

  static class BadDuration {
    @Idempotent(key = "'k'", retention = "a while")
    public void run() {}
  }

  static class BadPlaceholder {
    @Idempotent(key = "'k'", lease = "${no.such.property}")
    public void run() {}
  }

  static class ShortLease {
    @Idempotent(key = "'k'", lease = "5ms")
    public void run() {}
  }

  static class Supplied {
    @Idempotent(key = "'k'")
    public Supplier<String> run() {
      return () -> "";
    }
  }

  record Amount(long cents) implements Supplier<Long> {
    @Override
    public Long get() {
      return cents;
    }
  }

  /** As pages are in Spring Data. */
  interface Pages<T> extends Iterable<T>, Supplier<Stream<T>> {}

  static class Supplying {
    @Idempotent(key = "'k'")
    public Amount value() {
      return new Amount(1);
    }

    @Idempotent(key = "'k'")
    public Pages<String> pages() {
      throw new UnsupportedOperationException();
    }
  }

  interface Lists<T> {
    @Idempotent(key = "'k'")
    default Map<String, List<T>> lists() {
      return Map.of();
    }
  }

  static class ListsOfSets<E> implements Lists<Set<E>> {
    @Idempotent(key = "'k'")
    public List<E[]> arrays() {
      return List.of();
    }
  }

  static class Bound extends ListsOfSets<Amount> {}

  static class PartlyUntyped {
    @Idempotent(key = "'k'")
    public <T> Map<String, List<T>> run() {
      return Map.of();
    }
  }

  static class Later {
    @Idempotent(key = "'k'")
    public Future<String> run() {
      return CompletableFuture.completedFuture("");
    }
  }

  static class AsynchronousStage {
    @Async
    @Idempotent(key = "'k'")
    public CompletableFuture<String> run() {
      return CompletableFuture.completedFuture("");
    }
  }

  static class ManyResults {
    @Idempotent(key = "'k'")
    public Flux<String> run() {
      return Flux.empty();
    }
  }

  static class RawStage {
    @Idempotent(key = "'k'")
    @SuppressWarnings("rawtypes") // the point
    public CompletableFuture run() {
      return CompletableFuture.completedFuture("");
    }
  }

  static class AnyStage {
    @Idempotent(key = "'k'")
    public CompletionStage<?> run() {
      return CompletableFuture.completedFuture("");
    }
  }

  static class StageOfAMono {
    @Idempotent(key = "'k'")
    public CompletableFuture<Mono<String>> run() {
      return CompletableFuture.completedFuture(Mono.empty());
    }
  }

  static class StageOfAResponse {
    @Idempotent(key = "'k'")
    public Mono<ResponseEntity<String>> run() {
      return Mono.empty();
    }
  }

  static class StageOfAStream {
    @Idempotent(key = "'k'")
    public Mono<InputStream> run() {
      return Mono.empty();
    }
  }

  static class StageInATransaction {
    @Transactional
    @Idempotent(key = "'k'")
    public CompletableFuture<String> run() {
      return CompletableFuture.completedFuture("");
    }
  }

  static class IntegerHook implements AbandonedPolicy.RecoveryHook<Integer> {
    @Override
    public AbandonedPolicy.Recovery<Integer> recover(Attempt attempt) {
      return new AbandonedPolicy.Recovery.StillUnknown<>();
    }
  }

  static class StageWithAnotherHook {
    @Idempotent(key = "'k'", onAbandoned = "integerHook")
    public CompletableFuture<String> run() {
      return CompletableFuture.completedFuture("");
    }
  }

  static class TransactionalStage {
    @Idempotent(key = "'k'")
    public CompletableFuture<String> run() {
      return CompletableFuture.completedFuture("");
    }
  }

  static class TransactionalMono {
    @Idempotent(key = "'k'")
    public Mono<String> run() {
      return Mono.empty();
    }
  }

  static class Asynchronous {
    @Async
    @Idempotent(key = "'k'")
    public void run() {}
  }

  static class Response {
    @Idempotent(key = "'k'")
    public ResponseEntity<String> run() {
      return ResponseEntity.ok("");
    }
  }

  static class Page {
    @Idempotent(key = "'k'")
    public ModelAndView run() {
      return new ModelAndView("page");
    }
  }

  static class Streamed {
    @Idempotent(key = "'k'")
    public Stream<String> run() {
      return Stream.empty();
    }
  }

  static class Opened {
    @Idempotent(key = "'k'")
    public InputStream run() {
      return InputStream.nullInputStream();
    }
  }

  static class Untyped {
    @Idempotent(key = "'k'")
    public Object run() {
      return "";
    }
  }

  static class Unrecreatable {

    public static class Failure extends RuntimeException {
      private static final long serialVersionUID = 1L;

      public Failure(int code) {
        super("code " + code);
      }
    }

    @Idempotent(key = "'k'", recordFailures = Failure.class)
    public void run() {}
  }

  static class RecordedAndReleased {
    @Idempotent(
        key = "'k'",
        recordFailures = IllegalStateException.class,
        releaseOn = IllegalStateException.class)
    public void run() {}
  }

  static class RecordsOther {
    @Idempotent(key = "'k'", onOtherFailure = Disposition.RECORD)
    public void run() {}
  }

  static class NoHook {
    @Idempotent(key = "'k'", onAbandoned = "nobody")
    public void run() {}
  }

  static class NoStore {
    @Idempotent(key = "'k'", mode = Idempotent.Mode.TRANSACTIONAL)
    public void run() {}
  }

  @Controller
  static class Endpoint {
    @PostMapping("/")
    @Idempotent
    public ResponseEntity<String> handle() {
      return ResponseEntity.ok("");
    }
  }

  static class LeasedMandatory {
    @Idempotent(key = "'k'")
    @Transactional(propagation = Propagation.MANDATORY)
    public void run() {}
  }

  static class RequiresNew {
    @Idempotent(key = "'k'")
    @Transactional(propagation = Propagation.REQUIRES_NEW)
    public void run() {}
  }

  static class NotSupported {
    @Idempotent(key = "'k'")
    @Transactional(propagation = Propagation.NOT_SUPPORTED)
    public void run() {}
  }

  static class Never {
    @Idempotent(key = "'k'")
    @Transactional(propagation = Propagation.NEVER)
    public void run() {}
  }

  static class ReadOnly {
    @Idempotent(key = "'k'")
    @Transactional(readOnly = true)
    public void run() {}
  }

  static class NoRollback {
    @Idempotent(key = "'k'")
    @Transactional(noRollbackFor = IllegalStateException.class)
    public void run() {}
  }

  static class TwoModes {
    @Idempotent(key = "'k'", keySpace = "till")
    public void collect() {}

    @Idempotent(key = "'k'", keySpace = "till", mode = Idempotent.Mode.LEASED)
    public void refund() {}
  }

  static class OtherManager {
    @Idempotent(key = "'k'")
    @Transactional("otherManager")
    public void run() {}
  }

  static class FailOpen {
    @Idempotent(key = "'k'", storeDown = StoreDownPolicy.FAIL_OPEN)
    public void run() {}
  }
}
