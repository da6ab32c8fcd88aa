package io.idem.testkit.http;

/**
 * The kinds of endpoint that an adapter exposes. Each takes {@code POST}, {@code PATCH} and {@code
 * GET} at {@link #path} and one more segment, the name of what the {@link ContractScript} does
 * there. Where nothing else is said, an endpoint requires the header {@code Idempotency-Key}, its
 * keys are the caller's, and the settings are those of {@link NodeSettings}.
 */
public enum EndpointProfile {
  /** Nothing but the defaults. */
  PLAIN,
  /** A duplicate does not wait. */
  IMPATIENT,
  /** A duplicate waits for 300 milliseconds. */
  BRIEF,
  /** A request may come without a key. */
  OPTIONAL,
  /** The key comes in the header {@code X-Request-Key}. */
  OWN_HEADER,
  /** Keys are everybody's. */
  SHARED,
  /** {@code PUT} and {@code DELETE} instead of {@code POST} and {@code PATCH}. */
  PUT,
  /** A failure, and a status of 500 or more, frees the key. */
  FREEING,
  /**
   * An answer is kept for two seconds. A duplicate does not wait, and a lease is half a second: a
   * store may keep an answer longer by as much as a run may have taken.
   */
  EXPIRING,
  /** Not protected. */
  OPEN,
  /** Leased adapters only: does not wait, has the short lease, refuses abandoned keys. */
  REFUSING,
  /** Leased adapters only: does not wait, has the short lease, runs abandoned keys again. */
  RETRYING,
  /**
   * Leased adapters only: does not wait, has the short lease, and has a recovery hook that finds
   * that every abandoned run happened and answered 200 with the text {@code recovered}.
   */
  RECOVERING,
  /** {@link UpcomingHttpContract} only: of a JSON body, {@code /order/number} alone counts. */
  COMPARING,
  /** {@link UpcomingHttpContract} only: a status of 500 or more is recorded. */
  RECORDING,
  /** {@link UpcomingHttpContract} only: a duplicate does not wait, and is answered 425. */
  BUSY_STATUS,
  /** {@link UpcomingHttpContract} only: reports the key at another path as misuse. */
  MISUSE,
  /** {@link UpcomingHttpContract} only: the key is the member {@code /number} of a JSON body. */
  BODY_KEY,
  /** {@link UpcomingHttpContract} only: the key is the last segment of the path. */
  PATH_KEY,
  /**
   * {@link UpcomingHttpContract} only: the key is the header {@code X-Number}, its source the
   * header {@code X-System}.
   */
  SOURCED,
  /**
   * {@link UpcomingHttpContract} only: the key is a token in the header {@code Idempotency-Key},
   * issued at {@code /idempotency/tokens} for the operation {@code contract.token}.
   */
  TOKEN,
  /**
   * {@link UpcomingHttpContract} only: a rule on the handler method admits those whom {@link
   * ContractScript#isGranted} admits.
   */
  SECURED,
  /**
   * {@link UpcomingHttpContract} only: refuses a request that was first sent, by {@code
   * Repeatability-First-Sent} or the time in its key, more than an hour ago.
   */
  GUARDED,
  /** {@link UpcomingHttpContract} only: speaks as Stripe's API does. */
  STRIPE,
  /** {@link UpcomingHttpContract} only: speaks OASIS Repeatable Requests. */
  OASIS;

  private final String path;

  EndpointProfile() {
    this.path = "/contract/" + name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  /**
   * Where the endpoints of this kind are.
   *
   * @return a path such as {@code /contract/own-header}, without a slash at its end
   */
  public String path() {
    return path;
  }
}
