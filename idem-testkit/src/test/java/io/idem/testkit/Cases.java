package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** Runs a contract on a store and tells which of its cases fail. */
final class Cases {

  /** Plays random histories, which may miss what is seldom wrong. */
  private static final String RANDOM = "storeAnswersAsItsModelDoes";

  private static final int RUNS = 5;

  private Cases() {}

  /** Demands that a broken store fails these cases, the random ones in one of a few runs. */
  static void assertFailing(Class<?> contract, Collection<String> cases) {
    Set<String> failing = failing(contract);
    for (int run = 2; run <= RUNS && cases.contains(RANDOM) && !failing.contains(RANDOM); run++) {
      if (failing(contract).contains(RANDOM)) {
        failing.add(RANDOM);
      }
    }
    assertThat(failing).containsAll(cases);
  }

  /** The cases that fail; everything else ran and passed. */
  static Set<String> failing(Class<?> contract) {
    var cases = EngineTestKit.engine("junit-jupiter").selectors(selectClass(contract)).execute();
    cases.testEvents().assertStatistics(events -> events.skipped(0).aborted(0));
    assertThat(cases.testEvents().started().count()).isGreaterThan(5);
    assertThat(cases.containerEvents().failed().count()).isZero();
    return cases.testEvents().failed().stream()
        .map(Event::getTestDescriptor)
        .map(test -> test.getDisplayName().replace("()", ""))
        .collect(Collectors.toCollection(HashSet::new));
  }
}
