package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Attempt;
import io.idem.core.FailureMapping;
import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.core.KeyBusyException;
import io.idem.core.KeyReusedException;
import io.idem.core.OutcomeUnknownException;
import io.idem.core.ResultCodec;
import io.idem.http.ProblemType;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.aop.framework.autoproxy.DefaultAdvisorAutoProxyCreator;
import org.springframework.aop.support.AopUtils;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.AliasFor;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.config.annotation.method.configuration.EnableMethodSecurity;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Calls of annotated methods, on the engine in memory. */
class IdempotentCallTest {

  private AnnotationConfigApplicationContext context;
  private Service service;
  private AtomicInteger runs;

  @BeforeEach
  void start() {
    context = new AnnotationConfigApplicationContext(Config.class);
    service = context.getBean(Service.class);
    runs = service.runs(); // the proxy's own field is empty
  }

  @AfterEach
  void end() {
    context.close();
    RequestContextHolder.resetRequestAttributes();
    SecurityContextHolder.clearContext();
  }

  @Test
  void voidMethodsRunOnce() {
    service.act("k");
    service.act("k");

    assertThat(runs).hasValue(1);
  }

  @Test
  void resultsComeBackAsTheirDeclaredType() {
    Map<String, List<UUID>> first = service.generic("k");

    assertThat(service.generic("k")).isEqualTo(first);
    assertThat(service.optional("a", true)).isEqualTo(service.optional("a", true)).isPresent();
    assertThat(service.optional("b", false)).isEqualTo(service.optional("b", false)).isEmpty();
    assertThat(service.nothing("k")).isNull();
    assertThat(service.nothing("k")).isNull();
    assertThat(runs).hasValue(4);
  }

  @Test
  void parametersAreFoundByPositionPropertyAndBean() {
    service.byPosition("k", 1);
    service.byPosition("k", 1);
    service.byBean("k");
    service.byBean("k");

    assertThat(runs).hasValue(2);
  }

  @Test
  void thePartsOfACompositeKeyAreNotConfused() {
    service.composite("ab", "c");
    service.composite("a", "bc");
    service.composite("a", "bc");

    assertThat(runs).hasValue(2);
  }

  @Test
  void theOrderOfASetOrAMapIsNoPartOfTheKey() {
    service.anything(ordered("a", "b", "c"));
    service.anything(ordered("c", "a", "b"));
    assertThat(runs).hasValue(1);

    service.anything(List.of("a", "b"));
    service.anything(List.of("b", "a"));
    assertThat(runs).as("that of a list is").hasValue(3);

    service.anything(mapped("x", "1", "y", "2"));
    service.anything(mapped("y", "2", "x", "1"));
    assertThat(runs).hasValue(4);
    service.anything(Map.of("x", "1, y=2"));
    assertThat(runs).as("its entries are not confused").hasValue(5);
  }

  @Test
  void aJsonNodeCountsAsItsJson() {
    JsonMapper mapper = JsonMapper.shared();
    JsonNode order = mapper.readTree("{\"number\":\"A-1\",\"line\":1,\"none\":null}");
    JsonNode other = mapper.readTree("{\"number\":\"A-2\",\"line\":2}");
    service.json(order.get("number"), order.get("line"));
    service.json(order.get("number"), order.get("line"));
    assertThat(runs).hasValue(1);
    service.json(other.get("number"), order.get("line"));
    service.json(order.get("number"), other.get("line"));
    service.json(order, order.get("line"));
    service.json(other, order.get("line"));
    assertThat(runs).hasValue(5);
    for (JsonNode missing : List.of(order.get("none"), order.path("no such"))) {
      assertThatThrownBy(() -> service.json(order.get("number"), missing))
          .isInstanceOf(MissingKeyException.class);
    }
  }

  @Test
  void timesOfADatabaseAreToldApartByTheirNanoseconds() {
    Timestamp time = Timestamp.valueOf("2026-01-01 12:00:00.000001");
    service.anything(time);
    service.anything(Timestamp.valueOf("2026-01-01 12:00:00.000001"));
    service.anything(Timestamp.valueOf("2026-01-01 12:00:00.000002"));

    assertThat(runs).hasValue(2);
  }

