package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.ProblemTexts;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Points 5 and 33: what a problem says, and where it leads. */
class ProblemTest extends ServerTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "de | de | Ein Idempotenzschlüssel ist erforderlich",
        "de-AT, en;q=0.5 | de | Ein Idempotenzschlüssel ist erforderlich",
        "zh-Hans-CN | zh | 需要幂等键",
        "xx, fr;q=0.8, de;q=0.9 | de | Ein Idempotenzschlüssel ist erforderlich",
        "es;q=0.1 | es | Se requiere una clave de idempotencia",
      })
  void p33_aTitleSpeaksTheClientsLanguage(String accepted, String language, String title)
      throws Exception {
    server.protect("/pay", (request, response) -> {});

    HttpResponse<byte[]> refused = withoutKey("/pay", accepted);

    assertProblem(refused, 400, "key-missing");
    assertThat(text(refused)).contains("\"title\":\"" + title + "\"");
    assertThat(refused.headers().allValues("Content-Language")).containsExactly(language);
  }

  @ParameterizedTest
  @ValueSource(strings = {"en", "en-GB, de", "xx", "*", "de;q=0", "de;q=x", ";", "nonsense_"})
  void p33_englishIsTheRest(String accepted) throws Exception {
    server.protect("/pay", (request, response) -> {});

    HttpResponse<byte[]> refused = withoutKey("/pay", accepted);

    assertProblem(refused, 400, "key-missing");
    assertThat(text(refused)).contains("\"title\":\"An idempotency key is required\"");
    assertThat(refused.headers().firstValue("Content-Language")).isEmpty();
  }

  @Test
  void p33_theApplicationMayHaveTitlesOfItsOwn() throws Exception {
    ProblemTexts own =
        (type, locale) -> locale.toLanguageTag().equals("eo") ? "Mankas " + type.slug() : null;
    restart("", "/idempotency/problems", own);
    server.protect("/pay", (request, response) -> {});

    assertThat(text(withoutKey("/pay", "eo"))).contains("\"title\":\"Mankas key-missing\"");
    assertThat(text(withoutKey("/pay", "de"))).contains("\"title\":\"An idempotency key");
  }

  @Test
  void p05_theTypeResolvesBelowAContextPath() throws Exception {
    restart("/app", "/docs/keys", ProblemTexts.english());
    server.protect("/app/pay", (request, response) -> {});

    HttpResponse<byte[]> refused = withoutKey("/app/pay", "en");

    assertThat(text(refused)).contains("\"type\":\"/app/docs/keys/key-missing\"");
    HttpResponse<byte[]> documentation =
        server.send(server.request("/app/docs/keys/key-missing").GET());
    assertThat(documentation.statusCode()).isEqualTo(200);
    assertThat(text(documentation)).contains("What to do:");
  }

  private void restart(String contextPath, String problemBase, ProblemTexts texts)
      throws Exception {
    server.stop();
    server =
        new TestServer(
            store, contextPath, settings -> settings.problemBase(problemBase).texts(texts));
  }

  private HttpResponse<byte[]> withoutKey(String path, String accepted) throws Exception {
    return server.send(server.request(path).header("Accept-Language", accepted).POST(body("{}")));
  }
}
