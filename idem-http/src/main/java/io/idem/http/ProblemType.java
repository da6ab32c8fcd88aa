package io.idem.http;

import java.util.Optional;

/**
 * Why the protocol refuses a request: one stable type for each cause (RFC 9457), with the text that
 * its type URI resolves to.
 *
 * <p>Two causes are reported as a conflict although the client did nothing wrong: {@link
 * #OUTCOME_UNKNOWN} and {@link #ANSWER_NOT_STORED}. A server error would make clients and proxies
 * send the request again and again without ever getting further, and a success would hand them a
 * body that is not the answer.
 */
public enum ProblemType {
  /** The key is required and absent. */
  KEY_MISSING(
      "key-missing",
      400,
      "An idempotency key is required",
      false,
      """
      This endpoint carries out each request at most once, and tells requests apart by a key that \
      the client chooses. The request had no key, so nothing was done.

      What to do: create a key once for each operation you mean to carry out (a random UUID is a \
      good one), send it in the header that the problem's detail names, and send the same key with \
      every retry of that operation.
      """),

  /** The key cannot be read. */
  KEY_MALFORMED(
      "key-malformed",
      400,
      "The idempotency key is malformed",
      false,
      """
      The header that carries the idempotency key was sent several times, is empty, too long, or \
      not written as one key. Nothing was done.

      What to do: send the header once, with one key in double quotes, for example \
      "8e03978e-40d5-43dd-bc93-6894a57f9324". A key without spaces, commas, semicolons and quotes \
      may be sent without the double quotes unless the endpoint is strict about them.
      """),

  /** A key was sent to where nothing protects a request. */
  KEY_NOT_SUPPORTED(
      "key-not-supported",
      501,
      "Idempotency keys are not supported here",
      false,
      """
      The request has an idempotency key, but nothing at this address remembers it: sent twice, the \
      request would be carried out twice. Nothing was done.

      What to do: send the request without a key, and do not repeat it on your own; or use an \
      endpoint that takes keys.
      """),

  /** The endpoint scopes keys to callers, and there is none. */
  CALLER_REQUIRED(
      "caller-required",
      403,
      "The caller is not known",
      false,
      """
      Keys of this endpoint belong to the caller that sent them, and the request does not say who \
      that is. Nothing was done.

      What to do: authenticate, then send the request again with the same key.
      """),

  /** The caller may not send what another system numbers. */
  SOURCE_FOREIGN(
      "source-foreign",
      403,
      "The source belongs to somebody else",
      false,
      """
      The request names the system that numbered the operation, and its caller may not send \
      operations of that system. Nothing was done.

      What to do: name the system that the credentials of the request belong to, or have the \
      operator of this service allow the caller to send for the other one.
      """),

  /** The first attempt was too long ago for its record to be there still. */
  STALE_REQUEST(
      "stale-request",
      412,
      "The request is too old",
      false,
      """
      The first attempt of this request, as its Repeatability-First-Sent header or the time inside \
      its key says, lies outside of the time in which the endpoint admits it. The record of an \
      attempt may be gone by now, so that the request could be carried out twice. Nothing was done.

      What to do: do not send the operation with a new key before you know whether an earlier \
      attempt took effect. If no attempt was made before, check the client's clock.
      """),

  /** The body is larger than what can be compared. */
  REQUEST_TOO_LARGE(
      "request-too-large",
      413,
      "The request is too large",
      false,
      """
      The endpoint compares the whole body of a request with that of its repeats, up to a bound, \
      and this body exceeds it. Nothing was done, and the key is still free.

      What to do: send a smaller request. The same key may be used for it.
      """),

  /** The body is not of the form that its media type says. */
  REQUEST_MALFORMED(
      "request-malformed",
      400,
      "The body of the request is malformed",
      false,
      """
      The endpoint compares a request with its repeats by the parts of its body, and this body \
      cannot be taken apart: its multipart structure is broken. Nothing was done, and the key is \
      still free.

      What to do: send a well-formed body. The same key may be used for it.
      """),

  /** The key belongs to a different request. */
  KEY_REUSED(
      "key-reused",
      422,
      "The idempotency key belongs to a different request",
      false,
      """
      A different request was sent with this key before: another method, path, query, media type \
      or body. Nothing was done, and the outcome of the first request is unchanged.

      What to do: if this is a new operation, send it with a new key. If it is meant to be a \
      retry, send exactly what was sent the first time.
      """),

  /** The first request is still running. */
  IN_PROGRESS(
      "in-progress",
      409,
      "A request with this idempotency key is in progress",
      true,
      """
      The first request with this key has not ended yet. What the key protects was not done for \
      this one.

      What to do: wait for the time given in Retry-After, then send the same request with the same \
      key. It gets the answer of the first request once there is one.
      """),

  /** The first request ended without an outcome that anybody knows. */
  OUTCOME_UNKNOWN(
      "outcome-unknown",
      409,
      "The outcome of the first request is unknown",
      false,
      """
      An earlier request with this key was interrupted, for example by a crash, or failed at a \
      point where its effect may or may not have happened. It is not carried out again, because \
      that could do it twice.

      What to do: do not send it with a new key before you know what happened. Look the operation \
      up, or ask the operator of this service to settle the key. Once it is settled, the same \
      request with the same key is answered.
      """),

  /** The first request was carried out and its answer was not kept. */
  ANSWER_NOT_STORED(
      "answer-not-stored",
      409,
      "The operation was carried out, but its answer was not kept",
      false,
      """
      An earlier request with this key was carried out to its end. Its answer cannot be given \
      again: it was too large to keep, or was not to be kept. Nothing was done now.

      What to do: do not send the operation with a new key, it would be carried out twice. Look \
      its result up through another endpoint.
      """),

