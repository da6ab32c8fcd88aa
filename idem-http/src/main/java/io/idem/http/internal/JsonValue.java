package io.idem.http.internal;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;

/**
 * What a JSON pointer finds in a JSON text.
 *
 * <p>The text is read once, token by token and to its end: what is not well-formed behind the value
 * is not well-formed. A pointer goes through objects only. Where a name on its way appears twice in
 * one object, readers of JSON do not agree on what it points to, so neither is it said here.
 */
public sealed interface JsonValue {

  /** The text is no JSON in UTF-8, or exceeds the bounds of {@link JsonDigest}. */
  record NotJson() implements JsonValue {}

  /** A name on the way appears twice in its object. */
  record Ambiguous() implements JsonValue {}

  /** There is no such member. */
  record Absent() implements JsonValue {}

  /** A string or an integer, by its characters or digits. */
  record Text(String text, byte[] json) implements JsonValue {}

  /** Another value. */
  record Other(byte[] json) implements JsonValue {}

  /**
   * Finds a member.
   *
   * @param json the text
   * @param pointer the way to it (RFC 6901), not empty
   * @return what is there
   */
  static JsonValue at(byte[] json, String pointer) {
    return new Search(pointer).in(json);
  }

  /** The names of a pointer. */
  private static List<String> names(String pointer) {
    return Arrays.stream(pointer.substring(1).split("/", -1))
        .map(name -> name.replace("~1", "/").replace("~0", "~"))
        .toList();
  }

  /** One reading of a text. */
  final class Search {

    private static final JsonFactory FACTORY =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(500).maxNumberLength(1_000).build())
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII) // keeps an unpaired surrogate what it is
            .build();

    private final List<String> names;
    private final boolean[] seen;
    private JsonValue found = new Absent();
    private boolean ambiguous;

    private Search(String pointer) {
      this.names = names(pointer);
      this.seen = new boolean[names.size()];
    }

    private JsonValue in(byte[] json) {
      InputStreamReader reader =
          new InputStreamReader(
              new ByteArrayInputStream(json),
              StandardCharsets.UTF_8
                  .newDecoder()
                  .onMalformedInput(CodingErrorAction.REPORT)
                  .onUnmappableCharacter(CodingErrorAction.REPORT));
      try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), reader)) {
        if (parser.nextToken() == null) {
          return new NotJson();
        }
        read(parser);
        if (parser.nextToken() != null) {
          return new NotJson(); // two texts in a row are not one
        }
        return ambiguous ? new Ambiguous() : found;
      } catch (JacksonException e) {
        return new NotJson();
      }
    }

    /** Goes down the pointer and back up, over objects that lie on its way. */
    private void read(JsonParser parser) {
      int level = 0; // how many objects of the way are open
      JsonToken token = parser.currentToken();
      if (token != JsonToken.START_OBJECT) {
        parser.skipChildren();
        return;
      }
      level++;
      while (level > 0) {
        token = parser.nextToken();
        if (token == JsonToken.END_OBJECT) {
          level--;
          continue;
        }
        boolean onTheWay = parser.currentName().equals(names.get(level - 1));
        token = parser.nextToken();
        if (onTheWay) {
          ambiguous |= seen[level - 1];
          seen[level - 1] = true;
        }
        if (onTheWay && level == names.size()) {
          found = value(token, parser);
        } else if (onTheWay && token == JsonToken.START_OBJECT) {
          level++;
        } else {
          parser.skipChildren();
        }
      }
    }

    private static JsonValue value(JsonToken token, JsonParser parser) {
      @Nullable String text =
          token == JsonToken.VALUE_STRING || token == JsonToken.VALUE_NUMBER_INT
              ? parser.getString()
              : null;
      byte[] json = copy(token, parser);
      return text == null ? new Other(json) : new Text(text, json);
    }

    /** The value as a text of its own. */
    private static byte[] copy(JsonToken first, JsonParser parser) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (JsonGenerator copy = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
        int depth = 0;
        JsonToken token = first;
        while (true) {
          depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
          copy(token, parser, copy);
          if (depth == 0) {
            break;
          }
          token = parser.nextToken();
        }
      }
      return bytes.toByteArray();
    }

    private static void copy(JsonToken token, JsonParser parser, JsonGenerator copy) {
      switch (token) {
        case START_OBJECT -> copy.writeStartObject();
        case END_OBJECT -> copy.writeEndObject();
        case START_ARRAY -> copy.writeStartArray();
        case END_ARRAY -> copy.writeEndArray();
        case PROPERTY_NAME -> copy.writeName(parser.currentName());
        case VALUE_STRING -> copy.writeString(parser.getString());
        // By its characters: it is never expanded.
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> copy.writeNumber(parser.getString());
        case VALUE_TRUE -> copy.writeBoolean(true);
        case VALUE_FALSE -> copy.writeBoolean(false);
        case VALUE_NULL -> copy.writeNull();
        default -> throw new IllegalStateException("A JSON parser gives no " + token);
      }
    }
  }
}
