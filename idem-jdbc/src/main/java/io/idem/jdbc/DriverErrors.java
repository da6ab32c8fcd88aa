package io.idem.jdbc;

import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a driver's errors mean, as SQL states or vendor codes. Immutable.
 *
 * @param duplicates a unique constraint is violated
 * @param lockTimeouts the wait for a lock was in vain
 * @param conflicts the transaction was, or must be, rolled back and may be run again
 * @param timeoutRollsBack asks whether a lock timeout rolls the whole transaction back instead of
 *     its statement: 1 if so; null where it never does, or where a savepoint takes care of it
 */
public record DriverErrors(
    Set<String> duplicates,
    Set<String> lockTimeouts,
    Set<String> conflicts,
    @Nullable String timeoutRollsBack) {

  /**
   * Copies the codes.
   *
   * @param duplicates a unique constraint is violated
   * @param lockTimeouts the wait for a lock was in vain
   * @param conflicts the transaction was, or must be, rolled back and may be run again
   * @param timeoutRollsBack asks whether a lock timeout rolls the whole transaction back instead of
   *     its statement: 1 if so; null where it never does, or where a savepoint takes care of it
   */
  public DriverErrors {
    duplicates = Set.copyOf(duplicates);
    lockTimeouts = Set.copyOf(lockTimeouts);
    conflicts = Set.copyOf(conflicts);
  }

  /**
   * Whether a unique constraint is violated.
   *
   * @param e what the driver threw
   * @return true if so
   */
  public boolean duplicate(SQLException e) {
    return matches(duplicates, e);
  }

  /**
   * Whether a wait for a lock was in vain.
   *
   * @param e what the driver threw
   * @return true if so
   */
  public boolean lockTimeout(SQLException e) {
    return matches(lockTimeouts, e);
  }

  /**
   * Whether the transaction was, or must be, rolled back, and may be run again.
   *
   * @param e what the driver threw
   * @return true if so; false for a lock timeout
   */
  public boolean conflict(SQLException e) {
    // MySQL's driver gives a lock timeout the SQL state of a deadlock.
    return matches(conflicts, e) && !lockTimeout(e);
  }

  private static boolean matches(Set<String> codes, SQLException e) {
    String state = e.getSQLState();
    return (state != null && codes.contains(state))
        || codes.contains(Integer.toString(e.getErrorCode()));
  }
}
