package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Requests that meet a running one. */
abstract class InFlightCases extends ScopeCases {

  /** Points 14, 15 and 19. */
  @Nested
  class InFlight {

    @Test
    void p14_aDuplicateWaitsAndIsGivenTheAnswer() throws Exception {
      try (Running running = running(EndpointProfile.PLAIN)) {
        CompletableFuture<RawResponse> here = later(running.request);
        CompletableFuture<RawResponse> there = RawHttp.later(second().base(), running.request);

        RawResponse first = running.end();

        assertFresh(first, 201);
        assertReplay(answer(here), first);
        assertReplay(answer(there), first);
        assertRuns(running.name, 1);
        assertEffects(running.name, 1);
      }
    }

    @Test
    void p14_withoutABoundADuplicateIsBusyAtOnce() throws Exception {
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        assertBusy(send(running.request));
        assertBusy(send(second(), running.request));

        assertFresh(running.end(), 201);
        assertRuns(running.name, 1);
      }
    }

    @Test
    void p14_pastTheBoundADuplicateIsBusy() {
      try (Running running = running(EndpointProfile.BRIEF)) {
        long start = System.nanoTime();
        assertBusy(send(running.request));
        assertThat(System.nanoTime() - start).as("nanoseconds waited").isGreaterThan(250_000_000L);
        assertBusy(send(second(), running.request));
      }
    }

    @Test
    void p14_aBusyAnswerIsNotStored() throws Exception {
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        assertBusy(send(running.request));

        RawResponse first = running.end();

        assertFresh(first, 201);
        assertReplay(send(running.request), first);
      }
    }

    @Test
    void p14_theBusyStatusIsConfigurable() throws Exception {
      try (Running running = running(EndpointProfile.BUSY_STATUS)) {
        assertProblem(send(running.request), 425, "in-progress", true);

        assertFresh(running.end(), 201);
      }
    }

    @Test
    void p14_manyDuplicatesAtTwoNodesAreOneRun() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      HttpContractServer here = server();
      HttpContractServer there = second();
      List<Callable<RawResponse>> duplicates = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        HttpContractServer node = i % 2 == 0 ? here : there;
        duplicates.add(() -> send(node, request));
      }

      List<RawResponse> answers = Together.run(duplicates);

      assertThat(answers).extracting(RawResponse::status).containsOnly(201);
      assertThat(answers).extracting(RawResponse::text).containsOnly("run 1");
      assertThat(answers).filteredOn(answer -> answer.header(REPLAYED).isEmpty()).hasSize(1);
      assertRuns(name, 1);
      assertEffects(name, 1);
    }

    @Test
    void p15_aStormOnOneKeyDelaysNoOther() throws Exception {
      List<CompletableFuture<RawResponse>> storm = new ArrayList<>();
      try (Running running = running(EndpointProfile.PLAIN)) {
        for (int i = 0; i < 5 * NodeSettings.CONNECTIONS; i++) {
          storm.add(later(running.request));
        }

        // With every connection taken by a waiter these would not be answered while it is held.
        for (int i = 0; i < 2 * NodeSettings.CONNECTIONS; i++) {
          String other = runs();
          assertFresh(send(post(EndpointProfile.PLAIN, other, unique())), 201);
        }
        assertThat(storm).noneMatch(CompletableFuture::isDone);

        assertFresh(running.end(), 201);
        for (CompletableFuture<RawResponse> one : storm) {
          assertThat(answer(one).status()).isEqualTo(201);
        }
        assertRuns(running.name, 1);
      }
    }

    @Test
    void p19_aNodeThatStopsLetsRunningRequestsEndAndRecordsThem() throws Exception {
      HttpContractServer node = server().anotherNode(NodeSettings.USUAL);
      Thread stopping = new Thread(node::stop, "stopping");
      try (Running running = running(node, EndpointProfile.PLAIN)) {
        stopping.start();
        Together.await(
            "the node waits for what runs",
            () ->
                Set.of(Thread.State.WAITING, Thread.State.TIMED_WAITING)
                    .contains(stopping.getState()));
        assertThat(running.answer()).isNotDone();

        RawResponse first = running.end();

        assertFresh(first, 201);
        assertReplay(send(running.request), first);
        assertRuns(running.name, 1);
      } finally {
        if (stopping.getState() == Thread.State.NEW) {
          node.stop();
        }
        stopping.join(Together.PATIENCE.toMillis());
      }
      assertThat(stopping.isAlive()).as("still stopping").isFalse();
    }
  }
}
