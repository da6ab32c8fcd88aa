package io.idem.examples.payments;

/** What was asked for does not exist, or not for this caller. */
final class NotFound extends RuntimeException {

  private static final long serialVersionUID = 1L;

  NotFound(String detail) {
    super(detail);
  }
}
