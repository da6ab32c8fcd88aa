package io.idem.audit;

import java.util.Locale;

/**
 * A way into an application on which something can arrive twice: a mutating HTTP endpoint, or a
 * message listener. Immutable and thread-safe.
 *
 * @param kind what it is
 * @param name what it listens to: {@code POST /orders}, {@code kafka orders}
 * @param handler the method that handles it: {@code shop.OrderController.place(Order)}
 * @param protection how far a repeat is kept from having an effect of its own
 * @param how what protects it, or why nothing seems to; for a reader
 */
public record EntryPoint(
    Kind kind, String name, String handler, Protection protection, String how) {

  /** What an entry point is. */
  public enum Kind {
    /** An HTTP endpoint. */
    ENDPOINT,
    /** A listener of messages. */
    LISTENER
  }

  /** How far an entry point is protected. */
  public enum Protection {
    /** By an operation. */
    PROTECTED,
    /** By an operation, where the request has a key; a request without one runs. */
    OPTIONAL,
    /**
     * By nothing but a promise: PUT and DELETE are idempotent by definition (RFC 9110, section
     * 9.2.2), and whether the handler keeps to that is not known.
     */
    DECLARED,
    /** By nothing that is known. */
    UNPROTECTED
  }

  /**
   * The entry point as a line of a baseline, which stays the same while nothing changes.
   *
   * @return one line
   */
  String line() {
    return (kind.name().toLowerCase(Locale.ROOT) + " " + name + " -> " + handler)
        .replaceAll("\\s+", " ");
  }
}
