package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The {@link HttpContract} where a key is held under a lease, apart from the effects. */
public abstract class LeasedHttpContract extends HttpContract {

  /** For subclasses. */
  protected LeasedHttpContract() {}

  /** Points 16 to 18, 21 and 35 where there is a lease. */
  @Nested
  class UnderALease {

    @Test
    void p16_anOwnerThatOutlivesItsLeaseStaysExclusive() throws Exception {
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.RETRYING, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      try {
        held.entered();
        long end = System.nanoTime() + 2 * NodeSettings.SHORT_LEASE.toNanos();

        // Were the lease not renewed, one of these would be the second run.
        Together.await(
            "two leases have passed",
            () -> {
              assertBusy(send(second(), request));
              return System.nanoTime() - end > 0;
            });
      } finally {
        held.letGo();
      }
      assertFresh(answer(first), 201);
      assertReplay(send(second(), request), answer(first));
      assertRuns(name, 1);
    }

    @Test
    void p17_anOwnerThatLostItsLeaseDoesNotOverwriteItsSuccessor() throws Exception {
      String name = unique();
      ContractScript.Held held = new ContractScript.Held();
      script.on(
          name,
          call -> {
            int run = script.runs(name);
            if (run == 1) {
              held.pass();
            }
            return ContractResponse.text(201, "run " + run).header("ETag", "\"" + run + "\"");
          });
      RawRequest request = post(EndpointProfile.RETRYING, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      held.entered();
      RawResponse[] successor = new RawResponse[1];
      try {
        whileStoreIsCut(
            () ->
                Together.await(
                    "the second node takes over",
                    () -> {
                      successor[0] = send(second(), request);
                      return successor[0].status() == 201;
                    }));
      } finally {
        held.letGo();
      }

      assertThat(successor[0].text()).isEqualTo("run 2");
      RawResponse late = answer(first);
      assertProblem(late, 409, "outcome-unknown", false);
      assertThat(late.header("ETag")).isEmpty();
      assertReplay(send(request), successor[0]);
      assertReplay(send(second(), request), successor[0]);
      assertRuns(name, 2);
    }

    @Test
    void p18_anAbandonedKeyIsRefusedByDefault() throws Exception {
      String name = unique();
      RawResponse answer = abandonedThen(EndpointProfile.REFUSING, name);

      assertProblem(answer, 409, "outcome-unknown", false);
      assertRuns(name, 1);
    }

    @Test
    void p18_anAbandonedKeyRunsAgainWhereTheOperationSaysSo() throws Exception {
      String name = unique();
      RawResponse answer = abandonedThen(EndpointProfile.RETRYING, name);

      assertFresh(answer, 201);
      assertRuns(name, 2);
    }

    @Test
    void p18_aRecoveryHookFindsOutWhatHappened() throws Exception {
      String name = unique();
      RawResponse answer = abandonedThen(EndpointProfile.RECOVERING, name);

      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.text()).isEqualTo("recovered");
      assertRuns(name, 1);
    }

    /** What the second node says once the first has lost its lease in the middle of a run. */
    private RawResponse abandonedThen(EndpointProfile profile, String name) throws Exception {
      ContractScript.Held held = new ContractScript.Held();
      script.on(
          name,
          call -> {
            if (script.runs(name) == 1) {
              held.pass();
            }
            return ContractResponse.text(201, "run " + script.runs(name));
          });
      RawRequest request = post(profile, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      RawResponse[] answer = new RawResponse[1];
      try {
        held.entered();
        whileStoreIsCut(
            () ->
                Together.await(
                    "the lease has run out",
                    () -> {
                      answer[0] = send(second(), request);
                      return !answer[0].text().contains("/in-progress\"");
                    }));
      } finally {
        held.letGo();
      }
      answer(first);
      return answer[0];
    }

    @Test
    void p21_aServerErrorLeavesTheOutcomeUnknown() {
      for (boolean thrown : new boolean[] {false, true}) {
        String name = unique();
        script.on(
            name,
            call -> {
              if (thrown) {
                throw new IllegalStateException("as the case wants it");
              }
              return ContractResponse.text(502, "broken");
            });
        RawRequest request = post(EndpointProfile.PLAIN, name, unique());

        assertFresh(send(request), thrown ? 500 : 502);
        assertProblem(send(request), 409, "outcome-unknown", false);
        assertProblem(send(second(), request), 409, "outcome-unknown", false);
        assertRuns(name, 1);
      }
    }

    @Test
    void p35_aStoreThatIsDownAtCompletionDeliversAndDoesNotRunAgain() throws Exception {
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.IMPATIENT, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      try {
        held.entered();
        whileStoreIsCut(
            () -> {
              held.letGo();
              assertFresh(answer(first), 201);
              assertThat(answer(first).text()).isEqualTo("run 1");
              assertThat(send(request).status()).isIn(409, 503);
              assertBusy(send(second(), request));
            });
      } finally {
        held.letGo();
      }

      // The write that failed is made up for.
      Together.await("the answer is stored", () -> send(request).status() == 201);
      assertReplay(send(second(), request), answer(first));
      assertRuns(name, 1);
      assertEffects(name, 1);
    }
  }
}
