package io.idem.testkit.http;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One run of a handler, as the adapter shows it to the script. */
public interface ContractCall {

  /**
   * The first line of a header.
   *
   * @param name in any case
   * @return its value, or null if it was not sent
   */
  @Nullable String header(String name);

  /**
   * The body as the handler can still read it.
   *
   * @return all bytes; none for forms, which the adapter reads as parameters
   */
  byte[] body();

  /**
   * The values of a field of the form that was sent.
   *
   * @param name of the field
   * @return its values, in their order
   */
  List<String> field(String name);

  /** Says that nothing happened, whatever the answer. */
  void nothingHappened();

  /** Says that the answer is not to be kept. */
  void doNotKeep();

  /**
   * Has an effect: a row in the database, in the transaction of the operation if it has one;
   * without a transaction, {@link ContractScript#mark}.
   *
   * @param name of the effect
   */
  void effect(String name);

  /**
   * Transactional adapters only: has an effect in a method whose transaction is rolled back by the
   * {@link ContractRejection} it throws.
   *
   * @param name of the effect
   */
  default void effectThenRejection(String name) {
    throw new UnsupportedOperationException("There is no transaction");
  }

  /**
   * Transactional adapters only: runs something after the handler, before its transaction commits.
   *
   * @param action what to run
   */
  default void beforeCommit(Runnable action) {
    throw new UnsupportedOperationException("There is no transaction");
  }
}
