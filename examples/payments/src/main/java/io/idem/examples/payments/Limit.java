package io.idem.examples.payments;

/** How many rows one answer may have. */
final class Limit {

  private static final int MAX = 200;

  private Limit() {}

  /** The wish of the caller, brought into what the service is willing to send. */
  static int of(int wish) {
    return Math.max(1, Math.min(wish, MAX));
  }
}
