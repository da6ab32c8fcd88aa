package io.idem.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What docs/audit.md shows is what the library does. */
class AuditGuideTest {

  @Test
  void theExampleIsAnsweredAsTheGuideSays() throws Exception {
    StatementClassifier classifier =
        StatementClassifier.builder()
            .uniqueKeys(UniqueKeys.of(Map.of("orders", List.of(UniqueKey.of("number")))))
            .harmlessColumns(List.of("updated_at"))
            .build();
    String sql = "UPDATE account SET balance = balance - ? WHERE id = ?";

    Classification found = classifier.classify(sql);

    assertThat(Files.readString(Path.of("../docs/audit.md")))
        .contains("classifier.classify(\"" + sql + "\");")
        .contains("// " + found.verdict() + ", " + found.kind() + ",")
        .contains("// \"" + found.reason() + "\"");
  }
}
