package io.idem.audit;

/** What a statement does, as far as repeats are concerned. */
public enum StatementKind {
  /** Reads and changes nothing. */
  QUERY,
  /** Reads and locks rows until the transaction ends. */
  LOCKING_QUERY,
  /** Draws a number from a sequence. A number that is drawn and not used does no harm. */
  SEQUENCE,
  /** Calls a function that does something besides answering. */
  SIDE_EFFECT,
  /** Sets columns to values that do not depend on what they were. */
  ABSOLUTE_UPDATE,
  /** Sets a column to a value computed from what the update itself changes. */
  RELATIVE_UPDATE,
  /** Changes a row only where a column has the expected value, and changes that column. */
  COMPARE_AND_SET,
  /** Writes the time, a random value or the next number of a sequence. */
  NONDETERMINISTIC_WRITE,
  /** Changes as many rows as a limit allows, whichever these are. */
  LIMITED_WRITE,
  /** Changes rows that it chooses by looking at what it changes. */
  SELF_SELECTING_WRITE,
  /** Deletes the rows that match a condition. */
  DELETE,
  /** Inserts rows, and nothing refuses a repeat. */
  PLAIN_INSERT,
  /** Inserts rows, and a unique key refuses a repeat. */
  UNIQUE_INSERT,
  /** Inserts rows, or leaves the present ones alone. */
  INSERT_OR_IGNORE,
  /** Inserts rows where a query finds none, which two executions at once may both see. */
  INSERT_IF_ABSENT,
  /** Inserts rows, or updates or replaces the present ones. */
  UPSERT,
  /** Inserts, updates and deletes by comparison with another table. */
  MERGE,
  /** Calls a procedure or a block of code. */
  CALL,
  /** Changes the schema. */
  DDL,
  /** Empties a table. */
  TRUNCATE,
  /** Begins or ends a transaction or a part of it. */
  TRANSACTION_CONTROL,
  /** Sets or shows something of the session. */
  SESSION,
  /** Several statements in one. */
  SEVERAL,
  /** Could not be read. */
  UNREADABLE
}
