package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.OperationTokens;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Point 4: fields of forms are in the body, and nowhere else. */
class FieldPlacesTest {

  private static final RequestValue.Field FIELD = new RequestValue.Field("number");

  /** The sources that look into forms. */
  enum Source {
    FIELD_ALONE,
    FIELD_OF_SOURCE,
    TOKEN;

    KeySource keys() {
      return switch (this) {
        case FIELD_ALONE -> KeySource.at(FIELD, 255);
        case FIELD_OF_SOURCE ->
            KeySource.sourceAndNumber(
                FIELD, new RequestValue.Header("X-Number"), 255, SourceCheck.any());
        case TOKEN -> KeySource.token(OperationTokens.builder().build(), KeySyntax.DEFAULT, FIELD);
      };
    }
  }

  private static HttpRequestHead request(@Nullable String query) {
    return new HttpRequestHead() {
      @Override
      public String method() {
        return "POST";
      }

      @Override
      public String path() {
        return "/pay";
      }

      @Override
      public @Nullable String query() {
        return query;
      }

      @Override
      public List<String> headerLines(String name) {
        return switch (name) {
          case "Content-Type" -> List.of("application/x-www-form-urlencoded");
          case "X-Number" -> List.of("4711");
          default -> List.of();
        };
      }

      @Override
      public @Nullable String caller() {
        return "alice";
      }
    };
  }

  /** A server may leave away what it cannot read of a query, and hand out what it can. */
  @ParameterizedTest
  @EnumSource
  void p04_aQueryThatCannotBeReadMayHaveTheField(Source source) {
    String many = "a&".repeat(10_001);
    for (String query : List.of("%zz", "x=%", many, "number=1", "x&n%75mber")) {
      for (RequestBody body :
          List.of(
              new RequestBody.Form(Map.of("number", List.of("k"))),
              new RequestBody.Bytes("number=k".getBytes(StandardCharsets.UTF_8)),
              new RequestBody.Form(Map.of()))) {
        assertThat(source.keys().read(request(query), body))
            .as(query)
            .isInstanceOf(KeySyntax.Malformed.class);
      }
    }
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = {"", "&", "x=1", "Number=1", "x=number"})
  void p04_aQueryWithoutTheFieldIsNoMatter(@Nullable String query) {
    RequestBody body = new RequestBody.Form(Map.of("number", List.of("k")));

    assertThat(Source.FIELD_ALONE.keys().read(request(query), body))
        .isEqualTo(new KeySyntax.Key("k"));
  }

  @Test
  void theParametersOfAQueryAreNoFields() {
    Map<String, List<String>> parameters =
        Map.of("both", List.of("q", "b1", "b2"), "n\u00fa", List.of("q"), "body", List.of("b"));

    assertThat(RequestBody.withoutQuery(parameters, "both=q&n%C3%BA=q"))
        .isEqualTo(Map.of("both", List.of("b1", "b2"), "body", List.of("b")));
    assertThat(RequestBody.withoutQuery(parameters, null)).isEqualTo(parameters);
    assertThat(RequestBody.withoutQuery(parameters, "%zz")).isEqualTo(parameters);
  }
}
