package io.idem.http;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the protocol is spelled towards the clients of an endpoint: where their key is, what a
 * refusal looks like, and which headers go with an answer. A dialect spells and decides nothing:
 * what runs, what is replayed and what is refused is the same in all of them.
 *
 * <p>Implementations are immutable and thread-safe.
 */
public interface HttpDialect {

  /**
   * The IETF draft <i>The Idempotency-Key HTTP Header Field</i> ({@code
   * draft-ietf-httpapi-idempotency-key-header}): the key in a header, refusals as problem details
   * (RFC 9457). The default.
   *
   * @return the dialect
   */
  static HttpDialect ietf() {
    return IetfDialect.INSTANCE;
  }

  /**
   * That of Stripe's API, which {@code stripe-java} and its siblings speak: the key in a header,
   * refusals as an {@code error} object. {@link ProblemType#KEY_REUSED} is 400 there, with the type
   * {@code idempotency_error}; {@link ProblemType#IN_PROGRESS} has the code {@code
   * idempotency_key_in_use}. {@code Stripe-Should-Retry} goes with every refusal: without it these
   * clients would send a 409 that no retry can mend again and again. Every answer repeats the
   * {@code Idempotency-Key}. A key that was used with one endpoint is reused at every other.
   *
   * @return the dialect
   */
  static HttpDialect stripe() {
    return StripeDialect.INSTANCE;
  }

  /**
   * OASIS <i>Repeatable Requests Version 1.0</i>: the key in {@code Repeatability-Request-ID}, with
   * a {@code Repeatability-First-Sent} that is an IMF-fixdate (RFC 9110, section 5.6.7), and the
   * {@code Repeatability-Client-ID}, where it is sent, as a part of the key. A request whose first
   * attempt is longer ago than records are kept is refused with 412. Every answer says {@code
   * Repeatability-Result}: {@code accepted} where the request is the one that its id stands for,
   * and takes effect once; {@code rejected} where it is not, or that cannot be told. Refusals are
   * problem details (RFC 9457).
   *
   * @return the dialect
   */
  static HttpDialect oasis() {
    return OasisDialect.INSTANCE;
  }

  /**
   * The dialects that Idem brings along.
   *
   * @return {@link #ietf()}, {@link #stripe()} and {@link #oasis()}
   */
  static List<HttpDialect> all() {
    return List.of(ietf(), stripe(), oasis());
  }

  /**
   * The name, as it is written in settings.
   *
   * @return lower-case letters
   */
  String name();

  /**
   * Where the key is.
   *
   * @param configured what the endpoint's settings say of the key's header; a dialect that
   *     prescribes a header of its own takes over the rest
   * @return the source
   */
  KeySource keySource(KeySyntax configured);

  /**
   * The key space that endpoints of this dialect share where nothing else is said; see {@link
   * HttpIdempotency#operation(io.idem.core.Idempotency, String, HttpDialect)}.
   *
   * @return its name, or null, as by default, if each endpoint has keys of its own
   */
  default @Nullable String keySpace() {
    return null;
  }

  /**
   * What a key is to another path of an operation, where the endpoint does not say.
   *
   * @return {@link PathScope#SEPARATE} by default
   */
  default PathScope pathScope() {
    return PathScope.SEPARATE;
  }

  /**
   * Which requests are too old, where the endpoint does not say.
   *
   * @param retention how long the endpoint's records are kept; the window and the allowance for
   *     clocks are together at most as long
   * @return the guard, or null, as by default, if age does not count
   */
  default @Nullable StaleGuard staleGuard(Duration retention) {
    return null;
  }

  /**
   * The status of a refusal.
   *
   * @param type the cause
   * @param configured the endpoint's own status for it, or the cause's
   * @return 400 to 599
   */
  int statusOf(ProblemType type, int configured);

  /**
   * Writes a refusal.
   *
   * @param problem what is refused and why
   * @param request the request; its caller and body are not asked for
   * @return what is sent
   */
  StoredResponse refusal(Problem problem, HttpRequestHead request);

  /**
   * What is added to the response of a handler that ran under a key. It is not stored, and is shown
   * to scripts of other origins.
   *
   * @param request the request
   * @return header lines, in their order
   */
  default List<HeaderField> onFresh(HttpRequestHead request) {
    return List.of();
  }

  /**
   * What is added to a replay, besides {@value HttpIdempotency#REPLAYED_HEADER}. It is shown to
   * scripts of other origins.
   *
   * @param request the request
   * @return header lines, in their order
   */
  default List<HeaderField> onReplay(HttpRequestHead request) {
    return List.of();
  }
}
