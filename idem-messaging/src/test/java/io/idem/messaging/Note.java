package io.idem.messaging;

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

  static Note of(String key, String payload) {
    return new Note(Map.of(MessageIds.HEADER, key), payload);
  }
}
