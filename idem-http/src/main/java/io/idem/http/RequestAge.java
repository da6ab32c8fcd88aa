package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.Fingerprint;
import io.idem.http.internal.ImfFixdate;
import io.idem.http.internal.Tokens;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Holds the time of a request's first attempt against a guard. */
final class RequestAge {

  private RequestAge() {}

  /** Why a request is refused. */
  record Objection(ProblemType type, String detail) {}

  /** What speaks against a request, or null. */
  static @Nullable Objection objection(
      StaleGuard guard, HttpRequestHead request, KeySyntax.Key key, Instant now) {
    Instant firstSent = null;
    List<String> lines = request.headerLines(StaleGuard.FIRST_SENT_HEADER);
    if (!lines.isEmpty()) {
      firstSent = lines.size() == 1 ? parse(lines.get(0)) : null;
      if (firstSent == null) {
        return new Objection(
            ProblemType.KEY_MALFORMED,
            "The "
                + StaleGuard.FIRST_SENT_HEADER
                + " header is not one date. Send it once, in the form of \"Tue, 06 Aug 2024"
                + " 13:27:41 GMT\".");
      }
    }
    Optional<Instant> keyTime = new IdempotentRequest("", key.value(), Fingerprint.NONE).keyTime();
    if (guard.timeRequired() && firstSent == null && keyTime.isEmpty()) {
      return new Objection(
          ProblemType.KEY_MISSING,
          "Send the "
              + StaleGuard.FIRST_SENT_HEADER
              + " header with the time of the first attempt, and send the same with every retry.");
    }
    boolean stale =
        (firstSent != null && isOutside(guard, firstSent, now))
            || keyTime.filter(time -> isOutside(guard, time, now)).isPresent();
    return stale
        ? new Objection(
            ProblemType.STALE_REQUEST,
            "The first attempt of this request has to be less than "
                + guard.window()
                + " ago, and not more than "
                + guard.ahead()
                + " ahead of the clock of this service. Find out whether an earlier attempt took"
                + " effect before you send the operation with a new key.")
        : null;
  }

  private static boolean isOutside(StaleGuard guard, Instant time, Instant now) {
    return time.isBefore(now.minus(guard.window())) || time.isAfter(now.plus(guard.ahead()));
  }

  private static @Nullable Instant parse(String date) {
    return ImfFixdate.parse(Tokens.strip(date)).orElse(null);
  }
}
