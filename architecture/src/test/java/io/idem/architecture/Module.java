package io.idem.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;

/** A published module and the package that is its own. */
enum Module {
  CORE("idem-core", "io.idem.core"),
  TESTKIT("idem-testkit", "io.idem.testkit"),
  JDBC("idem-jdbc", "io.idem.jdbc"),
  GUARD("idem-guard", "io.idem.guard"),
  AUDIT("idem-audit", "io.idem.audit"),
  REDIS("idem-redis", "io.idem.redis"),
  CAFFEINE("idem-caffeine", "io.idem.caffeine"),
  RESILIENCE4J("idem-resilience4j", "io.idem.resilience4j"),
  CLIENT("idem-client", "io.idem.client"),
  HTTP("idem-http", "io.idem.http"),
  SERVLET("idem-servlet", "io.idem.servlet"),
  MESSAGING("idem-messaging", "io.idem.messaging"),
  KAFKA("idem-kafka", "io.idem.kafka"),
  RABBITMQ("idem-rabbitmq", "io.idem.rabbitmq"),
  JMS("idem-jms", "io.idem.jms"),
  ROCKETMQ("idem-rocketmq", "io.idem.rocketmq"),
  SPRING("idem-spring", "io.idem.spring"),
  SPRING_KAFKA("idem-spring-kafka", "io.idem.spring.kafka"),
  SPRING_RABBIT("idem-spring-rabbit", "io.idem.spring.rabbit"),
  SPRING_JMS("idem-spring-jms", "io.idem.spring.jms"),
  SPRING_ROCKETMQ("idem-spring-rocketmq", "io.idem.spring.rocketmq"),
  WEBFLUX("idem-webflux", "io.idem.webflux"),
  STARTER("idem-spring-boot-starter", "io.idem.spring.boot");

  private final String artifactId;
  private final String root;

  Module(String artifactId, String root) {
    this.artifactId = artifactId;
    this.root = root;
  }

  String artifactId() {
    return artifactId;
  }

  /**
   * The classes of this module; a package nested in it that is another module's is not among them.
   */
  DescribedPredicate<JavaClass> classes() {
    DescribedPredicate<JavaClass> own = resideInAPackage(root + "..");
    for (Module other : values()) {
      if (other.root.startsWith(root + ".")) {
        own = own.and(DescribedPredicate.not(resideInAPackage(other.root + "..")));
      }
    }
    return own.as("classes of " + artifactId);
  }
}
