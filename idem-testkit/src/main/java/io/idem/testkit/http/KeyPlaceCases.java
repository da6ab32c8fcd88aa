package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Where the key comes from. */
abstract class KeyPlaceCases extends HttpCases {

  @SuppressWarnings("NullAway.Init") // set before the first case
  private FutureTask<BriefTokens> briefTokens;

  @Override
  void beginEarly() {
    super.beginEarly();
    briefTokens = early(this::beginBriefTokens);
  }

  /** Requests with brief tokens, of which one has been sent. */
  private record BriefTokens(String name, RawRequest unused, RawRequest used) {}

  private BriefTokens beginBriefTokens() {
    String name = runs();
    RawRequest unused =
        post(EndpointProfile.BRIEF_TOKEN, name, token(EndpointProfile.BRIEF_TOKEN, ALICE));
    RawRequest used =
        post(EndpointProfile.BRIEF_TOKEN, name, token(EndpointProfile.BRIEF_TOKEN, ALICE));
    assertFresh(send(used), 201);
    return new BriefTokens(name, unused, used);
  }

  private String token(EndpointProfile profile, String authorization) {
    return member("token", issue(profile.operation(), authorization));
  }

  private RawResponse issue(String operation, String authorization) {
    return send(
        RawRequest.of("POST", "/idempotency/tokens")
            .header("Authorization", authorization)
            .body(FORM, "operation=" + operation));
  }

  /** Point 4. */
  @Nested
  class KeyPlaces {

    @Test
    void p04_theKeyMayComeInAnotherHeader() {
      String name = runs();
      RawRequest request =
          request("POST", EndpointProfile.OWN_HEADER, name).header("X-Request-Key", unique());

      RawResponse first = send(request);

      assertFresh(first, 201);
      assertReplay(send(request), first);
      assertReplay(send(request.header(KEY, unique())), first);
      assertProblem(
          send(post(EndpointProfile.OWN_HEADER, name, unique())), 400, "key-missing", false);
    }

    @Test
    void p04_theKeyMayBeAMemberOfTheBody() {
      String name = runs();
      String number = unique();
      RawRequest request =
          request("POST", EndpointProfile.BODY_KEY, name)
              .body(JSON, "{\"amount\":1,\"number\":\"" + number + "\"}");

      RawResponse first = send(request);

      assertFresh(first, 201);
      assertReplay(
          send(request.body(JSON, "{ \"number\":\"" + number + "\", \"amount\":1 }")), first);
      assertProblem(
          send(request.body(JSON, "{\"amount\":2,\"number\":\"" + number + "\"}")),
          422,
          "key-reused",
          false);
      assertProblem(send(request.body(JSON, "{\"amount\":1}")), 400, "key-missing", false);
      assertProblem(
          send(request.body(JSON, "{\"number\":\"1\",\"number\":\"2\"}")),
          400,
          "key-malformed",
          false);
      assertRuns(name, 1);
    }

    @Test
    void p04_theKeyMayBeAFieldOfAForm() {
      String name = unique();
      script.on(name, call -> ContractResponse.text(201, String.valueOf(call.field("amount"))));
      String number = unique();
      RawRequest request = request("POST", EndpointProfile.FORM_KEY, name);

      RawResponse first = send(request.body(FORM, "amount=1&number=" + number));

      assertFresh(first, 201);
      assertThat(first.text()).isEqualTo("[1]");
      assertReplay(send(request.body(FORM, "number=" + number + "&amount=1")), first);
      assertProblem(
          send(request.body(FORM, "amount=2&number=" + number)), 422, "key-reused", false);
      assertProblem(send(request.body(FORM, "amount=1")), 400, "key-missing", false);
      assertProblem(send(request.body(FORM, "number=1&number=2")), 400, "key-malformed", false);
      assertRuns(name, 1);
    }

    @Test
    void p04_theKeyMayBeInThePath() {
      String name = runs();
      RawRequest request = request("POST", EndpointProfile.PATH_KEY, name);

      RawResponse first = send(request);

      assertFresh(first, 201);
      assertReplay(send(request), first);
      assertProblem(send(request.body(JSON, "[]")), 422, "key-reused", false);
      assertRuns(name, 1);
    }

