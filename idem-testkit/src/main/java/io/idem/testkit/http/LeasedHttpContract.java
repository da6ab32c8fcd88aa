package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
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
      try (Running running = running(EndpointProfile.RETRYING)) {
        // Were the lease not renewed, one of the repeats would be the second run.
        assertStaysBusy(running, NodeSettings.SHORT_LEASE.multipliedBy(2));

        RawResponse first = running.end();

        assertFresh(first, 201);
        assertReplay(send(second(), running.request), first);
        assertRuns(running.name, 1);
      }
    }

    @Test
    void p17_anOwnerThatLostItsLeaseDoesNotOverwriteItsSuccessor() throws Exception {
      try (Running running = running(EndpointProfile.RETRYING)) {
        RawResponse successor = takenOver(running);
        RawResponse late = running.end();

        assertFresh(successor, 201);
        assertThat(successor.text()).isEqualTo("run 2");
        assertProblem(late, 409, "outcome-unknown", false);
        assertThat(late.header("ETag")).isEmpty();
        assertReplay(send(running.request), successor);
        assertReplay(send(second(), running.request), successor);
        assertRuns(running.name, 2);
      }
    }

    @Test
    void p18_anAbandonedKeyIsRefusedByDefault() throws Exception {
      try (Running running = running(EndpointProfile.REFUSING)) {
        assertProblem(takenOver(running), 409, "outcome-unknown", false);

        running.end();
        assertRuns(running.name, 1);
      }
    }

    @Test
    void p18_anAbandonedKeyRunsAgainWhereTheOperationSaysSo() throws Exception {
      try (Running running = running(EndpointProfile.RETRYING)) {
        assertFresh(takenOver(running), 201);

        running.end();
        assertRuns(running.name, 2);
      }
    }

    @Test
    void p18_aRecoveryHookFindsOutWhatHappened() throws Exception {
      try (Running running = running(EndpointProfile.RECOVERING)) {
        RawResponse recovered = takenOver(running);

        assertThat(recovered.status()).isEqualTo(200);
        assertThat(recovered.text()).isEqualTo("recovered");
        running.end();
        assertReplay(send(running.request), recovered);
        assertRuns(running.name, 1);
      }
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
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        RawRequest request = running.request;
        whileStoreIsCut(
            () -> {
              RawResponse first = running.end();
              assertFresh(first, 201);
              assertThat(first.text()).isEqualTo("run 1");
              assertThat(send(request).status()).isIn(409, 503);
              assertBusy(send(second(), request));
            });

        // The write that failed is made up for.
        Together.await("the answer is stored", () -> send(request).status() == 201);
        assertReplay(send(second(), request), running.end());
        assertRuns(running.name, 1);
        assertEffects(running.name, 1);
      }
    }
  }
}
