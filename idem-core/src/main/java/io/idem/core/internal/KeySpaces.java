package io.idem.core.internal;

import io.idem.core.Mode;
import io.idem.core.store.TransactionalStore;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The key spaces of an engine, and where each has its records: in two places, a key would be taken
 * twice. Thread-safe.
 */
final class KeySpaces {

  private final ConcurrentHashMap<String, Home> homes = new ConcurrentHashMap<>();

  /**
   * Where the records of a space are.
   *
   * @param operation who said so first
   * @param records what tells a transactional store's records from others', or null in leased mode
   */
  private record Home(String operation, Mode mode, @Nullable Object records) {}

  /**
   * Lets an operation into the space that it names, if it names one.
   *
   * @throws IllegalStateException if the records of the space are elsewhere
   */
  void enter(OperationSpec<?> spec) {
    String space = spec.keySpace();
    if (space == null) {
      return;
    }
    TransactionalStore store = spec.transactionalStore();
    Object records =
        store != null && spec.mode() == Mode.TRANSACTIONAL ? store.recordTarget() : null;
    Home home = new Home(spec.name(), spec.mode(), records);
    Home first = homes.putIfAbsent(space, home);
    if (first == null
        || (first.mode() == home.mode() && Objects.equals(first.records(), home.records()))) {
      return;
    }
    String difference =
        first.mode() == home.mode()
            ? "keep their records in different stores"
            : "are " + first.mode() + " and " + home.mode();
    throw new IllegalStateException(
        "Operations '"
            + first.operation()
            + "' and '"
            + spec.name()
            + "' share the key space '"
            + space
            + "' but "
            + difference
            + ", so that a key could be taken at both: give them one mode and one store, or key"
            + " spaces of their own");
  }
}
