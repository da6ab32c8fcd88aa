package io.idem.audit;

import io.idem.audit.EntryPoint.Kind;
import io.idem.audit.EntryPoint.Protection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * The ways into an application, and how each is protected. Immutable and thread-safe.
 *
 * @param all all of them, ordered by kind, name and handler
 */
public record EntryPoints(List<EntryPoint> all) {

  /**
   * Puts them in order.
   *
   * @param all all of them, in any order
   */
  public EntryPoints {
    all =
        all.stream()
            .distinct()
            .sorted(
                Comparator.comparing(EntryPoint::kind)
                    .thenComparing(EntryPoint::name)
                    .thenComparing(EntryPoint::handler))
            .toList();
  }

  /**
   * Those that nothing protects.
   *
   * @return the unprotected ones, in order
   */
  public List<EntryPoint> unprotected() {
    return all.stream().filter(each -> each.protection() == Protection.UNPROTECTED).toList();
  }

  /**
   * How many there are.
   *
   * @param kind endpoints or listeners
   * @param protection how they are protected
   * @return their number
   */
  public long count(Kind kind, Protection protection) {
    return all.stream()
        .filter(each -> each.kind() == kind && each.protection() == protection)
        .count();
  }

  /**
   * All of it in one line: {@code 3 endpoints (1 protected, 1 declared, 1 unprotected), 0
   * listeners}.
   *
   * @return the line
   */
  public String summary() {
    return summary(Kind.ENDPOINT, "endpoint") + ", " + summary(Kind.LISTENER, "listener");
  }

  private String summary(Kind kind, String name) {
    StringBuilder counts = new StringBuilder();
    long total = 0;
    for (Protection protection : Protection.values()) {
      long count = count(kind, protection);
      total += count;
      if (count > 0) {
        counts
            .append(counts.isEmpty() ? " (" : ", ")
            .append(count)
            .append(' ')
            .append(protection.name().toLowerCase(Locale.ROOT));
      }
    }
    return total + " " + name + (total == 1 ? "" : "s") + (counts.isEmpty() ? "" : counts + ")");
  }
}
