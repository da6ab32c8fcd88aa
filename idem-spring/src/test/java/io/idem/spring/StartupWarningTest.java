package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/** What holds, but does nothing where the application runs as it does, is said at start-up. */
class StartupWarningTest {

  @Test
  void whatOnlyLeasedOperationsHearIsWarnedOfWhereOneIsTransactional() {
    assertThat(warnings(StartupRefusalTest.InDatabase.class, Automatic.class))
        .singleElement()
        .asString()
        .contains(
            "Automatic.run(String)",
            "'Automatic.run'",
            "lease, onAbandoned, releaseOn",
            "transactional",
            "LEASED");
    assertThat(warnings(StartupRefusalTest.InDatabase.class, Declared.class))
        .singleElement()
        .asString()
        .contains("Declared.run(String)", "lease");
  }

  @Test
  void whereTheyAreHeardOrAbsentNothingIsSaid() {
    assertThat(warnings(StartupRefusalTest.InMemory.class, Automatic.class)).isEmpty();
    assertThat(warnings(StartupRefusalTest.InDatabase.class, Leased.class)).isEmpty();
    assertThat(warnings(StartupRefusalTest.InDatabase.class, Plain.class)).isEmpty();
  }

  private static List<String> warnings(Class<?>... application) {
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger("io.idem");
    logger.addAppender(log);
    log.start();
    try {
      new AnnotationConfigApplicationContext(application).close();
    } finally {
      logger.detachAppender(log);
    }
    return log.list.stream()
        .filter(event -> event.getLevel() == Level.WARN)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  static class Automatic {

    @Idempotent(
        key = "#key",
        lease = "10s",
        onAbandoned = "RETRY",
        releaseOn = IllegalArgumentException.class)
    public String run(String key) {
      return key;
    }
  }

  static class Declared {

    @Idempotent(key = "#key", mode = Idempotent.Mode.TRANSACTIONAL, lease = "10s")
    public String run(String key) {
      return key;
    }
  }

  static class Leased {

    @Idempotent(key = "#key", mode = Idempotent.Mode.LEASED, lease = "10s")
    public String run(String key) {
      return key;
    }
  }

  static class Plain {

    @Idempotent(key = "#key", waitAtMost = "1s", retention = "1h")
    public String run(String key) {
      return key;
    }
  }
}
