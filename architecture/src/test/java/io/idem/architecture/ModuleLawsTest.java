package io.idem.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What one module may know of another. */
class ModuleLawsTest {

  /** The packages that every library module may use. */
  private static final String[] FOUNDATION = {"java..", "org.slf4j..", "org.jspecify.."};

  private static JavaClasses idem;

  @BeforeAll
  static void importTheLibrary() {
    idem = new ClassFileImporter().importPackages("io.idem");
  }

  @ParameterizedTest
  @EnumSource
  void everyModuleIsOnTheClassPath(Module module) {
    // Without its classes the laws below would hold over nothing.
    assertThat(idem.that(module.classes())).isNotEmpty();
  }

  @Test
  void everyClassBelongsToAModuleThatTheLawsKnow() {
    DescribedPredicate<JavaClass> known = resideInAPackage("io.idem.architecture..");
    for (Module module : Module.values()) {
      known = known.or(module.classes());
    }
    classes()
        .should(
            check(
                "be in the package of a known module",
                known,
                type -> type.getName() + " is in no module that the laws know"))
        .check(idem);
  }

  @Test
  void coreKnowsNothingButLoggingAndNullness() {
    // javax.crypto is of java.base, as java.security is: tokens are signed with it.
    onlyUses(Module.CORE, "javax.crypto..", "io.idem.core..");
  }

  @Test
  void storesKnowOnlyTheStorePackageOfCore() {
    rule(
            Module.JDBC,
            "use only the store package of core, what it hands out, JDBC, logging and nullness",
            resideInAnyPackage(FOUNDATION)
                .or(resideInAnyPackage("io.idem.core.store..", "javax.sql..", "io.idem.jdbc.."))
                .or(handedOutByTheStorePackage()))
        .check(idem);
  }

  @Test
  void redisKnowsOnlyTheStorePackageOfCoreAndItsClient() {
    rule(
            Module.REDIS,
            "use only the store package of core, Lettuce, logging and nullness",
            resideInAnyPackage(FOUNDATION)
                .or(resideInAnyPackage("io.idem.core.store..", "io.lettuce..", "io.idem.redis.."))
                .or(handedOutByTheStorePackage()))
        .check(idem);
  }

  @Test
  void onlyTheAdapterKnowsTheRedisClient() {
    noClasses()
        .that(Module.REDIS.classes())
        .and()
        .haveNameNotMatching("io\\.idem\\.redis\\.Lettuce\\w+(\\$.*)?")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.lettuce..")
        .check(idem);
  }

  @Test
  void whatSurroundsAStoreKnowsOnlyTheStorePackageOfCore() {
    onlyUses(
        Module.CAFFEINE,
        "io.idem.core.store..",
        "com.github.benmanes.caffeine..",
        "io.idem.caffeine..");
    onlyUses(
        Module.RESILIENCE4J,
        "io.idem.core.store..",
        "io.github.resilience4j..",
        "io.idem.resilience4j..");
  }

  @Test
  void outgoingCallsKnowNoClientLibrary() {
    rule(
            Module.CLIENT,
            "use core, a retry library, a JSON parser, and one client library for each package",
            resideInAnyPackage(FOUNDATION)
                .or(
                    resideInAnyPackage(
                        "javax.net.ssl..",
                        "io.idem.core..",
                        "io.idem.client..",
                        "io.github.resilience4j..",
                        "tools.jackson.core..",
                        "org.springframework..",
                        "reactor.core..",
                        "okhttp3..",
                        "feign..")))
        .check(idem);
    noClasses()
        .that()
        .resideInAPackage("io.idem.client")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.idem.client.*..", "org.springframework..", "reactor..", "okhttp3..", "feign..")
        .check(idem);
    // What decides is in the core alone.
    noClasses()
        .that()
        .resideInAPackage("io.idem.client.*..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.github.resilience4j..", "tools.jackson..")
        .check(idem);
  }

  @Test
  void guardsKnowOnlyTheDatabaseAndItsTransactions() {
    // Of idem-jdbc, no store: which database it is, what its errors mean, and whose transaction is
    // running.
    rule(
            Module.GUARD,
            "use only JDBC, nullness, and the dialect, its errors and the transactions of idem-jdbc",
            resideInAnyPackage("java..", "javax.sql..", "org.jspecify..", "io.idem.guard..")
                .or(
                    nameMatching(
                        "io\\.idem\\.jdbc\\.(Dialect|DriverErrors|JdbcTransactions)(\\$.*)?")))
        .check(idem);
  }

