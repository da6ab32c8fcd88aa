package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The {@link HttpContract} where a key is held under a lease, apart from the effects. */
public abstract class LeasedHttpContract extends HttpContract {

  /** Which runs the first node loses at a time: those of all cases, as each waits for a lease. */
  private static final List<EndpointProfile> LOST_TOGETHER =
      List.of(
          EndpointProfile.RETRYING,
          EndpointProfile.RETRYING,
          EndpointProfile.REFUSING,
          EndpointProfile.RECOVERING);

  private final List<Lost> lost = new ArrayList<>();

  /** For subclasses. */
  protected LeasedHttpContract() {}

  /** A run that a case has for itself, and whose node lost its store for longer than the lease. */
  private Lost lost(EndpointProfile profile) throws Exception {
    if (lost.stream().noneMatch(one -> one.profile == profile)) {
      loseRuns();
    }
    Lost its = lost.stream().filter(one -> one.profile == profile).findFirst().orElseThrow();
    lost.remove(its);
    return its;
  }

  private void loseRuns() throws Exception {
    List<Running> runs = new ArrayList<>();
    try {
      for (EndpointProfile profile : LOST_TOGETHER) {
        runs.add(running(profile));
      }
      List<RawResponse> successors = takenOver(runs);
      for (int i = 0; i < runs.size(); i++) {
        Running run = runs.get(i);
        lost.add(
            new Lost(LOST_TOGETHER.get(i), run.name, run.request, successors.get(i), run.end()));
      }
    } finally {
      runs.forEach(Running::close);
    }
  }

  /**
   * A run that was lost.
   *
   * @param successor what the second node answered to the same request, before the run ended
   * @param late what the run answered when it ended, with its node's store back
   */
  private record Lost(
      EndpointProfile profile,
      String name,
      RawRequest request,
      RawResponse successor,
      RawResponse late) {}

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
      Lost run = lost(EndpointProfile.RETRYING);

      assertFresh(run.successor, 201);
      assertThat(run.successor.text()).isEqualTo("run 2");
      assertProblem(run.late, 409, "outcome-unknown", false);
      assertThat(run.late.header("ETag")).isEmpty();
      assertReplay(send(run.request), run.successor);
      assertReplay(send(second(), run.request), run.successor);
      assertRuns(run.name, 2);
    }

    @Test
    void p18_anAbandonedKeyIsRefusedByDefault() throws Exception {
      Lost run = lost(EndpointProfile.REFUSING);

      assertProblem(run.successor, 409, "outcome-unknown", false);
      assertRuns(run.name, 1);
    }

    @Test
    void p18_anAbandonedKeyRunsAgainWhereTheOperationSaysSo() throws Exception {
      Lost run = lost(EndpointProfile.RETRYING);

      assertFresh(run.successor, 201);
      assertRuns(run.name, 2);
    }

    @Test
    void p18_aRecoveryHookFindsOutWhatHappened() throws Exception {
      Lost run = lost(EndpointProfile.RECOVERING);

      assertThat(run.successor.status()).isEqualTo(200);
      assertThat(run.successor.text()).isEqualTo("recovered");
      assertReplay(send(run.request), run.successor);
      assertRuns(run.name, 1);
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
