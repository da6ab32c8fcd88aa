package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * The {@link HttpContract} where a key's record is written in the transaction of the handler's
 * effects. {@link ContractCall#effect} is a row in that database.
 */
public abstract class TransactionalHttpContract extends HttpContract {

  /** For subclasses. */
  protected TransactionalHttpContract() {}

  /** Points 16 to 18, 21, 22 and 35 where there is a transaction. */
  @Nested
  class InATransaction {

    @Test
    void p16_anOwnerStaysExclusiveAsLongAsItsTransaction() throws Exception {
      try (Running running = running(EndpointProfile.EXPIRING)) {
        // Neither the half second of the lease nor the two of the retention count.
        assertStaysBusy(running, Duration.ofMillis(2_500));

        assertFresh(running.end(), 201);
        assertRuns(running.name, 1);
        assertEffects(running.name, 1);
      }
    }

    @Test
    void p17_anOwnerThatLostItsTransactionDoesNotOverwriteItsSuccessor() throws Exception {
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        RawResponse successor = takenOver(running);
        RawResponse late = running.end();

        assertFresh(successor, 201);
        assertThat(successor.text()).isEqualTo("run 2");
        assertBroken(late);
        assertReplay(send(running.request), successor);
        assertReplay(send(second(), running.request), successor);
        assertRuns(running.name, 2);
        assertEffects(running.name, 1);
      }
    }

    @Test
    void p18_anAbandonedRunLeavesNothingBehindAndIsRunAgain() throws Exception {
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        // Its effect is there, and goes with its transaction: nobody has to ask what happened.
        assertFresh(takenOver(running), 201);

        assertRuns(running.name, 2);
        assertEffects(running.name, 1);
      }
    }

    @Test
    void p21_aServerErrorIsRolledBackAndFreesTheKey() {
      String name = unique();
      script.on(
          name,
          call -> {
            call.effect(name);
            if (script.runs(name) == 1) {
              return ContractResponse.text(500, "broken");
            } else if (script.runs(name) == 2) {
              throw new IllegalStateException("as the case wants it");
            } else if (script.runs(name) == 3) {
              return ContractResponse.errorPage(502, "broken");
            }
            return ContractResponse.text(201, "done");
          });
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      assertFresh(send(request), 500);
      assertFresh(send(request), 500);
      assertFresh(send(request), 502);
      assertEffects(name, 0);
      assertFresh(send(request), 201);
      assertReplayed(send(request));
      assertEffects(name, 1);
    }

    @Test
    void p22_aRecordedRejectionSurvivesTheRollback() {
      String name = unique();
      script.on(
          name,
          call -> {
            call.effectThenRejection(name);
            return ContractResponse.empty(204);
          });
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertFresh(first, 402);
      assertReplay(send(request), first);
      assertRuns(name, 1);
      assertEffects(name, 0);
    }

    @Test
    void p22_noByteLeavesBeforeTheCommit() throws Exception {
      CountDownLatch committing = new CountDownLatch(1);
      CountDownLatch mayCommit = new CountDownLatch(1);
      byte[] body = new byte[90_000];
      Arrays.fill(body, (byte) 'x');
      String name = unique();
      script.on(
          name,
          call -> {
            call.effect(name);
            call.beforeCommit(
                () -> {
                  committing.countDown();
                  Together.await(mayCommit);
                });
            return ContractResponse.bytes(200, body);
          });
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      try (RawHttp connection = RawHttp.to(base())) {
        connection.send(request.toBytes());
        Together.await(committing);

        assertThat(connection.available()).as("bytes before the commit").isZero();
        assertEffects(name, 0);

        mayCommit.countDown();
        RawResponse first = connection.receive(true);
        assertFresh(first, 200);
        assertThat(first.body()).isEqualTo(body);
        assertEffects(name, 1);
        assertReplay(send(request), first);
      } finally {
        mayCommit.countDown();
      }
    }

    @Test
    void p35_aDatabaseThatIsGoneAtTheCommitLeavesNothingBehind() throws Exception {
      try (Running running = running(EndpointProfile.PLAIN)) {
        whileStoreIsCut(() -> assertBroken(running.end()));

        RawResponse retry = send(running.request);

        assertFresh(retry, 201);
        assertReplay(send(second(), running.request), retry);
        assertRuns(running.name, 2);
        assertEffects(running.name, 1);
      }
    }

    private void assertBroken(RawResponse answer) {
      assertThat(answer.status()).as("status of %s", answer).isGreaterThanOrEqualTo(500);
      assertThat(answer.text()).doesNotContain("run 1");
      assertThat(answer.header("ETag")).isEmpty();
    }
  }
}
