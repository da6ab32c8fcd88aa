package io.idem.spring.boot;

import static io.idem.spring.boot.ServedApplication.isReplay;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.boot.SecuredApplication.Endpoints;
import io.idem.spring.boot.SecuredApplication.Roles;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Point 30: whoever may no longer call an endpoint is not given its stored answers. */
class MethodSecurityTest {

  private static ServedApplication application;
  private static Roles roles;
  private final HttpClient client = HttpClient.newHttpClient();
  private final String user = UUID.randomUUID().toString();

  @BeforeAll
  static void start() {
    application = ServedApplication.start(SecuredApplication.class);
    roles = application.bean(Roles.class);
  }

  @AfterAll
  static void stop() {
    application.close();
  }

  @ParameterizedTest
  @CsvSource({
    "/by-path, {}",
    "/by-role, {}",
    "/secured, {}",
    "/roles-allowed, {}",
    "/by-variable/PAYER, {}",
    "/by-body, BODY",
    "/answering, {}"
  })
  void p30_aRevokedCallerIsNotGivenTheAnswer(String path, String written) throws Exception {
    String body = written.equals("BODY") ? "{\"from\":\"" + user + "\",\"amount\":5}" : written;
    roles.grant(user, "PAYER");
    HttpResponse<String> first = post(path, user, "k", body);
    roles.grant(user);
    HttpResponse<String> revoked = post(path, user, "k", body);
    roles.grant(user, "PAYER");
    HttpResponse<String> again = post(path, user, "k", body);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(isReplay(first)).isFalse();
    assertThat(revoked.statusCode()).isEqualTo(403);
    assertThat(isReplay(revoked)).isFalse();
    assertThat(revoked.body()).doesNotContain(first.body());
    assertThat(again.statusCode()).isEqualTo(200);
    assertThat(isReplay(again)).isTrue();
    assertThat(again.body()).isEqualTo(first.body());
  }

  /** A denied first request runs nothing, and the key is free for when the role is there. */
  @ParameterizedTest
  @CsvSource({"/by-role", "/by-variable/PAYER", "/answering"})
  void p30_aDenialConsumesNoKey(String path) throws Exception {
    int before = application.bean(Endpoints.class).runs();
    HttpResponse<String> denied = post(path, user, "k", "{}");

    assertThat(denied.statusCode()).isEqualTo(403);
    assertThat(application.bean(Endpoints.class).runs()).isEqualTo(before);

    roles.grant(user, "PAYER");
    HttpResponse<String> granted = post(path, user, "k", "[\"corrected\"]");
    assertThat(granted.statusCode()).isEqualTo(200);
    assertThat(isReplay(granted)).isFalse();
  }

  /** A denial is answered as the application answers it. */
  @Test
  void p30_theApplicationsOwnAnswerToADenialIsGiven() throws Exception {
    assertThat(post("/answering", user, "k", "{}").body()).isEqualTo("ask your bank");
  }

  /** Not even that the key was used with something else. */
  @Test
  void p30_aRevokedCallerLearnsNothingOfTheKey() throws Exception {
    roles.grant(user, "PAYER");
    post("/by-role", user, "k", "{}");
    roles.grant(user);

    HttpResponse<String> reused = post("/by-role", user, "k", "[1]");

    assertThat(reused.statusCode()).isEqualTo(403);
    assertThat(reused.body()).doesNotContain("key-reused");
  }

  @Test
  void p30_aKeyOfEverybodyIsNotAWayIn() throws Exception {
    roles.grant(user, "PAYER");
    String key = UUID.randomUUID().toString();
    HttpResponse<String> first = post("/shared", user, key, "{}");

    HttpResponse<String> stranger = post("/shared", "stranger", key, "{}");

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(stranger.statusCode()).isEqualTo(403);
    assertThat(stranger.body()).doesNotContain(first.body());
  }

  /** What a rule looks at is bound as Spring MVC binds it, and refused as it refuses it. */
  @Test
  void p30_whatCannotBeBoundIsAnsweredAsEverAndConsumesNoKey() throws Exception {
    roles.grant(user, "PAYER");

    assertThat(post("/by-body", user, "k", "{\"from\":").statusCode()).isEqualTo(400);

    String whole = "{\"from\":\"" + user + "\",\"amount\":7}";
    HttpResponse<String> right = post("/by-body", user, "k", whole);
    assertThat(right.statusCode()).isEqualTo(200);
    assertThat(right.body()).startsWith("7 ");
    assertThat(isReplay(post("/by-body", user, "k", whole))).isTrue();
  }

  /** What filters in front add to each response stands on a replay once, and no other's cookie. */
  @Test
  void p26_theHeadersOfFiltersInFrontAreEachResponsesOwn() throws Exception {
    roles.grant(user, "PAYER");
    HttpResponse<String> first = post("/with-cookie", user, "k", "{}");
    HttpResponse<String> replay = post("/with-cookie", user, "k", "{}");

    assertThat(isReplay(replay)).isTrue();
    assertThat(first.headers().allValues("Set-Cookie")).hasSize(1);
    assertThat(replay.headers().allValues("Set-Cookie")).isEmpty();
    assertThat(replay.headers().allValues("Cache-Control")).containsExactly("no-store");
    for (String header : new String[] {"X-Content-Type-Options", "X-Frame-Options"}) {
      assertThat(first.headers().allValues(header)).as(header).hasSize(1);
      assertThat(replay.headers().allValues(header))
          .as(header)
          .isEqualTo(first.headers().allValues(header));
    }
  }

  /** An application that lets nobody in by a forward still has its error pages. */
  @Test
  void p29_anErrorPageIsNoForwardToTheRulesOfTheApplication() throws Exception {
    HttpResponse<String> first = post("/too-late", user, "k", "{}");
    HttpResponse<String> replay = post("/too-late", user, "k", "{}");

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(first.body()).contains("\"timestamp\"");
    assertThat(isReplay(replay)).isTrue();
    assertThat(replay.statusCode()).isEqualTo(409);
    assertThat(replay.body()).isEqualTo(first.body());
  }

  private HttpResponse<String> post(String path, String caller, String key, String body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(application.base().resolve(path))
            .header("X-User", caller)
            .header("Idempotency-Key", key)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }
}