  @Test
  void theAuditKnowsTheEngineAndAParser() {
    onlyUses(
        Module.AUDIT, "io.idem.core..", "javax.sql..", "net.sf.jsqlparser..", "io.idem.audit..");
  }

  @Test
  void theRulesOfTheGuardsKnowNoDatabase() {
    noClasses()
        .that()
        .resideInAPackage("io.idem.guard")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.sql..", "javax.sql..", "io.idem.jdbc..", "io.idem.guard.jdbc..")
        .check(idem);
  }

  @Test
  void httpKnowsNoFramework() {
    onlyUses(
        Module.HTTP,
        "io.idem.core..",
        "tools.jackson.core..",
        "org.greenbytes.http.sfv..",
        "io.idem.http..");
  }

  @Test
  void servletKnowsNoSpring() {
    onlyUses(
        Module.SERVLET,
        "io.idem.core..",
        "io.idem.http..",
        "jakarta.servlet..",
        "io.idem.servlet..");
  }

  @Test
  void messagingKnowsNoBroker() {
    onlyUses(Module.MESSAGING, "io.idem.core..", "io.idem.messaging..");
  }

  @Test
  void kafkaKnowsItsClientAndNoSpring() {
    onlyUses(
        Module.KAFKA,
        "io.idem.core..",
        "io.idem.messaging..",
        "org.apache.kafka.clients..",
        "org.apache.kafka.common..",
        "io.idem.kafka..");
  }

  @Test
  void rabbitMqKnowsItsClientAndNoSpring() {
    onlyUses(
        Module.RABBITMQ,
        "io.idem.core..",
        "io.idem.messaging..",
        "com.rabbitmq.client..",
        "io.idem.rabbitmq..");
  }

  @ParameterizedTest
  @EnumSource(names = {"SPRING_KAFKA", "SPRING_RABBIT", "SPRING_JMS", "SPRING_ROCKETMQ"})
  void listenersOfSpringKnowNoBootAndNoStore(Module listeners) {
    rule(
            listeners,
            "know neither Spring Boot nor a store",
            resideInAnyPackage(
                    "org.springframework.boot..",
                    "io.idem.spring.boot..",
                    "io.idem.jdbc..",
                    "io.idem.redis..")
                .negate())
        .check(idem);
  }

  @Test
  void jmsKnowsTheStandardAndNoProvider() {
    onlyUses(Module.JMS, "io.idem.core..", "io.idem.messaging..", "jakarta.jms..", "io.idem.jms..");
  }

  @Test
  void rocketMqKnowsItsClientAndNoSpring() {
    onlyUses(
        Module.ROCKETMQ,
        "io.idem.core..",
        "io.idem.messaging..",
        "org.apache.rocketmq.client..",
        "org.apache.rocketmq.common..",
        "io.idem.rocketmq..");
  }

  @Test
  void springKnowsNoBoot() {
    rule(
            Module.SPRING,
            "know neither Spring Boot nor Idem's starter",
            resideInAnyPackage("org.springframework.boot..", "io.idem.spring.boot..").negate())
        .check(idem);
  }

  @Test
  void webFluxKnowsNoServletsAndNoBoot() {
    rule(
            Module.WEBFLUX,
            "know neither servlets nor Spring Boot nor a store",
            resideInAnyPackage(
                    "jakarta.servlet..",
                    "io.idem.servlet..",
                    "org.springframework.web.servlet..",
                    "org.springframework.boot..",
                    "io.idem.spring.boot..",
                    "io.idem.jdbc..",
                    "io.idem.redis..")
                .negate())
        .check(idem);
  }

  @Test
  void testkitKnowsCoreAndNoStore() {
    rule(
            Module.TESTKIT,
            "know of Idem only core",
            resideInAPackage("io.idem..")
                .negate()
                .or(resideInAnyPackage("io.idem.core..", "io.idem.testkit..")))
        .check(idem);
  }

