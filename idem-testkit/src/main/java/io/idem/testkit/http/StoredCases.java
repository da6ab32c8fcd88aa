package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What becomes of the key. */
abstract class StoredCases extends InFlightCases {

  /** Points 20 to 25. */
  @Nested
  class WhatIsStored {

    @Test
    void p20_refusalsInFrontAreNotStored() {
      String name = runs();
      String caller = "carol" + unique();
      RawRequest request =
          post(EndpointProfile.PLAIN, name, unique())
              .with("Authorization", "Bearer " + caller + ".1");
      for (int status : new int[] {401, 403, 429, 503}) {
        script.refuse(caller, status);
        assertFresh(send(request), status);
      }
      script.admit(caller);

      RawResponse first = send(request);

      assertFresh(first, 201);
      assertReplay(send(request), first);
      assertRuns(name, 1);
    }

    @Test
    void p20_theProtectionsOwnRefusalsAreNotStored() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      assertProblem(send(request.without("Authorization")), 403, "caller-required", false);
      assertProblem(
          send(request.body(new byte[NodeSettings.MAX_REQUEST + 1])),
          413,
          "request-too-large",
          false);

      assertFresh(send(request), 201);
    }

    @Test
    void p21_aReleasingStatusFreesTheKey() {
      for (int status : new int[] {400, 401, 403, 408, 425, 429}) {
        String name = unique();
        script.on(
            name,
            call ->
                script.runs(name) == 1
                    ? ContractResponse.empty(status)
                    : ContractResponse.text(201, "done"));
        RawRequest request = post(EndpointProfile.PLAIN, name, unique());

        assertFresh(send(request), status);
        RawResponse corrected = send(request.body(JSON, "[\"corrected\"]"));

        assertFresh(corrected, 201);
        assertReplay(send(request.body(JSON, "[\"corrected\"]")), corrected);
        assertRuns(name, 2);
      }
    }

    @Test
    void p21_aFinalStatusIsStored() {
      for (int status : new int[] {200, 201, 202, 303, 402, 404, 409, 410, 422}) {
        String name = unique();
        script.on(
            name,
            call ->
                ContractResponse.text(status, "final").header("Location", "/elsewhere/" + status));
        RawRequest request = post(EndpointProfile.PLAIN, name, unique());

        RawResponse first = send(request);

        assertFresh(first, status);
        RawResponse replay = send(request);
        assertReplay(replay, first);
        assertThat(replay.header("Location")).isEqualTo(first.header("Location"));
        assertRuns(name, 1);
      }
    }

    @Test
    void p21_aServerErrorFreesTheKeyWhereTheOperationSaysSo() {
      String name = unique();
      script.on(
          name,
          call -> {
            if (script.runs(name) == 1) {
              return ContractResponse.empty(503);
            } else if (script.runs(name) == 2) {
              throw new IllegalStateException("as the case wants it");
            }
            return ContractResponse.text(201, "done");
          });
      RawRequest request = post(EndpointProfile.FREEING, name, unique());

      assertFresh(send(request), 503);
      assertFresh(send(request), 500);
      assertFresh(send(request), 201);
      assertReplayed(send(request));
      assertRuns(name, 3);
    }

    @Test
    void p21_aServerErrorIsRecordedWhereTheOperationSaysSo() {
      String name = unique();
      script.on(
          name,
          call -> {
            call.effect(name);
            return ContractResponse.text(502, "broken");
          });
      RawRequest request = post(EndpointProfile.RECORDING, name, unique());

      RawResponse first = send(request);

      assertFresh(first, 502);
      assertReplay(send(request), first);
      assertRuns(name, 1);
      assertEffects(name, 1);
    }

