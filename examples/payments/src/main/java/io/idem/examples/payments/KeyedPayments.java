package io.idem.examples.payments;

import io.idem.spring.Idempotent;
import org.springframework.stereotype.Service;

/**
 * Payments under a key of their caller, made once whichever way they arrive: the record of the key
 * stands around the payment itself, and knows neither requests nor messages.
 */
@Service
class KeyedPayments {

  private final Payments payments;

  KeyedPayments(Payments payments) {
    this.payments = payments;
  }

  /**
   * Moves the money, or answers with the payment that was made under the key before.
   *
   * @param caller the customer who asks, by the id of their account
   * @param key what the caller numbers the payment with
   * @throws PaymentRejected when it is not possible; nothing has changed then
   */
  @Idempotent(operation = "payment", source = "#caller", key = "#key", waitAtMost = "5s")
  public Payment pay(String caller, String key, PaymentRequest request) {
    return payments.pay(caller, request);
  }
}
