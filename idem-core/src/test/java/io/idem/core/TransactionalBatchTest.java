package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Concurrency.Started;
import io.idem.core.FakeTransactionalStore.Transaction;
import io.idem.core.store.Batch;
import io.idem.core.store.StoreUnavailableException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Many keys and their effects in one transaction. */
class TransactionalBatchTest {

  private final FakeTransactionalStore store = new FakeTransactionalStore();
  private final List<DecisionEvent> events = new CopyOnWriteArrayList<>();
  private final Concurrency threads = new Concurrency();
  private final Idempotency idempotency =
      Idempotency.builder().transactionalStore(store).listener(events::add).build();
  private final Idempotency otherNode =
      Idempotency.builder().transactionalStore(store).listener(events::add).build();
  private final Operation<String> charge = charge(idempotency);
  private final Operation<Void> inbox = idempotency.operation("inbox").build();

  @AfterEach
  void stop() {
    threads.close();
    idempotency.close();
    otherNode.close();
  }

  private static Operation<String> charge(Idempotency node) {
    return node.operation("charge", String.class).waitAtMost(Duration.ofMillis(100)).build();
  }

  private static List<IdempotentRequest> keys(String... keys) {
    return Stream.of(keys).map(key -> IdempotentRequest.of(key).comparing("10 EUR")).toList();
  }

  /** Writes an effect for each fresh key, and answers with its place in the list. */
  private static List<ItemAnswer<String>> run(
      Operation<String> operation, List<IdempotentRequest> requests) {
    return operation.executeAll(
        requests,
        BatchBody.each(
            item -> {
              item.attempt().unwrap(Transaction.class).write("" + item.index());
              return "result " + item.index();
            }));
  }

  private static ItemAnswer<String> ran(int index) {
    return answered(new Execution.Ran<>("result " + index, Recording.STORED));
  }

  private static ItemAnswer<String> replayed(int index) {
    return answered(new Execution.Replayed<>("result " + index));
  }

  private static <T> ItemAnswer<T> answered(Execution<T> execution) {
    return new ItemAnswer.Answered<>(execution);
  }

  private List<Decision> decisions() {
    return events.stream().map(DecisionEvent::decision).toList();
  }

  @Test
  void freshKeysRunOnceInOneTransaction() {
    assertThat(run(charge, keys("b", "a", "c"))).containsExactly(ran(0), ran(1), ran(2));
    assertThat(store.begun).hasValue(1);
    assertThat(store.effects()).containsExactly("0", "1", "2");

    assertThat(run(otherNodesCharge(), keys("d", "c", "b")))
        .containsExactly(ran(0), replayed(2), replayed(0));
    assertThat(store.effects()).containsExactly("0", "1", "2", "0");
    assertThat(decisions())
        .containsExactly(
            Decision.RAN,
            Decision.RAN,
            Decision.RAN,
            Decision.RAN,
            Decision.REPLAYED,
            Decision.REPLAYED);
  }

  private Operation<String> otherNodesCharge() {
    return charge(otherNode);
  }

  @Test
  void nothingFreshRunsNothing() {
    run(charge, keys("a", "b"));
    List<ItemAnswer<String>> answers =
        charge.executeAll(
            keys("b", "a"),
            fresh -> {
              throw new AssertionError("ran");
            });
    assertThat(answers).containsExactly(replayed(1), replayed(0));
    assertThat(run(charge, List.of())).isEmpty();
    assertThat(store.begun).hasValue(2);
  }

  @Test
  void whatIsRolledBackIsNotDoneWhateverTheBodySays() {
    BatchBody<String, RuntimeException> stopped =
        new BatchBody<>() {
          @Override
          public List<String> run(List<Item> fresh) {
            throw new IllegalStateException("crash");
          }

          @Override
          public Progress<String> progress(Throwable failure) {
            return new Progress<>(
                List.of("0"), new IllegalStateException("told"), BatchBody.Others.BY_FAILURE);
          }
        };

    assertThatThrownBy(() -> charge.executeAll(keys("a", "b"), stopped)).hasMessage("crash");
    assertThat(run(charge, keys("a", "b"))).containsExactly(ran(0), ran(1));
  }

  @Test
  void keyThatAppearsTwiceIsARepeatOrAMisuse() {
    List<IdempotentRequest> requests = new ArrayList<>(keys("a", "b", "a"));
    requests.add(IdempotentRequest.of("a").comparing("99 EUR"));

    assertThat(run(charge, requests))
        .containsExactly(ran(0), ran(1), replayed(0), answered(new Execution.KeyReused<>()));
    assertThat(store.effects()).containsExactly("0", "1");
  }

  @Test
  void eachRepeatIsComparedWithTheStoredRequest() {
    run(charge, keys("a"));
    List<IdempotentRequest> misuseFirst =
        List.of(IdempotentRequest.of("a").comparing("99 EUR"), keys("a").get(0));

    assertThat(run(charge, misuseFirst))
        .containsExactly(answered(new Execution.KeyReused<>()), replayed(0));
  }