    @Test
    void p22_noByteLeavesBeforeTheOutcomeIsRecorded() throws Exception {
      byte[] start = new byte[NodeSettings.MAX_STORED - 1];
      Arrays.fill(start, (byte) 'x');
      ContractScript.Held held = new ContractScript.Held();
      String name = unique();
      script.on(
          name,
          call ->
              ContractResponse.streamed(
                  200,
                  start,
                  () -> {
                    held.pass();
                    return new byte[] {'y'};
                  }));
      RawRequest request = post(EndpointProfile.IMPATIENT, name, unique());
      try (RawHttp connection = RawHttp.to(base())) {
        connection.send(request.toBytes());
        held.entered();

        assertBusy(send(second(), request));
        assertThat(connection.available()).as("bytes of an answer that may be lost").isZero();

        held.letGo();
        RawResponse first = connection.receive(true);
        assertFresh(first, 200);
        assertThat(first.body()).startsWith(start).endsWith('y').hasSize(NodeSettings.MAX_STORED);
        assertReplay(send(second(), request), first);
      } finally {
        held.letGo();
      }
    }

    @Test
    void p23_aClientThatHangsUpChangesNothing() throws Exception {
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      try (RawHttp connection = RawHttp.to(base())) {
        connection.send(request.toBytes());
        held.entered();
        connection.reset();
      }
      held.letGo();

      RawResponse retry = send(request);

      assertReplayed(retry);
      assertThat(retry.text()).isEqualTo("run 1");
      assertRuns(name, 1);
      assertEffects(name, 1);
    }

    @Test
    void p23_halfARequestConsumesNoKey() throws Exception {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      byte[] whole = request.toBytes();
      try (RawHttp connection = RawHttp.to(base())) {
        connection.send(Arrays.copyOf(whole, whole.length - 3));
        connection.endOfRequest();
        assertThat(refusalOfHalf(connection)).isIn(0, 400, 408, 500);
      }
      assertRuns(name, 0);

      assertFresh(send(request), 201);
    }

    /** Some servers answer, some just hang up (0); either says that they are done with it. */
    private int refusalOfHalf(RawHttp connection) {
      try {
        return connection.receive(true).status();
      } catch (IOException e) {
        return 0;
      }
    }

    @Test
    void p24_anAnswerOverTheBoundIsDeliveredWholeAndNeverRunAgain() {
      byte[] large = new byte[3 * NodeSettings.MAX_STORED];
      new Random(1).nextBytes(large);
      String name = unique();
      script.on(name, call -> ContractResponse.bytes(200, large));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertFresh(first, 200);
      assertThat(first.body()).isEqualTo(large);
      assertProblem(send(request), 409, "answer-not-stored", false);
      assertProblem(send(request), 409, "answer-not-stored", false);
      assertRuns(name, 1);
    }

    @Test
    void p24_aStreamOverTheBoundIsDeliveredWholeAndNeverRunAgain() {
      byte[] half = new byte[NodeSettings.MAX_STORED];
      new Random(4).nextBytes(half);
      String name = unique();
      script.on(name, call -> ContractResponse.streamed(200, half, () -> half));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertFresh(first, 200);
      assertThat(first.body()).startsWith(half).endsWith(half).hasSize(2 * half.length);
      assertProblem(send(request), 409, "answer-not-stored", false);
      assertRuns(name, 1);
    }

    @Test
    void p24_theBoundItselfIsStillKept() {
      byte[] body = new byte[NodeSettings.MAX_STORED];
      new Random(2).nextBytes(body);
      String name = unique();
      script.on(name, call -> ContractResponse.bytes(200, body));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      assertReplay(sendTwice(request), send(request));
      assertRuns(name, 1);
    }

    private RawResponse sendTwice(RawRequest request) {
      send(request);
      return send(request);
    }

    @Test
    void p25_theHandlerMaySayThatNothingHappened() {
      String name = unique();
      script.on(
          name,
          call -> {
            call.nothingHappened();
            return ContractResponse.text(200, "nothing");
          });
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      assertFresh(send(request), 200);
      assertFresh(send(request), 200);
      assertRuns(name, 2);
    }

    @Test
    void p25_theHandlerMaySayThatTheAnswerIsNotKept() {
      String name = unique();
      script.on(
          name,
          call -> {
            call.doNotKeep();
            call.effect(name);
            return ContractResponse.text(200, "secret");
          });
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertFresh(first, 200);
      assertThat(first.text()).isEqualTo("secret");
      assertProblem(send(request), 409, "answer-not-stored", false);
      assertRuns(name, 1);
      assertEffects(name, 1);
    }
  }
}
