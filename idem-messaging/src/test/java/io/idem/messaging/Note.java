package io.idem.messaging;

import io.idem.core.Attempt;
import io.idem.testkit.Effects;
import java.sql.SQLException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A message of no broker. */
record Note(Map<String, Object> headers, @Nullable Object payload) {

  static final MessageReader<Note> READER =
      new MessageReader<>() {
        @Override
        public @Nullable Object header(Note note, String name) {
          return note.headers.get(name);
        }

        @Override
        public @Nullable String messageId(Note note) {
          return (String) note.headers.get("id");
        }

        @Override
        public @Nullable Object payload(Note note) {
          return note.payload;
        }
      };

  /** Writes the payload as an effect, in the transaction of a run. */
  static void book(Note note, Attempt attempt) throws SQLException {
    Effects.book((String) note.payload, attempt);
  }

  static Note of(String key, String payload) {
    return new Note(Map.of(MessageIds.HEADER, key), payload);
  }
}
