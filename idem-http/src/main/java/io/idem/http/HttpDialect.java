package io.idem.http;

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
   * @return the guard, or null, as by default, if age does not count
   */
  default @Nullable StaleGuard staleGuard() {
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