  @Test
  void theTestkitNeedsNoRocketMqWhereNobodyAsksForIt() {
    // Its servers are optional: a class that names them does not load without them.
    noClasses()
        .that(Module.TESTKIT.classes())
        .and()
        .haveNameNotMatching("io\\.idem\\.testkit\\.TestRocketMq(\\$.*)?")
        .should()
        .dependOnClassesThat(
            resideInAPackage("org.apache.rocketmq..")
                .or(nameMatching("io\\.idem\\.testkit\\.TestRocketMq(\\$.*)?")))
        .check(idem);
  }

  @Test
  void nothingPublishedKnowsTheTestkit() {
    classes()
        .that()
        .resideOutsideOfPackage("io.idem.testkit..")
        .should()
        .onlyDependOnClassesThat()
        .resideOutsideOfPackage("io.idem.testkit..")
        .check(idem);
  }

  @ParameterizedTest
  @EnumSource
  void internalPackagesAreTheModulesOwn(Module module) {
    rule(
            module,
            "leave other modules' internal packages alone",
            resideInAPackage("io.idem..internal..").negate().or(module.classes()))
        .check(idem);
  }

  @Test
  void noStateIsStaticAndMutable() {
    // Asked of classes, not of fields: a module without static fields is no empty rule.
    classes()
        .that()
        .resideOutsideOfPackage("io.idem.architecture..")
        .should(
            check(
                "have no static field that can be reassigned or differs by thread",
                type -> type.getFields().stream().noneMatch(ModuleLawsTest::isMutableState),
                type -> type.getName() + " has a static field that is not final, or a ThreadLocal"))
        .check(idem);
  }

  @Test
  void everyPackageSaysThatItIsNullMarked() {
    // NullAway checks marked packages only: one that forgets the mark would go unchecked.
    classes()
        .that()
        .resideOutsideOfPackage("io.idem.architecture..")
        .should(
            check(
                "be in a package marked @NullMarked",
                type -> type.getPackage().isAnnotatedWith(NullMarked.class),
                type -> type.getPackageName() + " lacks @NullMarked"))
        .check(idem);
  }

  private static void onlyUses(Module module, String... packages) {
    List<String> allowed =
        Stream.concat(Arrays.stream(FOUNDATION), Arrays.stream(packages)).toList();
    rule(module, "use only " + allowed, resideInAnyPackage(allowed.toArray(String[]::new)))
        .check(idem);
  }

  private static ArchRule rule(
      Module module, String description, DescribedPredicate<JavaClass> allowed) {
    return classes()
        .that(module.classes())
        .should()
        .onlyDependOnClassesThat(allowed.as(description))
        .as(module + " should " + description)
        .allowEmptyShould(false);
  }

  private static boolean isMutableState(JavaField field) {
    Set<JavaModifier> modifiers = field.getModifiers();
    return modifiers.contains(JavaModifier.STATIC)
        && !modifiers.contains(JavaModifier.SYNTHETIC)
        && (!modifiers.contains(JavaModifier.FINAL)
            || field.getRawType().isAssignableTo(ThreadLocal.class));
  }

  /** The types of core's root package that the store SPI itself takes or returns. */
  private static DescribedPredicate<JavaClass> handedOutByTheStorePackage() {
    Set<String> names =
        idem.that(resideInAPackage("io.idem.core.store")).stream()
            .flatMap(type -> type.getCodeUnits().stream())
            .filter(member -> member.getModifiers().contains(JavaModifier.PUBLIC))
            .flatMap(
                member ->
                    Stream.of(
                            Stream.of(member.getReturnType()),
                            member.getParameterTypes().stream(),
                            member.getExceptionTypes().stream())
                        .flatMap(types -> types))
            .flatMap(type -> type.getAllInvolvedRawTypes().stream())
            .filter(resideInAPackage("io.idem.core"))
            .map(JavaClass::getName)
            .collect(Collectors.toSet());
    return DescribedPredicate.describe(
        "handed out by the store package", type -> names.contains(type.getName()));
  }

  private static ArchCondition<JavaClass> check(
      String description, Predicate<JavaClass> holds, Function<JavaClass, String> violation) {
    return new ArchCondition<>(description) {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        events.add(new SimpleConditionEvent(type, holds.test(type), violation.apply(type)));
      }
    };
  }
}
