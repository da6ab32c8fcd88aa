package io.idem.http;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The response of a handler, as an adapter has captured it.
 *
 * @param status the status
 * @param headers the header lines, in their order
 * @param content the body
 * @param directive what the handler said about it
 */
public record HandlerResponse(
    int status, List<HeaderField> headers, Content content, Directive directive) {

  /**
   * Copies the list.
   *
   * @param status the status
   * @param headers the header lines, in their order
   * @param content the body
   * @param directive what the handler said about it
   */
  public HandlerResponse {
    headers = List.copyOf(headers);
  }

  /** What a handler can say about its own run. */
  public enum Directive {
    /** Nothing: the status decides. */
    BY_STATUS,
    /** Nothing happened, whatever the status: the key is freed. */
    NOTHING_HAPPENED,
    /**
     * Nobody knows whether anything happened, whatever the status: in transactional mode everything
     * is rolled back and the key is free, in leased mode the key is left abandoned.
     */
    OUTCOME_UNKNOWN,
    /**
     * The answer is not to be kept: repeats do not run, and are told {@link
     * ProblemType#ANSWER_NOT_STORED}. Where the status frees the key or leaves it unknown, it does
     * so all the same.
     */
    DO_NOT_KEEP
  }

  /** What is known of the body. */
  public sealed interface Content {

    /**
     * Turns each kind of content into one thing.
     *
     * @param body for {@link Body}
     * @param tooLarge for {@link TooLarge}
     * @param errorPage for {@link ErrorPage}
     * @param <R> what they become
     * @return what the function of this content's kind returned
     */
    default <R extends @Nullable Object> R fold(
        Function<Body, R> body, Function<TooLarge, R> tooLarge, Function<ErrorPage, R> errorPage) {
      if (this instanceof Body content) {
        return body.apply(content);
      } else if (this instanceof TooLarge content) {
        return tooLarge.apply(content);
      } else {
        return errorPage.apply((ErrorPage) this);
      }
    }
  }

  /** A body of at most {@link HttpEndpoint#maxStoredBytes()}. */
  public static final class Body implements Content {

    private final byte[] bytes;

    /**
     * A body.
     *
     * @param bytes the body; not copied, so the caller gives it away
     */
    public Body(byte[] bytes) {
      this.bytes = bytes;
    }

    /**
     * The body.
     *
     * @return a view that must not be changed
     */
    public byte[] bytes() {
      return bytes;
    }
  }

  /** A body that exceeds the bound and was kept elsewhere. */
  public record TooLarge() implements Content {}

  /**
   * A body that the server renders once the handler has ended.
   *
   * @param message what it is rendered from, besides the status
   */
  public record ErrorPage(@Nullable String message) implements Content {}
}
