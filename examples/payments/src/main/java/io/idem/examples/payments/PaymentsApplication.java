package io.idem.examples.payments;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** The payments example. */
@SpringBootApplication(proxyBeanMethods = false)
public class PaymentsApplication {

  /**
   * Runs the service until it is stopped.
   *
   * @param args Spring Boot arguments, such as {@code --server.port=0 --payments.store=postgres}
   */
  public static void main(String[] args) {
    SpringApplication.run(PaymentsApplication.class, args);
  }
}
