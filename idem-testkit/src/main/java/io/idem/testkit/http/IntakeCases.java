package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** How the key is read. */
abstract class IntakeCases extends KeyPlaceCases {

  private static final String IGNORED = "Idempotency-Key-Ignored";

  /** Points 1 to 3 and 5 to 7. */
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
      String name = runs();
      String key = unique();

      assertProblem(
          sendStrictly(post(EndpointProfile.PLAIN, name, key)), 400, "key-malformed", false);
      assertRuns(name, 0);
      RawResponse first = sendStrictly(post(EndpointProfile.PLAIN, name, '"' + key + '"'));
      assertFresh(first, 201);
      assertReplay(sendStrictly(post(EndpointProfile.PLAIN, name, '"' + key + "\";a")), first);
      assertRuns(name, 1);
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
    void p05_aRequiredKeyThatIsMissingIsRefusedWithDocumentation() {
      String name = runs();

      RawResponse refused = send(request("POST", EndpointProfile.PLAIN, name));

      assertProblem(refused, 400, "key-missing", false);
      assertRuns(name, 0);
      assertDocumented(server(), refused);
    }

    @Test
    void p05_theDocumentationIsFoundUnderTheContextPath() {
      RawResponse refused = sendStrictly(request("POST", EndpointProfile.PLAIN, runs()));

      assertProblem(refused, 400, "key-missing", false);
      assertThat(typeOf(refused)).startsWith(NodeSettings.STRICT.contextPath() + "/");
      assertDocumented(strict(), refused);
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

    @Test
    void p07_aKeyThatIsIgnoredIsFlagged() {
      String name = runs();
      RawRequest keyed = post(EndpointProfile.OPEN, name, unique());

      assertThat(send(keyed).header(IGNORED)).containsExactly("true");
      assertThat(send(keyed).header(IGNORED)).containsExactly("true");
      assertRuns(name, 2);
      assertThat(send(keyed.without(KEY)).header(IGNORED)).isEmpty();
      RawRequest used = post(EndpointProfile.PLAIN, name, unique());
      assertThat(send(used).header(IGNORED)).isEmpty();
      assertThat(send(used).header(IGNORED)).isEmpty();
    }

    @Test
    void p07_aKeyThatWouldBeIgnoredMayBeRefused() {
      String name = runs();
      RawRequest keyed = post(EndpointProfile.OPEN, name, unique());

      assertProblem(sendStrictly(keyed), 501, "key-not-supported", false);
      assertRuns(name, 0);
      assertFresh(sendStrictly(keyed.without(KEY)), 201);
    }
  }
}
