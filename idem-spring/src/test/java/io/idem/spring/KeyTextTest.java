package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KeyTextTest {

  private static final Map<String, @Nullable Object> WITH_NULL =
      Collections.singletonMap("a", null);

  @Test
  void aKeyWithoutAPartIsRefused() {
    for (Object value : List.of(WITH_NULL, Arrays.asList("a", null))) {
      assertThatThrownBy(() -> KeyText.of("the key", value))
          .isInstanceOf(MissingKeyException.class)
          .hasMessageContaining("the key has a part that is null");
    }
  }

  @Test
  void whatIsComparedMayLackParts() {
    Map<String, @Nullable Object> same = new HashMap<>(WITH_NULL);
    List<Object> different =
        List.of(
            Map.of(),
            WITH_NULL,
            Map.of("a", ""),
            Map.of("a", Map.of()),
            Map.of("a", "b"),
            Arrays.asList("a", null),
            Arrays.asList(null, "a"),
            List.of("a"));

    assertThat(KeyText.compared("#payload", WITH_NULL))
        .isEqualTo(KeyText.compared("#payload", same));
    List<@Nullable String> texts = new ArrayList<>();
    different.forEach(value -> texts.add(KeyText.compared("#payload", value)));
    assertThat(texts).doesNotHaveDuplicates().doesNotContainNull().doesNotContain("");
    assertThat(KeyText.compared("#payload", null)).isNull();
    assertThat(KeyText.compared("''", "")).as("a constant that compares nothing").isEmpty();
    assertThat(KeyText.compared("#payload", List.of("a", "b")))
        .as("as it is in records of before")
        .isEqualTo(KeyText.of("#payload", List.of("a", "b")));
  }
}