  @Test
  void anEmptyOptionalOfAnyKindIsNoKey() {
    for (Object empty :
        List.of(
            Optional.empty(), OptionalLong.empty(), OptionalInt.empty(), OptionalDouble.empty())) {
      assertThatThrownBy(() -> service.anything(empty))
          .as(empty.toString())
          .isInstanceOf(MissingKeyException.class);
    }
    service.anything(OptionalLong.of(5));
    service.anything(OptionalLong.of(5));
    assertThat(runs).hasValue(1);
  }

  @Test
  void aKeyWithoutATextOfItsOwnIsRefused() {
    assertThatThrownBy(() -> service.anything(new Object()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Service.anything(Object)")
        .hasMessageContaining("name the property");
  }

  @Test
  void aMissingKeyIsRefusedUnlessTheMethodSaysOtherwise() {
    assertThatThrownBy(() -> service.act(null))
        .isInstanceOf(MissingKeyException.class)
        .hasMessageContaining("Service.act(String)")
        .hasMessageContaining("required = false");
    service.maybe(null);
    service.maybe(null);

    assertThat(runs).hasValue(2);
  }

  @Test
  void oneKeyOfTwoSourcesIsTwoRequests() {
    service.fromTenant("t1", "k");
    service.fromTenant("t2", "k");
    service.fromTenant("t2", "k");

    assertThat(runs).hasValue(2);
  }

  @Test
  void argumentsCountAndFrameworkTypesDoNot() {
    service.compared("k", 1, Locale.GERMANY, () -> "me", stream("a"));
    service.compared("k", 1, Locale.FRANCE, () -> "you", stream("b"));

    assertThat(runs).hasValue(1);
    assertThatThrownBy(() -> service.compared("k", 2, Locale.FRANCE, () -> "me", stream("a")))
        .isInstanceOf(KeyReusedException.class);
  }

  @Test
  void theOrderOfASetAndAMapDoesNotCount() {
    service.sets("k", ordered("a", "b", "c"), Map.of("x", ordered("1", "2")));
    service.sets("k", ordered("c", "a", "b"), Map.of("x", ordered("2", "1")));

    assertThat(runs).hasValue(1);
    assertThatThrownBy(() -> service.sets("k", ordered("a", "b"), Map.of("x", ordered("1", "2"))))
        .isInstanceOf(KeyReusedException.class);
  }

  @Test
  void aFingerprintExpressionNamesWhatCounts() {
    service.named("k", "same", "first");
    service.named("k", "same", "second");

    assertThat(runs).hasValue(1);
    assertThatThrownBy(() -> service.named("k", "other", "first"))
        .isInstanceOf(KeyReusedException.class);
  }

  @Test
  void anArgumentThatCannotBeComparedSaysWhatToDeclare() {
    Node loop = new Node();
    loop.next = loop;

    assertThatThrownBy(() -> service.node("k", loop))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Service.node(String, Node)")
        .hasMessageContaining("its argument 2")
        .hasMessageContaining("fingerprint =");
    assertThat(runs).hasValue(0);
  }

  @Test
  void twoRequestsThatHideTheirMembersAreTwo() {
    service.anyArgument("k", new CanonicalJsonTest.Fluent("bob", 1));
    service.anyArgument("k", new CanonicalJsonTest.Fluent("bob", 1));

    assertThat(runs).hasValue(1);
    assertThatThrownBy(
            () -> service.anyArgument("k", new CanonicalJsonTest.Fluent("eve", 1_000_000)))
        .isInstanceOf(KeyReusedException.class);
  }

  @Test
  void anArgumentThatSaysNothingIsRefused() {
    assertThatThrownBy(() -> service.anyArgument("k", new Object()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Service.anyArgument(String, Object)")
        .hasMessageContaining("fingerprint =");
    assertThat(runs).hasValue(0);
  }

  @Test
  void theAttemptIsFilledIn() {
    String outgoing = service.outgoing("k", null);

    assertThat(UUID.fromString(outgoing)).isNotNull();
    assertThat(service.outgoing("k", null)).isEqualTo(outgoing);
    assertThat(runs).hasValue(1);
  }

  @Test
  void aMethodResumesBehindItsStepsWhoseResultsAreOfAnyType() {
    assertThatThrownBy(() -> service.inSteps("k", true, null)).hasMessage("crash");
    Service.Receipt receipt = service.inSteps("k", false, null);

    assertThat(receipt).isEqualTo(new Service.Receipt("charge 1", List.of(1, 2)));
    assertThat(service.inSteps("k", false, null)).isEqualTo(receipt);
    assertThat(runs).as("the charge, and a shipment behind the crash").hasValue(2);
  }

  @Test
  void aStepNeedsAMethodThatIsRunAgain() {
    assertThatThrownBy(() -> service.stepsNeverRunAgain("k", null))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("@Idempotent(onAbandoned = \"RETRY\")");
    assertThat(runs).hasValue(0);
  }

  @Test
  void aStepThatIsBusyIsToldInsideALeasedEndpointAsItIs() {
    KeyBusyException busy = new KeyBusyException(Duration.ofSeconds(2), "charge");
    ServiceProblem told = ServiceProblem.of(busy).orElseThrow();
    assertThat(told.type()).isEqualTo(ProblemType.IN_PROGRESS);
    assertThat(told.passing()).isTrue();
    assertThat(told.insideLeased()).isSameAs(told);
    assertThat(
            ServiceProblem.of(new KeyBusyException(Duration.ofSeconds(2)))
                .orElseThrow()
                .insideLeased()
                .type())
        .isEqualTo(ProblemType.OUTCOME_UNKNOWN);
  }

  @Test
  void aRecordedFailureGoesThroughTheMappingBeanOfItsType() {
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> service.reject("k"))
          .isInstanceOfSatisfying(Coded.class, e -> assertThat(e.code).isEqualTo(42));
    }
    assertThat(runs).hasValue(1);
  }

  @Test
  void theNearestRecordedTypeIsRecreated() {
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> service.rejectNearest("k"))
          .isExactlyInstanceOf(IllegalStateException.class);
    }
    assertThat(runs).hasValue(1);
  }

