package io.idem.client;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What one attempt was answered, without the client library's types. Immutable, and thread-safe if
 * its headers are.
 */
public final class ReceivedAnswer {

  /** The most bytes of a body that are kept here. */
  public static final int MOST_BODY_BYTES = 1 << 16;

  private static final byte[] NOTHING = {};

  private final int status;
  private final Function<String, @Nullable String> headers;
  private final byte[] body;
  private final ProblemMembers problem;
  private final boolean unreadable;

  private ReceivedAnswer(
      int status, Function<String, @Nullable String> headers, byte @Nullable [] given) {
    byte[] seen = wantsBody(status) ? given : null;
    this.status = status;
    this.headers = headers;
    this.body =
        seen == null ? NOTHING : Arrays.copyOf(seen, Math.min(seen.length, MOST_BODY_BYTES));
    String type = headers.apply("Content-Type");
    String coding = headers.apply("Content-Encoding");
    boolean json = type != null && type.toLowerCase(Locale.ROOT).contains("json");
    ProblemMembers members =
        json
            ? ProblemMembers.read(ContentCodings.decoded(body, coding, MOST_BODY_BYTES))
            : ProblemMembers.NONE;
    this.problem = members == null ? ProblemMembers.NONE : members;
    boolean unseen = seen == null && wantsBody(status) && json;
    boolean undecoded = members == null && body.length > 0 && ContentCodings.isCoded(coding);
    this.unreadable = unseen || undecoded;
  }

  /**
   * An answer.
   *
   * @param status its status
   * @param headers the first value of a header by its name, in any case of letters; null if absent
   * @param body its body or the beginning of it, which is looked at if {@link #wantsBody} says so;
   *     null if it is not, or could not be
   * @return the answer
   */
  public static ReceivedAnswer of(
      int status, Function<String, @Nullable String> headers, byte @Nullable [] body) {
    return new ReceivedAnswer(status, headers, body);
  }

  /**
   * The same where a client library has made something of the body.
   *
   * @param status its status
   * @param headers the first value of a header by its name, in any case of letters; null if absent
   * @param body what it has made of it; a text or bytes are looked at, anything else is not
   * @return the answer
   */
  public static ReceivedAnswer ofEntity(
      int status, Function<String, @Nullable String> headers, @Nullable Object body) {
    byte[] bytes = body instanceof byte[] given ? given : null;
    if (body instanceof String text && wantsBody(status)) {
      bytes = text.getBytes(StandardCharsets.UTF_8);
    }
    return of(status, headers, bytes);
  }

  /**
   * Whether the body can explain the status.
   *
   * @param status the status of an answer
   * @return true for errors
   */
  public static boolean wantsBody(int status) {
    return status >= 400;
  }

  /**
   * The status.
   *
   * @return the status
   */
  public int status() {
    return status;
  }

  /**
   * A header.
   *
   * @param name its name, in any case of letters
   * @return its first value, if it was sent
   */
  public Optional<String> header(String name) {
    return Optional.ofNullable(headers.apply(name));
  }

  /**
   * The body of an error.
   *
   * @return a copy of the first {@value #MOST_BODY_BYTES} bytes of it, as the client library hands
   *     them out: with their {@code Content-Encoding}, if it does not decode; empty for a success
   */
  public byte[] body() {
    return body.clone();
  }

  /**
   * The type of the problem (RFC 9457) that the body is.
   *
   * @return the type, if there is one
   */
  public Optional<String> problemType() {
    return Optional.ofNullable(problem.type());
  }

  /**
   * The detail of the problem (RFC 9457) that the body is.
   *
   * @return the detail, if there is one
   */
  public Optional<String> problemDetail() {
    return Optional.ofNullable(problem.detail());
  }

  /** Whether it is an answer that was stored before. */
  boolean isReplayed() {
    return header("Idempotent-Replayed").filter("true"::equalsIgnoreCase).isPresent();
  }

  /** Whether the body may explain the status, but nobody has seen it, or it cannot be decoded. */
  boolean isUnreadable() {
    return unreadable;
  }

  /** Whether the problem is of a type of Idem's. */
  boolean isProblem(String slug) {
    return problem.type() != null && problem.type().endsWith("/" + slug);
  }

  /** What the server itself says of sending the request again; null if it does not say. */
  @Nullable Boolean saysRetryable() {
    if (problem.retryable() != null) {
      return problem.retryable();
    }
    String stripe = headers.apply("Stripe-Should-Retry");
    return stripe == null ? null : Boolean.valueOf(stripe);
  }

  @Override
  public String toString() {
    return problem.type() == null ? "status " + status : "status " + status + ", " + problem.type();
  }
}
