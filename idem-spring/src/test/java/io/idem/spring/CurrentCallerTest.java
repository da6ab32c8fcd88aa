package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.idem.core.Idempotency;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Methods that are called with a source and a number, outside of web requests. */
class CurrentCallerTest {

  private AnnotationConfigApplicationContext context;
  private Bookings bookings;
  private Sender sender;

  @BeforeEach
  void start() {
    context = new AnnotationConfigApplicationContext(Config.class);
    bookings = context.getBean(Bookings.class);
    sender = context.getBean(Sender.class);
  }

  @AfterEach
  void stop() {
    context.close();
  }

  @Test
  void p04_aSourceBelongsToItsCaller() {
    sender.name = "alice";
    String first = bookings.book("erp", "4711");

    assertThat(bookings.book("erp", "4711")).isEqualTo(first);
    assertThat(bookings.book("shop", "4711")).isNotEqualTo(first);

    sender.name = "bob";
    assertThat(bookings.book("erp", "4711")).isNotEqualTo(first);
  }

  /** A caller's name and a source cannot run into each other. */
  @Test
  void p04_callerAndSourceStayApart() {
    sender.name = "a";
    String first = bookings.book("berp", "4711");

    sender.name = "ab";
    assertThat(bookings.book("erp", "4711")).isNotEqualTo(first);
  }

  @Test
  void p04_withoutACallerNothingRuns() {
    sender.name = null;

    assertThatExceptionOfType(UnknownCallerException.class)
        .isThrownBy(() -> bookings.book("erp", "4711"))
        .withMessageContaining("CurrentCaller");
  }

  static class Sender implements CurrentCaller {

    private @Nullable String name;

    @Override
    public @Nullable String name() {
      return name;
    }
  }

  static class Bookings {

    @Idempotent(key = "#number", source = "#system", caller = Idempotent.Caller.WITH_SOURCE)
    public String book(String system, String number) {
      return system + number + UUID.randomUUID();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  static class Config {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }

    @Bean
    Bookings bookings() {
      return new Bookings();
    }

    @Bean
    Sender sender() {
      return new Sender();
    }
  }
}
