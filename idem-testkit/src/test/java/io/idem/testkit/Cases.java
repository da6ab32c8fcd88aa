package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.Set;
import java.util.stream.Collectors;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** Runs a contract on a store and tells which of its cases fail. */
final class Cases {

  private Cases() {}

  /** The cases that fail; everything else ran and passed. */
  static Set<String> failing(Class<?> contract) {
    var cases = EngineTestKit.engine("junit-jupiter").selectors(selectClass(contract)).execute();
    cases.testEvents().assertStatistics(events -> events.skipped(0).aborted(0));
    assertThat(cases.testEvents().started().count()).isGreaterThan(5);
    assertThat(cases.containerEvents().failed().count()).isZero();
    return cases.testEvents().failed().stream()
        .map(Event::getTestDescriptor)
        .map(test -> test.getDisplayName().replace("()", ""))
        .collect(Collectors.toSet());
  }
}