    @Test
    void p04_sourceAndNumberAreTheIdentity() {
      String name = runs();
      RawRequest request =
          request("POST", EndpointProfile.SOURCED, name)
              .header("X-System", "erp")
              .header("X-Number", unique());

      RawResponse first = send(request);

      assertFresh(first, 201);
      assertReplay(send(request), first);
      assertFresh(send(request.with("X-System", "crm")), 201);
      // Another caller's erp is another erp.
      assertFresh(send(request.with("Authorization", "Bearer bob.1")), 201);
      assertProblem(send(request.without("X-Number")), 400, "key-missing", false);
      assertProblem(send(request.without("X-System")), 400, "key-missing", false);
      assertProblem(
          send(request.with("X-System", ContractScript.FOREIGN_SOURCE)),
          403,
          "source-foreign",
          false);
      assertRuns(name, 3);
    }
  }

  /** Point 4, where the service issues the key. */
  @Nested
  class Tokens {

    @Test
    void p04_aTokenIsAKeyThatIsGoodForOneOperation() {
      String name = runs();
      String other = runs();
      String token = token(EndpointProfile.TOKEN, ALICE);
      RawRequest request = post(EndpointProfile.TOKEN, name, token);

      RawResponse first = send(request);

      assertFresh(first, 201);
      assertReplay(send(request), first);
      assertReplay(send(second(), request), first);
      assertProblem(send(request.body(JSON, "[]")), 422, "key-reused", false);
      assertProblem(send(post(EndpointProfile.TOKEN, other, token)), 422, "key-reused", false);
      assertRuns(name, 1);
      assertRuns(other, 0);
    }

    @Test
    void p04_aTokenMayBeAFieldOfAForm() {
      String name = unique();
      script.on(name, call -> ContractResponse.text(201, String.valueOf(call.field("amount"))));
      RawRequest request = request("POST", EndpointProfile.TOKEN, name);
      RawResponse issued = issue(EndpointProfile.TOKEN.operation(), ALICE);
      String field = member("field", issued) + "=" + member("token", issued);

      RawResponse first = send(request.body(FORM, "amount=1&" + field));

      assertFresh(first, 201);
      assertThat(first.text()).isEqualTo("[1]");
      assertReplay(send(request.body(FORM, field + "&amount=1")), first);
      assertReplay(send(second(), request.body(FORM, "amount=1&" + field)), first);
      assertRuns(name, 1);
    }

    @Test
    void p04_aDoubleClickIsOneOperation() throws Exception {
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.TOKEN, name, token(EndpointProfile.TOKEN, ALICE));
      try {
        CompletableFuture<RawResponse> click = later(request);
        held.entered();
        CompletableFuture<RawResponse> again = later(request);
        held.letGo();

        assertFresh(answer(click), 201);
        assertReplay(answer(again), answer(click));
        assertRuns(name, 1);
        assertEffects(name, 1);
      } finally {
        held.letGo();
      }
    }

    @Test
    void p04_aTokenThatIsNoGoodSaysWhy() {
      String name = runs();
      String token = token(EndpointProfile.TOKEN, ALICE);
      RawRequest request = post(EndpointProfile.TOKEN, name, token);
      char last = token.charAt(token.length() - 1) == 'A' ? 'B' : 'A';

      String forged = token.substring(0, token.length() - 1) + last;
      for (String invalid : new String[] {forged, unique()}) {
        assertProblem(send(request.with(KEY, invalid)), 400, "token-invalid", false);
      }
      assertProblem(
          send(request.with("Authorization", "Bearer bob.1")), 403, "token-foreign", false);
      assertProblem(
          send(post(EndpointProfile.BRIEF_TOKEN, name, token)), 403, "token-foreign", false);
      assertProblem(send(request.without(KEY)), 400, "key-missing", false);
      assertRuns(name, 0);
      assertFresh(send(request), 201);
    }

    @Test
    void p04_aTokenThatHasExpiredIsRefusedUsedOrNot() throws Exception {
      BriefTokens begun = briefTokens.get();
      RawRequest used = begun.used;

      Together.await("the later token has expired", () -> send(used).status() == 400);

      assertProblem(send(used), 400, "token-expired", false);
      assertProblem(send(begun.unused), 400, "token-expired", false);
      assertRuns(begun.name, 1);
    }

    @Test
    void p04_tokensAreIssuedToCallersAndForWhatTakesThem() {
      RawResponse issued = issue(EndpointProfile.TOKEN.operation(), ALICE);

      assertThat(issued.status()).as("status of %s", issued).isEqualTo(200);
      assertThat(issued.header("Cache-Control")).containsExactly("no-store");
      assertThat(member("operation", issued)).isEqualTo(EndpointProfile.TOKEN.operation());
      assertThat(token(EndpointProfile.TOKEN, ALICE)).isNotEqualTo(member("token", issued));
      assertProblem(issue(EndpointProfile.TOKEN.operation(), ""), 403, "caller-required", false);
      assertProblem(issue("contract.unknown", ALICE), 404, "token-not-issued", false);
    }
  }
}
