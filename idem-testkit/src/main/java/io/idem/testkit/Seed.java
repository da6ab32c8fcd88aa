package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Where a random history comes from, and how it went. */
final class Seed {

  /** The system property that plays a history again. */
  static final String PROPERTY = "idem.seed";

  private final long number;
  private final List<String> story = new ArrayList<>();

  private Seed(long number) {
    this.number = number;
  }

  /** One for each history of a case: the first is the property's where it is set. */
  static List<Seed> of(int histories) {
    long first = Long.getLong(PROPERTY, new Random().nextLong());
    List<Seed> seeds = new ArrayList<>();
    for (int i = 0; i < histories; i++) {
      seeds.add(new Seed(first + i));
    }
    return seeds;
  }

  Random random() {
    return new Random(number);
  }

  /** How it is repeated. */
  @Override
  public String toString() {
    return "-D" + PROPERTY + "=" + number;
  }

  void tell(String step) {
    story.add(step);
  }

  /** Fails with the whole story if a step was not answered as it should have been. */
  void check(String step, Object found, Object expected, boolean agree) {
    story.add(step + " -> " + expected);
    assertThat(agree)
        .withFailMessage(
            () ->
                "Found %s but expected %s. Repeat with %s; it went%n%s"
                    .formatted(found, expected, this, String.join("\n", story)))
        .isTrue();
  }
}
