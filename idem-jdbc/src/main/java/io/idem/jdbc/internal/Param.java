package io.idem.jdbc.internal;

import java.util.Locale;

/** A value that statements take, written {@code {name}} in a template. */
enum Param {
  /** The record's id. */
  ID(Kind.BYTES16),
  /** The mark the record is owned under from now on. */
  TOKEN(Kind.BYTES16),
  /** The mark seen in the row that is to be taken over. */
  SEEN_TOKEN(Kind.BYTES16),
  /** The state of the row once it is claimed. */
  STATE(Kind.INT),
  /** The attempt once the row is taken over. */
  ATTEMPT(Kind.INT),
  /** The digest of the request. */
  FINGERPRINT(Kind.BYTES),
  /** A readable part of the key. */
  NAMESPACE(Kind.TEXT),
  /** A readable part of the key. */
  OPERATION(Kind.TEXT),
  /** A readable part of the key. */
  SOURCE(Kind.TEXT),
  /** A readable part of the key. */
  KEY(Kind.TEXT),
  /** The outcome in its stored form. */
  OUTCOME(Kind.BYTES),
  /** How long the lease holds from now, in milliseconds; null for a transaction. */
  LEASE(Kind.LONG),
  /** How long the outcome is kept from now, in milliseconds. */
  KEEP(Kind.LONG),
  /** The record's age in milliseconds: zero, or null where the creation is not kept. */
  AGE(Kind.LONG),
  /** How long to wait for a lock, in milliseconds. */
  WAIT(Kind.LONG),
  /** The most rows to touch. */
  LIMIT(Kind.INT),
  /** The keys of a batch as a JSON document; see {@link JsonRows}. */
  ROWS(Kind.TEXT),
  /** Whether the statement runs in a transaction of its own: 1 or 0. */
  OWN(Kind.INT),
  /** Whether a batch stops at the first key that a rival is in the way of: 1 or 0. */
  STOP(Kind.INT);

  /** How a value is handed to the driver. */
  enum Kind {
    BYTES16("uuid"),
    BYTES("bytea"),
    TEXT("text"),
    INT("integer"),
    LONG("bigint");

    /** The element type of an array of such values, where a statement takes them so. */
    private final String arrayType;

    Kind(String arrayType) {
      this.arrayType = arrayType;
    }

    String arrayType() {
      return arrayType;
    }
  }

  private final Kind kind;

  Param(Kind kind) {
    this.kind = kind;
  }

  /** Whether a batch has one such value, and not one for each key. */
  boolean isOfBatch() {
    return this == WAIT || this == ROWS || this == OWN || this == STOP;
  }

  Kind kind() {
    return kind;
  }

  static Param named(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }
}