  @Test
  void failuresFreeAbandonOrRetryAsDeclared() {
    assertThatThrownBy(() -> service.failing("k", true)).hasMessage("released");
    assertThatThrownBy(() -> service.failing("k", true)).hasMessage("released");
    assertThatThrownBy(() -> service.failing("k", false)).hasMessage("unknown");
    assertThatThrownBy(() -> service.failing("k", false))
        .isInstanceOf(OutcomeUnknownException.class);
    assertThatThrownBy(() -> service.retrying("k")).hasMessage("run 4");
    assertThatThrownBy(() -> service.retrying("k")).hasMessage("run 5");
  }

  @Test
  void aRecoveryHookAnswersForALostRun() {
    assertThatThrownBy(() -> service.recovered("k")).hasMessage("lost");

    assertThat(service.recovered("k")).isEqualTo("recovered");
    assertThat(runs).hasValue(1);
  }

  @Test
  void aMetaAnnotationIsAnIdempotentToo() {
    service.houseRule("k");
    service.houseRule("k");

    assertThat(runs).hasValue(1);
    assertThat(context.getBean(IdempotentMethods.class).all())
        .anySatisfy(
            method -> {
              assertThat(method.operation()).isEqualTo("Service.houseRule");
              assertThat(method.retention()).contains(java.time.Duration.ofDays(7));
            });
  }

  @Test
  void interfacesAreProxiedAndMayCarryTheAnnotation() {
    Counter<?> counter = context.getBean("counter", Counter.class);

    assertThat(AopUtils.isJdkDynamicProxy(counter)).isTrue();
    assertThat((Object) counter.next("k")).isEqualTo(1);
    assertThat((Object) counter.next("k")).isEqualTo(1);
    assertThat((Object) counter.next("l")).isEqualTo(2);
  }

  @Test
  void aBeanThatIsProxiedTwiceRunsOnce() {
    try (var twice = new AnnotationConfigApplicationContext(ProxiedTwice.class)) {
      One one = twice.getBean(One.class);

      assertThat(AopUtils.isAopProxy(AopProxyUtils.getSingletonTarget(one))).isTrue();
      assertThat(one.next("k")).isEqualTo(1);
      assertThat(one.next("k")).isEqualTo(1);
      assertThat(one.next("l")).isEqualTo(2);
    }
  }

  @Test
  void methodSecurityGoesFirst() {
    login("payer");
    service.secured("k");
    login("visitor");

    assertThatThrownBy(() -> service.secured("k")).isInstanceOf(AccessDeniedException.class);
    assertThat(runs).hasValue(1);
  }

