package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.Idempotent;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RequestPart;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;

/**
 * Multipart bodies of other kinds than {@code multipart/form-data}, which Tomcat takes apart too.
 */
class MultipartKindsTest {

  private final HttpClient client = HttpClient.newHttpClient();

  @ParameterizedTest
  @ValueSource(strings = {"multipart/mixed", "multipart/related", "multipart/form-data"})
  void p36_partsReachTheHandlerAndCount(String type) throws Exception {
    try (ConfigurableApplicationContext app = start()) {
      String unprotected = send(app, "/open", type, "one", body("boundary", "a")).body();
      assertThat(unprotected).startsWith("{n=1} note a.txt a ");

      String key = UUID.randomUUID().toString();
      HttpResponse<String> first = send(app, "/parts", type, key, body("boundary", "a"));

      assertThat(first.statusCode()).isEqualTo(200);
      assertThat(first.body()).startsWith("{n=1} note a.txt a ");
      assertThat(send(app, "/parts", type, key, body("other", "a")).body()).isEqualTo(first.body());
      assertThat(send(app, "/parts", type, key, body("boundary", "b")).statusCode()).isEqualTo(422);
    }
  }

  @Test
  void p36_aBodyThatCannotBeTakenApartIsRefusedAndTheKeyIsFree() throws Exception {
    try (ConfigurableApplicationContext app = start()) {
      String whole = body("boundary", "a");
      String cut = whole.substring(0, whole.length() - 20);

      HttpResponse<String> refused = send(app, "/parts", "multipart/mixed", "k", cut);

      assertThat(refused.statusCode()).isEqualTo(400);
      assertThat(refused.body()).contains("request-malformed");
      assertThat(send(app, "/parts", "multipart/mixed", "k", whole).statusCode()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spring.servlet.multipart.strict-servlet-compliance=true",
        "spring.servlet.multipart.resolve-lazily=true",
        "spring.servlet.multipart.enabled=false"
      })
  void p36_whereNothingTakesItApartTheHandlerReadsTheBody(String property) throws Exception {
    try (ConfigurableApplicationContext app = start(property)) {
      String whole = body("boundary", "a");

      HttpResponse<String> first = send(app, "/raw", "multipart/mixed", "k", whole);

      assertThat(first.statusCode()).isEqualTo(200);
      assertThat(first.body()).startsWith(whole);
      assertThat(send(app, "/raw", "multipart/mixed", "k", whole).body()).isEqualTo(first.body());
      assertThat(send(app, "/raw", "multipart/mixed", "k", body("boundary", "b")).statusCode())
          .isEqualTo(422);
    }
  }

  private static String body(String boundary, String content) {
    return """
        --BOUNDARY
        Content-Disposition: form-data; name="meta"
        Content-Type: application/json

        {"n":1}
        --BOUNDARY
        Content-Disposition: form-data; name="text"

        note
        --BOUNDARY
        Content-Disposition: form-data; name="file"; filename="a.txt"
        Content-Type: text/plain

        CONTENT
        --BOUNDARY--
        """
        .replace("\n", "\r\n")
        .replace("BOUNDARY", boundary)
        .replace("CONTENT", content);
  }

  private HttpResponse<String> send(
      ConfigurableApplicationContext app, String path, String type, String key, String body)
      throws IOException, InterruptedException {
    String boundary = body.substring(2, body.indexOf('\r'));
    URI base =
        URI.create("http://127.0.0.1:" + app.getEnvironment().getProperty("local.server.port"));
    return client.send(
        HttpRequest.newBuilder(base.resolve(path))
            .header("Content-Type", type + "; boundary=" + boundary)
            .header("Idempotency-Key", key)
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private static ConfigurableApplicationContext start(String... properties) {
    return new SpringApplicationBuilder(App.class)
        .properties(
            "server.port=0",
            "server.address=127.0.0.1",
            "spring.main.banner-mode=off",
            "idem.store=memory",
            "idem.http.unprotected-keys=ignore")
        .properties(properties)
        .run();
  }

  @Configuration
  @EnableAutoConfiguration
  @Import(Uploads.class)
  static class App {}

  @RestController
  static class Uploads {

    @PostMapping("/open")
    String open(
        @RequestPart Map<String, Object> meta,
        @RequestParam String text,
        @RequestPart MultipartFile file)
        throws IOException {
      return parts(meta, text, file);
    }

    @PostMapping("/parts")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    String parts(
        @RequestPart Map<String, Object> meta,
        @RequestParam String text,
        @RequestPart MultipartFile file)
        throws IOException {
      return meta
          + " "
          + text
          + " "
          + file.getOriginalFilename()
          + " "
          + new String(file.getBytes(), StandardCharsets.UTF_8)
          + " "
          + UUID.randomUUID();
    }

    @PostMapping("/raw")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    String raw(@RequestBody byte[] body) {
      return new String(body, StandardCharsets.UTF_8) + UUID.randomUUID();
    }
  }
}
