package io.idem.audit;

import java.lang.StackWalker.StackFrame;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds whose code has sent a statement. Thread-safe. */
final class CallSites {

  /** What lies between a statement and who sent it to JDBC: drivers, pools and proxies. */
  private static final List<String> JDBC =
      List.of(
          "io.idem.audit.",
          "java.",
          "javax.",
          "jdk.",
          "sun.",
          "com.sun.",
          "com.zaxxer.hikari.",
          "org.apache.commons.dbcp2.",
          "org.apache.tomcat.jdbc.",
          "oracle.ucp.",
          "com.mchange.",
          "com.alibaba.druid.",
          "net.ttddyy.dsproxy.",
          "com.p6spy.",
          "org.h2.",
          "org.postgresql.",
          "com.mysql.",
          "org.mariadb.",
          "org.springframework.jdbc.datasource.");

  /** What sends statements for others. */
  private static final List<String> FRAMEWORKS =
      List.of(
          "org.springframework.",
          "org.hibernate.",
          "org.eclipse.persistence.",
          "org.apache.ibatis.",
          "org.mybatis.",
          "com.baomidou.",
          "org.jooq.",
          "org.jdbi.",
          "com.querydsl.",
          "jakarta.",
          "org.aspectj.",
          "kotlin.",
          "scala.",
          "reactor.",
          "io.micrometer.",
          "io.opentelemetry.",
          "io.idem.core.",
          "io.idem.spring.",
          "io.idem.http.",
          "io.idem.servlet.",
          "io.idem.webflux.");

  /** Its own statements are idempotent by what they are part of. */
  private static final List<String> IDEM = List.of("io.idem.jdbc.", "io.idem.guard.");

  /** What sets a schema up, before anything can arrive twice. */
  private static final List<String> MIGRATIONS =
      List.of("org.flywaydb.", "liquibase.", "org.springframework.jdbc.datasource.init.");

  private final List<String> skipped;

  CallSites(List<String> alsoSkipped) {
    this.skipped = Stream.concat(FRAMEWORKS.stream(), alsoSkipped.stream()).toList();
  }

  /**
   * Whose code the statement came from: null where it was Idem's own, for itself or its guards, or
   * a migration's.
   */
  @Nullable CallSite find() {
    return StackWalker.getInstance().walk(this::find);
  }

  private @Nullable CallSite find(Stream<StackFrame> frames) {
    List<StackFrame> all = frames.limit(1_000).toList();
    if (all.stream().anyMatch(frame -> startsWith(frame, MIGRATIONS))) {
      return null;
    }
    List<StackFrame> beyondJdbc = all.stream().dropWhile(frame -> startsWith(frame, JDBC)).toList();
    if (!beyondJdbc.isEmpty() && startsWith(beyondJdbc.get(0), IDEM)) {
      return null;
    }
    Optional<StackFrame> found =
        beyondJdbc.stream()
            .filter(
                frame ->
                    !startsWith(frame, JDBC)
                        && !startsWith(frame, skipped)
                        && !isGenerated(frame.getClassName()))
            .findFirst();
    return found.map(CallSite::of).orElse(CallSite.UNKNOWN);
  }

  private static boolean isGenerated(String name) {
    return name.contains("$$") || name.contains("$Proxy");
  }

  private static boolean startsWith(StackFrame frame, List<String> prefixes) {
    String name = frame.getClassName();
    return prefixes.stream().anyMatch(name::startsWith);
  }
}
