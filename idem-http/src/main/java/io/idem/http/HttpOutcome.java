package io.idem.http;

import io.idem.core.Disposition;
import io.idem.core.ResultCodec;
import io.idem.http.internal.HttpOutcomeCodec;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What an operation behind an endpoint keeps of its run: the result type of the operation. */
public sealed interface HttpOutcome {

  /**
   * What becomes of the key.
   *
   * @return the disposition; of an outcome read from a store, {@link Disposition#RECORD}
   */
  Disposition disposition();

  /**
   * An answer that is replayed as it is.
   *
   * @param response what is replayed
   * @param disposition what becomes of the key
   */
  record Answered(StoredResponse response, Disposition disposition) implements HttpOutcome {}

  /**
   * An answer that the server renders from a status and a message, after the handler has ended. A
   * replay has it rendered again.
   *
   * @param status the status
   * @param message the message given to the server, if any
   * @param headers the header lines that are replayed, in their order
   * @param disposition what becomes of the key
   */
  record ErrorPage(
      int status, @Nullable String message, List<HeaderField> headers, Disposition disposition)
      implements HttpOutcome {

    /**
     * Copies the list.
     *
     * @param status the status
     * @param message the message given to the server, if any
     * @param headers the header lines that are replayed, in their order
     * @param disposition what becomes of the key
     */
    public ErrorPage {
      headers = List.copyOf(headers);
    }

    /** The status; the message may be about the caller's data. */
    @Override
    public String toString() {
      return "ErrorPage[" + status + "]";
    }
  }

  /**
   * An answer that was given and not kept.
   *
   * @param reason why
   * @param disposition what becomes of the key
   */
  record NotKept(Reason reason, Disposition disposition) implements HttpOutcome {}

  /** Why an answer is not kept. */
  enum Reason {
    /** It is larger than what the endpoint keeps. */
    TOO_LARGE,
    /** The handler asked for it. */
    BY_HANDLER
  }

  /**
   * An answer that is replayed as it is, for a recovery hook that has found out what the lost run
   * would have responded.
   *
   * @param status the status, 200 to 999
   * @param headers the header lines that are replayed, in their order; all of them, whatever the
   *     endpoint's {@link ReplayHeaders}
   * @param body the body; not copied, so the caller gives it away
   * @return an outcome that is recorded
   * @throws IllegalArgumentException if the status is none of a final response
   */
  static HttpOutcome answered(int status, List<HeaderField> headers, byte[] body) {
    return new Answered(new StoredResponse(status, headers, body), Disposition.RECORD);
  }

  /**
   * How outcomes are stored: a versioned binary format that later versions read.
   *
   * @return the codec
   */
  static ResultCodec<HttpOutcome> codec() {
    return HttpOutcomeCodec.INSTANCE;
  }

  /**
   * Turns each kind of outcome into one thing.
   *
   * @param answered for {@link Answered}
   * @param errorPage for {@link ErrorPage}
   * @param notKept for {@link NotKept}
   * @param <R> what they become
   * @return what the function of this outcome's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Answered, R> answered,
      Function<ErrorPage, R> errorPage,
      Function<NotKept, R> notKept) {
    if (this instanceof Answered outcome) {
      return answered.apply(outcome);
    } else if (this instanceof ErrorPage outcome) {
      return errorPage.apply(outcome);
    } else {
      return notKept.apply((NotKept) this);
    }
  }
}
