package io.idem.messaging;

import org.jspecify.annotations.Nullable;

/** What was found where the key of a message should be. */
public sealed interface KeyLookup {

  /**
   * The message has a key.
   *
   * @param key the key
   */
  record Found(String key) implements KeyLookup {

    /** Names not the key, which stays out of logs. */
    @Override
    public String toString() {
      return "Found[]";
    }
  }

  /**
   * There is nothing where the key should be.
   *
   * @param place what was looked at, such as a header's name
   */
  record Absent(String place) implements KeyLookup {}

  /**
   * There is something that cannot be a key.
   *
   * @param place what was looked at
   * @param problem what is wrong with it, without the value
   * @param cause what the look-up threw; null if nothing
   */
  record Unusable(String place, String problem, @Nullable Exception cause) implements KeyLookup {}
}
