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
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      held.entered();
      CompletableFuture<RawResponse> here = later(request);
      CompletableFuture<RawResponse> there = RawHttp.later(second().base(), request);
      held.letGo();

      assertFresh(answer(first), 201);
      assertReplay(answer(here), answer(first));
      assertReplay(answer(there), answer(first));
      assertRuns(name, 1);
      assertEffects(name, 1);
    }

    @Test
    void p14_withoutABoundADuplicateIsBusyAtOnce() throws Exception {
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.IMPATIENT, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      try {
        held.entered();

        assertBusy(send(request));
        assertBusy(send(second(), request));
      } finally {
        held.letGo();
      }
      assertFresh(answer(first), 201);
      assertRuns(name, 1);
    }

    @Test
    void p14_pastTheBoundADuplicateIsBusy() throws Exception {
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.BRIEF, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      try {
        held.entered();

        long start = System.nanoTime();
        assertBusy(send(request));
        assertThat(System.nanoTime() - start).as("nanoseconds waited").isGreaterThan(250_000_000L);
        assertBusy(send(second(), request));
      } finally {
        held.letGo();
      }
      answer(first);
    }

    @Test
    void p14_aBusyAnswerIsNotStored() throws Exception {
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.IMPATIENT, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      try {
        held.entered();
        assertBusy(send(request));
      } finally {
        held.letGo();
      }

      assertFresh(answer(first), 201);
      assertReplay(send(request), answer(first));
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
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      List<CompletableFuture<RawResponse>> storm = new ArrayList<>();
      storm.add(later(request));
      try {
        held.entered();
        for (int i = 0; i < 5 * NodeSettings.CONNECTIONS; i++) {
          storm.add(later(request));
        }

        // With every connection taken by a waiter these would not be answered while it is held.
        for (int i = 0; i < 2 * NodeSettings.CONNECTIONS; i++) {
          String other = runs();
          assertFresh(send(post(EndpointProfile.PLAIN, other, unique())), 201);
        }
        assertThat(storm).noneMatch(CompletableFuture::isDone);
      } finally {
        held.letGo();
      }
      for (CompletableFuture<RawResponse> one : storm) {
        assertThat(answer(one).status()).isEqualTo(201);
      }
      assertRuns(name, 1);
    }

    @Test
    void p19_aNodeThatStopsLetsRunningRequestsEndAndRecordsThem() throws Exception {
      HttpContractServer node = server().anotherNode(NodeSettings.USUAL);
      Thread stopping = new Thread(node::stop, "stopping");
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      try {
        CompletableFuture<RawResponse> first = RawHttp.later(node.base(), request);
        held.entered();
        stopping.start();
        Together.await(
            "the node waits for what runs",
            () ->
                Set.of(Thread.State.WAITING, Thread.State.TIMED_WAITING)
                    .contains(stopping.getState()));
        assertThat(first).isNotDone();
        held.letGo();

        assertFresh(answer(first), 201);
        assertReplay(send(request), answer(first));
        assertRuns(name, 1);
      } finally {
        held.letGo();
        if (stopping.getState() == Thread.State.NEW) {
          node.stop();
        }
        stopping.join(Together.PATIENCE.toMillis());
      }
      assertThat(stopping.isAlive()).as("still stopping").isFalse();
    }
  }
}
