package io.idem.examples.payments;

import com.fasterxml.jackson.annotation.JsonIgnore;

/**
 * An account.
 *
 * @param balance in minor units
 * @param kind {@code CUSTOMER} or {@code EQUITY}
 */
record Account(String id, String currency, long balance, @JsonIgnore String kind) {

  /** Whether it belongs to someone who can pay and be paid. */
  @JsonIgnore
  boolean ofCustomer() {
    return kind.equals("CUSTOMER");
  }
}
