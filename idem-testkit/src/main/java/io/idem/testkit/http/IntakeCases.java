package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** How the key is read. */
abstract class IntakeCases extends HttpCases {

  /** Points 1 to 6. */
  @Nested
  class KeyIntake {

    @Test
    void p01_bothSpellingsAreTheSameKey() {
      String name = runs();
      String key = unique();

      RawResponse first = send(post(EndpointProfile.PLAIN, name, '"' + key + '"'));

      assertFresh(first, 201);
      assertReplay(send(post(EndpointProfile.PLAIN, name, key)), first);
      assertReplay(send(post(EndpointProfile.PLAIN, name, '"' + key + "\";a=1;b")), first);
      assertReplay(send(post(EndpointProfile.PLAIN, name, "  " + key + "\t")), first);
      assertRuns(name, 1);
    }

    @Test
    void p01_escapesAreReadAsWhatTheyStandFor() {
      String name = runs();
      String key = unique();

      RawResponse first = send(post(EndpointProfile.PLAIN, name, "\"a\\\"" + key + "\\\\\""));

      assertFresh(first, 201);
      assertFresh(send(post(EndpointProfile.PLAIN, name, "\"a" + key + "\"")), 201);
      assertReplay(
          send(post(EndpointProfile.PLAIN, name, "\"a\\\"" + key + "\\\\\";again")), first);
      assertRuns(name, 2);
    }

    @Test
    void p01_strictModeWantsQuotes() {
      HttpContractServer strict = server().anotherNode(NodeSettings.STRICT);
      try {
        String name = runs();
        String key = unique();

        assertProblem(
            send(strict, post(EndpointProfile.PLAIN, name, key)), 400, "key-malformed", false);
        assertRuns(name, 0);
        RawResponse first = send(strict, post(EndpointProfile.PLAIN, name, '"' + key + '"'));
        assertFresh(first, 201);
        assertReplay(send(post(EndpointProfile.PLAIN, name, key)), first);
      } finally {
        strict.stop();
      }
    }

    @Test
    void p02_whatIsNoKeyIsRefusedAndNotEchoed() {
      String name = runs();
      for (String value :
          List.of("", "\"\"", "s3cret, other", "\"s3cret", "\"s3cret\" x", "s3\u00e9cret", ",")) {
        RawResponse refused = send(post(EndpointProfile.PLAIN, name, value));

        assertProblem(refused, 400, "key-malformed", false);
        assertThat(refused.toString()).as("the key in the answer").doesNotContain("s3");
      }
      assertProblem(
          send(post(EndpointProfile.PLAIN, name, "s3cret").header(KEY, "s3cret")),
          400,
          "key-malformed",
          false);
      assertRuns(name, 0);
    }

    @Test
    void p02_controlCharactersNeverReachTheHandler() {
      String name = runs();

      RawResponse refused = send(post(EndpointProfile.PLAIN, name, "a\u0001b"));

      // Some servers refuse it themselves.
      assertThat(refused.status()).isEqualTo(400);
      assertRuns(name, 0);
    }

    @Test
    void p02_theLengthIsBounded() {
      String name = runs();
      String longest = (unique() + "k".repeat(255)).substring(0, 255);

      assertFresh(send(post(EndpointProfile.PLAIN, name, longest)), 201);
      assertFresh(send(post(EndpointProfile.PLAIN, name, "k")), 201);
      assertProblem(
          send(post(EndpointProfile.PLAIN, name, longest + "k")), 400, "key-malformed", false);
      assertRuns(name, 2);
    }

    @Test
    void p02_theStoreIsNotAskedAboutWhatIsNoKey() throws Exception {
      String name = runs();
      whileStoreIsCut(
          () -> {
            assertProblem(
                send(post(EndpointProfile.PLAIN, name, "\"half")), 400, "key-malformed", false);
            assertProblem(
                send(request("POST", EndpointProfile.PLAIN, name)), 400, "key-missing", false);
          });
    }

    @Test
    void p03_keysAreCaseSensitive() {
      String name = runs();
      String key = unique();

      assertFresh(send(post(EndpointProfile.PLAIN, name, "a" + key)), 201);
      assertFresh(send(post(EndpointProfile.PLAIN, name, "A" + key)), 201);
      assertRuns(name, 2);
    }

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
    void p05_aRequiredKeyThatIsMissingIsRefusedWithDocumentation() {
      String name = runs();

      RawResponse refused = send(request("POST", EndpointProfile.PLAIN, name));

      assertProblem(refused, 400, "key-missing", false);
      assertRuns(name, 0);
      assertDocumented(refused);
    }

    @Test
    void p05_anOptionalKeyThatIsMissingRunsUnprotected() {
      String name = runs();
      String key = unique();
      RawRequest without = request("POST", EndpointProfile.OPTIONAL, name);

      assertFresh(send(without), 201);
      assertFresh(send(without), 201);
      RawResponse first = send(without.header(KEY, key));
      assertFresh(first, 201);
      assertReplay(send(without.header(KEY, key)), first);
      assertProblem(send(without.header(KEY, "\"")), 400, "key-malformed", false);
      assertRuns(name, 3);
    }

    @Test
    void p06_patchIsProtectedAndSafeMethodsAreNot() {
      String name = runs();
      String key = unique();
      RawRequest patch = request("PATCH", EndpointProfile.PLAIN, name).header(KEY, key);

      RawResponse first = send(patch);
      assertFresh(first, 201);
      assertReplay(send(patch), first);
      for (String method : List.of("GET", "HEAD")) {
        RawRequest safe =
            RawRequest.of(method, path(EndpointProfile.PLAIN, name))
                .header("Authorization", ALICE)
                .header(KEY, key);
        assertFresh(send(safe), 201);
        assertFresh(send(safe), 201);
      }
      assertRuns(name, 5);
    }

    @Test
    void p06_chosenMethodsAreProtected() {
      String name = runs();
      for (String method : List.of("PUT", "DELETE")) {
        RawRequest request = request(method, EndpointProfile.PUT, name).header(KEY, unique());

        RawResponse first = send(request);

        assertFresh(first, 201);
        assertReplay(send(request), first);
      }
      assertRuns(name, 2);
    }
  }
}
