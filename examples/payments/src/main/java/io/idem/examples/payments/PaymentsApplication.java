package io.idem.examples.payments;

import java.time.Clock;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/** The payments example: starts the service and prints {@code ready http://127.0.0.1:N}. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(PaymentsProperties.class)
public class PaymentsApplication {

  /**
   * Runs the service until it is stopped. A start that fails prints one line on standard error and
   * ends with a status other than zero.
   *
   * @param args Spring Boot arguments, such as {@code --server.port=0 --payments.store=postgres}
   */
  public static void main(String[] args) {
    SpringApplication.run(PaymentsApplication.class, args);
  }

  @Bean
  Clock clock() {
    return Clock.systemUTC();
  }
}