  @Test
  void operationWithoutAResultIsRecordedWithItsClaims() {
    store.loseAtCompletion = true; // there is no second write
    List<List<Integer>> runs = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      List<ItemAnswer<Void>> answers =
          inbox.executeAll(
              keys("a", "b", "a"),
              BatchBody.all(fresh -> runs.add(fresh.stream().map(BatchBody.Item::index).toList())));
      assertThat(answers).hasOnlyElementsOfType(ItemAnswer.Answered.class);
    }
    assertThat(runs).containsExactly(List.of(0, 1));
  }

  @Test
  void busyKeysLeaveTheOthersAlone() {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Started<Execution<String>> rival =
        threads.start(
            () ->
                otherNodesCharge()
                    .execute(
                        keys("b").get(0),
                        attempt -> {
                          running.countDown();
                          await(end);
                          return "theirs";
                        }));
    await(running);

    List<ItemAnswer<String>> answers = run(charge, keys("a", "b", "c", "b"));

    ItemAnswer<String> busy = answered(new Execution.Busy<>(Duration.ofSeconds(1)));
    assertThat(answers).containsExactly(ran(0), busy, ran(2), busy);
    end.countDown();
    rival.answer();
    assertThat(run(charge, keys("b")))
        .containsExactly(answered(new Execution.Replayed<>("theirs")));
  }

  @Test
  void aBodyThatIsToldOfBusyKeysMayGiveTheBatchUp() {
    CountDownLatch running = new CountDownLatch(2);
    CountDownLatch end = new CountDownLatch(1);
    List<Started<Execution<String>>> rivals =
        Stream.of(otherNodesCharge(), charge)
            .map(
                node ->
                    threads.start(
                        () ->
                            node.execute(
                                keys(node == charge ? "d" : "b").get(0),
                                attempt -> {
                                  running.countDown();
                                  await(end);
                                  return "theirs";
                                })))
            .toList();
    await(running);

    assertThatThrownBy(() -> charge.executeAll(keys("a", "b", "c", "d", "b"), new InOrder()))
        .isInstanceOf(IOException.class)
        .hasMessage("busy [1, 3] false");

    assertThat(store.effects()).isEmpty();
    assertThat(decisions()).containsExactly(Decision.BUSY, Decision.BUSY);
    end.countDown();
    rivals.forEach(Started::answer);
    assertThat(run(charge, keys("a", "b", "c", "d")))
        .containsExactly(
            ran(0),
            answered(new Execution.Replayed<>("theirs")),
            ran(2),
            answered(new Execution.Replayed<>("theirs")));
  }

  @Test
  void aBodyThatMeetsNothingBusyIsToldOfNothing() throws IOException {
    run(charge, keys("a"));

    assertThat(charge.executeAll(keys("a", "b"), new InOrder()))
        .containsExactly(replayed(0), answered(new Execution.Ran<>("", Recording.STORED)));
  }

  /** Does nothing where something is busy. */
  private static final class InOrder implements BatchBody<String, IOException> {
    @Override
    public List<String> run(List<Item> fresh) {
      return fresh.stream().map(item -> "").toList();
    }

    @Override
    public void busy(List<Integer> busy, boolean joined) throws IOException {
      throw new IOException("busy " + busy + " " + joined);
    }
  }

  @Test
  void failureRollsEverythingBack() {
    assertThatThrownBy(
            () ->
                charge.executeAll(
                    keys("a", "b"),
                    BatchBody.each(
                        item -> {
                          item.attempt().unwrap(Transaction.class).write("lost");
                          if (item.index() == 1) {
                            throw new IOException("timeout");
                          }
                          return "";
                        })))
        .isInstanceOf(IOException.class);

    assertThat(store.records()).isZero();
    assertThat(decisions()).containsExactly(Decision.FAILED, Decision.FAILED);
    assertThat(run(charge, keys("a", "b"))).containsExactly(ran(0), ran(1));
    assertThat(store.effects()).containsExactly("0", "1");
  }

  @Test
  void resultThatReleasesRollsEverythingBack() {
    Operation<String> picky =
        idempotency
            .operation("picky", String.class)
            .onResult(result -> result.endsWith("1") ? Disposition.RELEASE : Disposition.RECORD)
            .build();

    assertThat(run(picky, keys("a", "b", "a")))
        .containsExactly(
            answered(new Execution.Ran<>("result 0", Recording.FREED)),
            answered(new Execution.Ran<>("result 1", Recording.FREED)),
            answered(new Execution.Busy<>(Duration.ofSeconds(1))));
    assertThat(store.effects()).isEmpty();
    assertThat(run(picky, keys("a"))).containsExactly(ran(0));
  }

  @Test
  void recordedFailureIsTheAnswerOfItsKeyOnly() throws Exception {
    Operation<String> recording =
        idempotency
            .operation("recording", String.class)
            .recordFailure(
                FailureMapping.ofMessage("declined", IOException.class, IOException::new))
            .build();
    assertThatThrownBy(
            () ->
                recording.execute(
                    keys("b").get(0),
                    attempt -> {
                      throw new IOException("declined");
                    }))
        .hasMessage("declined");

    List<ItemAnswer<String>> answers = run(recording, keys("a", "b", "c"));

    assertThat(answers.get(0).orElseThrow()).isInstanceOf(Execution.Ran.class);
    assertThatThrownBy(() -> answers.get(1).orElseThrow())
        .isInstanceOf(IOException.class)
        .hasMessage("declined");
    assertThat(answers.get(2)).isEqualTo(ran(2));
    assertThat(store.effects()).containsExactly("0", "2");
  }

  @Test
  void conflictBeforeTheBodyIsTriedAgain() {
    store.claimFailures.add(FakeTransactionalStore.conflict());

    assertThat(run(charge, keys("a", "b"))).containsExactly(ran(0), ran(1));
    assertThat(store.begun).hasValue(2);
    assertThat(store.effects()).containsExactly("0", "1");
  }

  @Test
  void wrongNumberOfResultsAndLostRecordsRollBack() {
    assertThatIllegalStateException()
        .isThrownBy(() -> charge.executeAll(keys("a", "b"), fresh -> List.of("one")))
        .withMessageContaining("'charge'")
        .withMessageContaining("2 requests");
    store.loseAtCompletion = true;
    assertThatThrownBy(() -> run(charge, keys("a"))).isInstanceOf(StoreUnavailableException.class);
    assertThat(store.records()).isZero();
    assertThat(store.effects()).isEmpty();
  }

  @Test
  void moreThanTheMostAreRefused() {
    List<IdempotentRequest> more = Collections.nCopies(Batch.MOST + 1, keys("a").get(0));
    assertThatIllegalArgumentException().isThrownBy(() -> run(charge, more));
    assertThat(run(charge, more.subList(1, more.size()))).hasSize(Batch.MOST).startsWith(ran(0));
    assertThat(store.effects()).containsExactly("0");
  }

  @Test
  void joinedBatchIsTheCallersToCommit() {
    List<ItemAnswer<String>> nested =
        store.callersTransaction(
            scope -> {
              run(charge, keys("a", "b"));
              scope.setRollbackOnly();
              return run(charge, keys("b"));
            });
    assertThat(nested).containsExactly(replayed(1));
    assertThat(store.records()).isZero();
    assertThat(run(charge, keys("b"))).containsExactly(ran(0));
  }

  @Test
  void requestsOfOneNodeMeetBeforeTheStore() {
    Operation<String> patient = idempotency.operation("patient", String.class).build();
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Started<List<ItemAnswer<String>>> first =
        threads.start(
            () ->
                patient.executeAll(
                    keys("c", "b"),
                    BatchBody.each(
                        item -> {
                          running.countDown();
                          await(end);
                          return "result " + item.index();
                        })));
    await(running);
    Started<List<ItemAnswer<String>>> second =
        threads.start(() -> run(patient, keys("a", "b", "c")));
    Started<Execution<String>> single =
        threads.start(() -> patient.execute(keys("c").get(0), attempt -> "never"));
    second.awaitParked();
    single.awaitParked();

    assertThat(store.begun).as("no second connection").hasValue(1);
    end.countDown();
    assertThat(first.answer()).containsExactly(ran(0), ran(1));
    assertThat(second.answer()).containsExactly(ran(0), replayed(1), replayed(0));
    assertThat(single.answer()).isEqualTo(new Execution.Replayed<>("result 0"));
    assertThat(store.waiting).hasValue(0);
  }

  @Test
  void batchLeadsWhereTheRequestAheadFailed() {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Operation<String> patient = idempotency.operation("patient", String.class).build();
    Started<String> failing =
        threads.start(
            () -> {
              try {
                patient.execute(
                    keys("b").get(0),
                    attempt -> {
                      running.countDown();
                      await(end);
                      throw new IOException("timeout");
                    });
                return "";
              } catch (IOException e) {
                return e.getMessage();
              }
            });
    await(running);
    Started<List<ItemAnswer<String>>> batch = threads.start(() -> run(patient, keys("a", "b")));
    batch.awaitParked();
    end.countDown();

    assertThat(failing.answer()).isEqualTo("timeout");
    assertThat(batch.answer()).containsExactly(ran(0), ran(1));
  }

  @Test
  void batchInsideTheRunOfItsKeyIsBusy() {
    List<ItemAnswer<String>> inner = new ArrayList<>();
    charge.executeAll(
        keys("a"),
        BatchBody.each(
            item -> {
              inner.addAll(run(charge, keys("a", "x")));
              return "outer";
            }));
    assertThat(inner)
        .containsExactly(answered(new Execution.Busy<>(Duration.ofSeconds(1))), ran(1));
  }
}
