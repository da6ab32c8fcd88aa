package io.idem.examples.payments;

import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The service on a PostgreSQL of the operator's, named by its URL. */
class PostgresPaymentServiceTest extends PaymentServiceContract {

  @DynamicPropertySource
  static void database(DynamicPropertyRegistry properties) {
    properties.add("spring.datasource.url", SharedPostgres::newDatabase);
    properties.add("payments.store", () -> "ignored");
  }
}
