package io.idem.testkit.http;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

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
  /** Of a JSON body, {@code /order/number} alone counts. */
  COMPARING,
  /** A status of 500 or more is recorded. */
  RECORDING,
  /** A duplicate does not wait, and is answered 425. */
  BUSY_STATUS,
  /** The key at another path is misuse. */
  MISUSE,
  /** The key is the member {@code /number} of a JSON body. */
  BODY_KEY,
  /** The key is the field {@code number} of a form. */
  FORM_KEY,
  /** The key is the last segment of the path. */
  PATH_KEY,
  /**
   * The key is the header {@code X-Number}, its source the header {@code X-System}; {@link
   * ContractScript#mayName} says which callers may name which source.
   */
  SOURCED,
  /**
   * The key is a token, in the header {@code Idempotency-Key} or the form field {@code
   * idempotency_token}. Tokens are issued at {@code /idempotency/tokens} for its {@link
   * #operation}, and signed with {@link NodeSettings#tokenSecret} on all nodes.
   */
  TOKEN,
  /** As {@link #TOKEN}, with tokens that are valid for two seconds. */
  BRIEF_TOKEN,
  /**
   * A rule on the handler method admits those whom {@link ContractScript#isGranted} admits; others
   * are answered 403.
   */
  SECURED,
  /**
   * Refuses a request that was first sent, by {@code Repeatability-First-Sent} or the time in its
   * key, more than an hour ago.
   */
  GUARDED,
  /** Speaks as Stripe's API does. A duplicate does not wait. */
  STRIPE,
  /** Speaks OASIS Repeatable Requests. */
  OASIS;

  private static final String ROOT = "/contract/";

  private final String name;

  EndpointProfile() {
    this.name = name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * For adapters that route by themselves: the kind of the endpoint at a path.
   *
   * @param path the path, without a context path, as the client spelled it
   * @return the kind, or nothing if no endpoint is there
   */
  public static Optional<EndpointProfile> at(String path) {
    int end = path.indexOf('/', ROOT.length());
    return end < 0
        ? Optional.empty()
        : Stream.of(values()).filter(kind -> kind.path().equals(path.substring(0, end))).findAny();
  }

  /**
   * Where the endpoints of this kind are.
   *
   * @return a path such as {@code /contract/own-header}, without a slash at its end
   */
  public String path() {
    return ROOT + name;
  }

  /**
   * The name of the operation, as a client that asks for tokens knows it.
   *
   * @return a name such as {@code contract.token}; only that of endpoints that take tokens matters
   */
  public String operation() {
    return "contract." + name;
  }
}
