package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Random machines and random histories on them, against a model that shares no code with the rules.
 * A failure prints the seed, and {@code -Didem.seed=N} plays it again.
 */
abstract class RandomTransitionCases {

  private static final List<Purchase> ALL = List.of(Purchase.values());
  private static final int HISTORIES = 12;
  private static final int STEPS = 40;

  private final TestDatabase database;

  RandomTransitionCases(TestDatabase database) {
    this.database = database;
  }

  @Test
  void everyHistoryGoesAsTheModelSays() {
    long first = Long.getLong("idem.seed", new Random().nextLong());
    for (int i = 0; i < HISTORIES; i++) {
      new History(first + i).run();
    }
  }

  /** One machine, three rows, and what becomes of them. */
  private final class History {

    private final long seed;
    private final Random random;
    private final boolean[][] edges = new boolean[5][5];
    private final boolean[][] paths = new boolean[5][5];
    private final boolean[] begins = new boolean[5];
    private final StateGuard<Purchase> guard;
    private final Map<Long, Purchase> model = new HashMap<>();
    private final List<String> story = new ArrayList<>();
    private int applied;

    History(long seed) {
      this.seed = seed;
      this.random = new Random(seed);
      this.guard =
          database
              .guards()
              .states(
                  machine(),
                  StateTable.of("purchase")
                      .withHistory(
                          HistoryTable.of("purchase_history", "purchase", "entered")
                              .withFrom("left_state")));
      for (int i = 0; i < 3; i++) {
        long id = database.nextId();
        Purchase state = any();
        database.execute("INSERT INTO purchase (id, state) VALUES (" + id + ", '" + state + "')");
        model.put(id, state);
      }
    }

    /** A way leads from the first state to all others and out of each: such a machine is sound. */
    private StateMachine<Purchase> machine() {
      begins[0] = true;
      for (int i = 1; i < begins.length; i++) {
        begins[i] = random.nextInt(4) == 0;
      }
      StateMachine.Builder<Purchase> builder =
          StateMachine.free(
              ALL.get(0),
              ALL.stream().filter(s -> begins[ALL.indexOf(s)]).toArray(Purchase[]::new));
      boolean ends = random.nextBoolean();
      int states = ALL.size();
      for (int from = 0; from < (ends ? states - 1 : states); from++) {
        // With an end, the next state is always one of those that can be reached.
        int sure = (from + 1) % states;
        for (int to = 0; to < states; to++) {
          if (to == sure || (from != to && random.nextInt(4) == 0)) {
            builder.allow(ALL.get(from), ALL.get(to));
            edges[from][to] = true;
            paths[from][to] = true;
          }
        }
      }
      if (ends) {
        builder.finalStates(ALL.get(states - 1));
      }
      for (int via = 0; via < states; via++) {
        for (int from = 0; from < states; from++) {
          for (int to = 0; to < states; to++) {
            paths[from][to] |= paths[from][via] && paths[via][to];
          }
        }
      }
      return builder.build();
    }

    private Purchase any() {
      return ALL.get(random.nextInt(ALL.size()));
    }

    void run() {
      long before = database.number("SELECT count(*) FROM purchase_history");
      for (int i = 0; i < STEPS; ) {
        int steps = 1 + random.nextInt(4);
        boolean commit = random.nextInt(3) > 0;
        inTransaction(steps, commit);
        i += steps;
      }
      model.forEach((id, state) -> check("state of " + id, guard.state(id), state));
      check(
          "history rows",
          database.number("SELECT count(*) FROM purchase_history") - before,
          (long) applied);
    }

    private void inTransaction(int steps, boolean commit) {
      Map<Long, Purchase> during = new HashMap<>(model);
      TestDatabase.CallersWork<Integer> work =
          connection -> {
            int changes = 0;
            for (int i = 0; i < steps; i++) {
              changes += step(guard.on(connection), during);
            }
            return changes;
          };
      if (commit) {
        applied += database.committing(work);
        model.putAll(during);
      } else {
        database.rollingBack(work);
      }
      story.add(commit ? "commit" : "rollback");
    }

    private int step(StateGuard<Purchase> joined, Map<Long, Purchase> during) {
      boolean missing = random.nextInt(10) == 0;
      List<Long> ids = during.keySet().stream().sorted().toList();
      long id = missing ? -1 : ids.get(random.nextInt(ids.size()));
      Purchase to = any();
      Transition<Purchase> expected = expected(during.get(id), to);
      check(id + " to " + to, joined.tryTransition(id, to), expected);
      if (expected.isApplied()) {
        during.put(id, to);
        return 1;
      }
      return 0;
    }

    private Transition<Purchase> expected(Purchase current, Purchase to) {
      if (current == null) {
        return new Transition.NotFound<>();
      }
      int from = ALL.indexOf(current);
      int wanted = ALL.indexOf(to);
      if (from == wanted) {
        return new Transition.AlreadyThere<>(current);
      } else if (edges[from][wanted]) {
        return new Transition.Applied<>(to);
      }
      return paths[wanted][from] && !paths[from][wanted] && !isReachedAround(wanted, from)
          ? new Transition.AlreadyPast<>(current)
          : new Transition.Illegal<>(current, to);
    }

    /** Whether a state can be reached from the beginning though another is taken away. */
    private boolean isReachedAround(int closed, int state) {
      boolean[] met = new boolean[begins.length];
      for (int round = 0; round <= met.length; round++) {
        for (int to = 0; to < met.length; to++) {
          met[to] |= begins[to];
          for (int from = 0; from < met.length; from++) {
            met[to] |= met[from] && edges[from][to];
          }
          met[to] &= to != closed;
        }
      }
      return met[state];
    }

    private void check(String step, Object found, Object expected) {
      story.add(step + " -> " + expected);
      assertThat(found)
          .withFailMessage(
              () ->
                  "Found %s but expected %s. Repeat with -Didem.seed=%d; it went%n%s%n%s"
                      .formatted(
                          found,
                          expected,
                          seed,
                          String.join("\n", story),
                          guard.machine().toMermaid()))
          .isEqualTo(expected);
    }
  }
}
