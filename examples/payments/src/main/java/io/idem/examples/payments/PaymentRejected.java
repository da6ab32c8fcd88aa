package io.idem.examples.payments;

import org.springframework.http.HttpStatus;

/**
 * Why a payment, or a step of an order, is not made. Nothing has changed when it is thrown, or the
 * transaction takes it back; the message is meant for the caller.
 */
abstract sealed class PaymentRejected extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final HttpStatus status;
  private final String slug;
  private final String title;

  private PaymentRejected(HttpStatus status, String slug, String title, String detail) {
    super(detail);
    this.status = status;
    this.slug = slug;
    this.title = title;
  }

  HttpStatus status() {
    return status;
  }

  /** The name of the problem, as in the address of its description. */
  String slug() {
    return slug;
  }

  String title() {
    return title;
  }

  /** The request is not a payment between two accounts of this service. */
  static final class Invalid extends PaymentRejected {
    private static final long serialVersionUID = 1L;

    Invalid(String detail) {
      super(HttpStatus.BAD_REQUEST, "invalid-payment", "Invalid payment", detail);
    }
  }

  /** The caller wants to spend somebody else's money. */
  static final class NotYourAccount extends PaymentRejected {
    private static final long serialVersionUID = 1L;

    NotYourAccount(String account) {
      super(
          HttpStatus.FORBIDDEN,
          "not-your-account",
          "Not your account",
          "Only the owner of account '" + account + "' can do this.");
    }
  }

  /** The account holds less than the payment needs. */
  static final class InsufficientFunds extends PaymentRejected {
    private static final long serialVersionUID = 1L;

    InsufficientFunds(String account) {
      super(
          HttpStatus.PAYMENT_REQUIRED,
          "insufficient-funds",
          "Insufficient funds",
          "Account '" + account + "' does not hold enough for this payment.");
    }
  }

  /** The customer has another order under this number. */
  static final class NumberTaken extends PaymentRejected {
    private static final long serialVersionUID = 1L;

    NumberTaken(String number) {
      super(
          HttpStatus.CONFLICT,
          "number-taken",
          "Number taken",
          "You have another order under the number '" + number + "'.");
    }
  }

  /** There are fewer pieces than asked for. */
  static final class OutOfStock extends PaymentRejected {
    private static final long serialVersionUID = 1L;

    OutOfStock(String product) {
      super(
          HttpStatus.CONFLICT,
          "out-of-stock",
          "Out of stock",
          "There are not so many pieces of '" + product + "'.");
    }
  }
}