  @Test
  void theHeaderOfTheRequestIsTheKeyOfItsCaller() {
    request("\"abc\"", "ann");
    int first = service.keyedByHeader();
    request("abc", "ann");
    assertThat(service.keyedByHeader()).isEqualTo(first);

    request("abc", "bob");
    assertThat(service.keyedByHeader()).isNotEqualTo(first);
  }

  @Test
  void aHeaderWithoutACallerOrAKeyIsRefused() {
    request("abc", null);
    assertThatThrownBy(() -> service.keyedByHeader())
        .isInstanceOf(UnknownCallerException.class)
        .hasMessageContaining("caller = SHARED");
    assertThat(service.shared()).isEqualTo(service.shared());

    request(null, "ann");
    assertThatThrownBy(() -> service.keyedByHeader()).isInstanceOf(MissingKeyException.class);
    request("a b", "ann");
    assertThatThrownBy(() -> service.keyedByHeader()).isInstanceOf(MalformedKeyException.class);
    RequestContextHolder.resetRequestAttributes();
    assertThatThrownBy(() -> service.keyedByHeader())
        .hasMessageContaining("outside of a web request");
  }

  @Test
  void oneHeaderServesTheCallsOfALoop() {
    request("abc", "ann");
    service.item("1");
    service.item("2");
    service.item("2");

    assertThat(runs).hasValue(2);
  }

  private static void login(String role) {
    SecurityContextHolder.getContext()
        .setAuthentication(new TestingAuthenticationToken("me", "", "ROLE_" + role));
  }

  private static void request(String key, String caller) {
    MockHttpServletRequest request = new MockHttpServletRequest();
    if (key != null) {
      request.addHeader("Idempotency-Key", key);
    }
    request.setUserPrincipal(caller == null ? null : () -> caller);
    RequestContextHolder.setRequestAttributes(new ServletRequestAttributes(request));
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, String> mapped(String... keysAndValues) {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }

  private static Set<String> ordered(String... elements) {
    return new LinkedHashSet<>(List.of(elements));
  }

  @Configuration
  @EnableIdempotency
  @EnableMethodSecurity
  static class Config {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.builder()
          .store(new InMemoryStore())
          .codecs(new JacksonResultCodecFactory())
          .build();
    }

    @Bean
    Service service() {
      return new Service();
    }

    @Bean
    Counter<Integer> counter() {
      return new CountingCounter();
    }

    @Bean
    String suffix() {
      return "-suffix";
    }

    @Bean
    AbandonedPolicy.RecoveryHook<String> hook() {
      return new Hook();
    }

    @Bean
    FailureMapping<Coded> coded() {
      return new FailureMapping<>(
          "coded",
          Coded.class,
          ResultCodec.of(e -> new byte[] {(byte) e.code}, bytes -> new Coded(bytes[0])));
    }
  }

  /** With a second creator beside the one that there is, as some security frameworks ask for. */
  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  static class ProxiedTwice {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }

    @Bean
    static DefaultAdvisorAutoProxyCreator second() {
      DefaultAdvisorAutoProxyCreator creator = new DefaultAdvisorAutoProxyCreator();
      creator.setProxyTargetClass(true);
      return creator;
    }