  /** The store of keys cannot answer. */
  STORE_UNAVAILABLE(
      "store-unavailable",
      503,
      "Idempotency keys cannot be checked at the moment",
      true,
      """
      The service cannot tell whether the request was carried out before, so it does not carry it \
      out now.

      What to do: wait for the time given in Retry-After, then send the same request with the same \
      key.
      """),

  // ---- tokens

  /** No token is to be had for what was named. */
  TOKEN_NOT_ISSUED(
      "token-not-issued",
      404,
      "No tokens are issued for this operation",
      false,
      """
      A token was asked for, but no operation was named, or none that takes tokens. No token was \
      issued.

      What to do: name the operation that the token is for, as the documentation of this service \
      spells it, in the parameter "operation".
      """),

  /** What was sent as a token is none of this service's. */
  TOKEN_INVALID(
      "token-invalid",
      400,
      "The token is not genuine",
      false,
      """
      This endpoint is used with tokens that the service issues. What was sent is not one of them, \
      or was changed on its way, or was signed with a key that the service does not have or no \
      longer has. Nothing was done with this request.

      What to do: get a new token, for a form by loading its page again. If the operation was \
      submitted before with another token, find out first whether it was carried out: with a new \
      token it would be carried out again.
      """),

  /** The token is somebody else's, or for something else. */
  TOKEN_FOREIGN(
      "token-foreign",
      403,
      "The token belongs to another caller or operation",
      false,
      """
      The token is genuine, but was issued to another caller or for another operation; the \
      problem's detail says which. Nothing was done with this request.

      What to do: get a token as the caller who uses it and for the operation it is used for, for \
      a form by loading its page again after signing in. If the operation was submitted before, \
      find out first whether it was carried out.
      """),

  /** The token's time is over. */
  TOKEN_EXPIRED(
      "token-expired",
      400,
      "The token has expired",
      false,
      """
      The token was valid for a limited time, which is over. Nothing was done with this request. \
      Whether the token was used while it was valid is not told.

      What to do: if the operation was submitted with this token before, find out first whether it \
      was carried out: with a new token it would be carried out again. If it was not, get a new \
      token, for a form by loading its page again.
      """),

  // ---- business rows

  /** A guard does not let the object change as it was asked to. */
  ILLEGAL_TRANSITION(
      "illegal-transition",
      409,
      "The object is in a state that does not allow this",
      false,
      """
      What was asked for would change the state of an object, and the state it is in does not lead \
      there. Nothing was done. A change that was made before is not reported like this: a repeat is \
      answered as a repeat.

      What to do: look the object up, and decide again.
      """),

  /** A guard did not find the object. */
  OBJECT_NOT_FOUND(
      "object-not-found",
      404,
      "There is no such object",
      false,
      """
      What was asked for would change the state of an object, and there is none with this id. \
      Nothing was done.

      What to do: check the id. If the object is only just being created, send the request again \
      once it is there.
      """),

  /** A guard could not get at the object, because others were at it. */
  CONTENTION(
      "contention",
      503,
      "Others are changing the same object",
      true,
      """
      The request was not carried out, because others were changing the same object for too long or \
      got in its way. What it had begun was undone.

      What to do: wait for the time given in Retry-After, then send the same request again, with \
      the same key.
      """),

  /** A guard could not get at the object, and what was done beside may have been kept. */
  CONTENTION_UNSETTLED(
      "contention-unsettled",
      409,
      "Others were changing the same object, and how far this got is not known",
      false,
      """
      The request was not carried out to its end, because others were changing the same object for \
      too long or got in its way. It is not known whether something that it did before was kept.

      What to do: look up what became of it. Send it again only if nothing did, or if the service \
      says that repeats of this request do no harm.
      """),

  // ---- parts of a request

  /** A part could not reach its database or store, and what was done beside may have been kept. */
  STORE_UNSETTLED(
      "store-unsettled",
      409,
      "A database or store was not available, and how far this got is not known",
      false,
      """
      The request was not carried out to its end, because a part of it could not reach its database \
      or store. It is not known whether something that it did beside was kept.

      What to do: look up what became of it. Send it again only if nothing did, or if the service \
      says that repeats of this request do no harm.
      """);

  private final String slug;
  private final int status;
  private final String title;
  private final boolean retryable;
  private final String documentation;

  ProblemType(String slug, int status, String title, boolean retryable, String documentation) {
    this.slug = slug;
    this.status = status;
    this.title = title;
    this.retryable = retryable;
    this.documentation = documentation;
  }

  /**
   * The last segment of the type URI.
   *
   * @return lower-case words joined by hyphens; never changes
   */
  public String slug() {
    return slug;
  }

  /**
   * The status that goes with it.
   *
   * @return the status
   */
  public int status() {
    return status;
  }

  /**
   * A short summary, the same for every occurrence.
   *
   * @return the title, in English
   */
  public String title() {
    return title;
  }

  /**
   * Whether the very same request, sent again after a while, may succeed, so that a client may
   * retry it by itself. False says that something has to be changed first, or cannot be.
   *
   * @return the value of the extension member {@code retryable}
   */
  public boolean retryable() {
    return retryable;
  }

  /**
   * What the type URI resolves to: what happened and what to do.
   *
   * @return plain text, paragraphs separated by empty lines, in English
   */
  public String documentation() {
    return documentation;
  }

  /**
   * The type of a slug.
   *
   * @param slug the last segment of a type URI
   * @return the type, if there is one
   */
  public static Optional<ProblemType> ofSlug(String slug) {
    for (ProblemType type : values()) {
      if (type.slug.equals(slug)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
