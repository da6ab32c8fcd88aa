package io.idem.messaging;

import io.idem.core.store.StoreUnavailableException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Commits that a database refuses for what the handler wrote. */
final class Refusals {

  private static final String INTEGRITY_CONSTRAINT = "23";

  private Refusals() {}

  /**
   * What a transaction has failed with whose handler had returned, if a constraint that is checked
   * at the commit does not hold. It is no outage, and will be the same when it is tried again.
   *
   * @return the failure to tell of the message; null if it says nothing about that
   */
  static @Nullable RuntimeException of(Exception thrown) {
    return thrown instanceof StoreUnavailableException
            && thrown.getCause() instanceof SQLException refusal
            && refusal.getSQLState() != null
            && refusal.getSQLState().startsWith(INTEGRITY_CONSTRAINT)
        ? new IllegalStateException("The database refuses to commit the effect", refusal)
        : null;
  }
}