    @Bean
    One one() {
      return new One();
    }
  }

  static class One {
    private final AtomicInteger count = new AtomicInteger();

    @Idempotent(key = "#key", mode = Idempotent.Mode.LEASED)
    public Integer next(String key) {
      return count.incrementAndGet();
    }
  }

  static class Hook implements AbandonedPolicy.RecoveryHook<String> {
    @Override
    public AbandonedPolicy.Recovery<String> recover(Attempt attempt) {
      return new AbandonedPolicy.Recovery.Happened<>("recovered");
    }
  }

  static class Coded extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final int code;

    Coded(int code) {
      super("code");
      this.code = code;
    }
  }

  static class Node {
    public Node next;
  }

  interface Counter<T> {
    @Idempotent(key = "#p0")
    T next(String key);
  }

  static class CountingCounter implements Counter<Integer> {
    private final AtomicInteger count = new AtomicInteger();

    @Override
    public Integer next(String name) {
      return count.incrementAndGet();
    }
  }

  @Idempotent(retention = "7d")
  @Retention(RetentionPolicy.RUNTIME)
  @interface OncePerWeek {
    @AliasFor(annotation = Idempotent.class)
    String key();
  }

  static class Service {

    private final AtomicInteger runs = new AtomicInteger();

    AtomicInteger runs() {
      return runs;
    }

    @Idempotent(key = "#key")
    public void act(String key) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key")
    public Map<String, List<UUID>> generic(String key) {
      runs.incrementAndGet();
      return Map.of(key, List.of(UUID.randomUUID()));
    }

    @Idempotent(key = "#key")
    public Optional<UUID> optional(String key, boolean present) {
      runs.incrementAndGet();
      return present ? Optional.of(UUID.randomUUID()) : Optional.empty();
    }

    @Idempotent(key = "#key")
    public List<String> nothing(String key) {
      runs.incrementAndGet();
      return null;
    }

    @Idempotent(key = "#p0 + #a1")
    public void byPosition(String key, int number) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key + @suffix")
    public void byBean(String key) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "{#one, #two}", fingerprint = "''")
    public void composite(String one, String two) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "{#number, #line}", fingerprint = "''")
    public void json(JsonNode number, JsonNode line) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key")
    public void anything(Object key) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key")
    public void anyArgument(String key, Object argument) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key", required = false)
    public void maybe(String key) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key", source = "#tenant")
    public void fromTenant(String tenant, String key) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key")
    public void compared(
        String key, int number, Locale locale, Principal principal, InputStream stream) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key")
    public void sets(String key, Set<String> set, Map<String, Set<String>> map) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key", fingerprint = "#counts")
    public void named(String key, String counts, String other) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key")
    public void node(String key, Node node) {
      runs.incrementAndGet();
    }

    @Idempotent(key = "#key")
    public String outgoing(String key, Attempt attempt) {
      runs.incrementAndGet();
      return attempt.outgoingKey("charge");
    }

    /** What a step of {@link #inSteps} results in. */
    public record Receipt(String number, List<Integer> lines) {}

    @Idempotent(key = "#key", fingerprint = "#key", onAbandoned = "RETRY")
    public Receipt inSteps(String key, boolean crash, Attempt attempt) {
      Receipt receipt =
          attempt.step(
              "charge",
              Receipt.class,
              outgoing -> new Receipt("charge " + runs.incrementAndGet(), List.of(1, 2)));
      if (crash) {
        throw new IllegalStateException("crash");
      }
      attempt.step("ship", outgoing -> runs.incrementAndGet());
      return receipt;
    }

    @Idempotent(key = "#key")
    public void stepsNeverRunAgain(String key, Attempt attempt) {
      attempt.step("charge", outgoing -> runs.incrementAndGet());
    }

    @Idempotent(key = "#key", recordFailures = Coded.class)
    public void reject(String key) {
      runs.incrementAndGet();
      throw new Coded(42);
    }

    @Idempotent(
        key = "#key",
        recordFailures = {RuntimeException.class, IllegalStateException.class})
    public void rejectNearest(String key) {
      runs.incrementAndGet();
      throw new IllegalStateException("no");
    }

    @Idempotent(key = "#key", fingerprint = "''", releaseOn = IllegalStateException.class)
    public void failing(String key, boolean release) {
      runs.incrementAndGet();
      throw release ? new IllegalStateException("released") : new RuntimeException("unknown");
    }

    @Idempotent(key = "#key", onAbandoned = "RETRY")
    public void retrying(String key) {
      throw new RuntimeException("run " + runs.incrementAndGet());
    }

    @Idempotent(key = "#key", onAbandoned = "hook")
    public String recovered(String key) {
      runs.incrementAndGet();
      throw new RuntimeException("lost");
    }

    @OncePerWeek(key = "#key")
    public void houseRule(String key) {
      runs.incrementAndGet();
    }

    @PreAuthorize("hasRole('payer')")
    @Idempotent(key = "#key")
    public int secured(String key) {
      return runs.incrementAndGet();
    }

    @Idempotent(header = "Idempotency-Key")
    public int keyedByHeader() {
      return runs.incrementAndGet();
    }

    @Idempotent(header = "Idempotency-Key", caller = Idempotent.Caller.SHARED)
    public int shared() {
      return runs.incrementAndGet();
    }

    @Idempotent(header = "Idempotency-Key", key = "#number")
    public void item(String number) {
      runs.incrementAndGet();
    }
  }
}
