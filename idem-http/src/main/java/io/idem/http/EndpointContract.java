package io.idem.http;

import io.idem.core.OperationTokens;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an endpoint promises to its clients, as data: for whoever writes it down, in an OpenAPI
 * document for example. Immutable and thread-safe.
 */
public final class EndpointContract {

  private static final String KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324";
  private static final String DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private final HttpEndpoint endpoint;
  private final List<RequestPart> requestParts;
  private final List<Refusal> refusals;
  private final List<HeaderField> replayHeaders;

  private EndpointContract(
      HttpEndpoint endpoint,
      List<RequestPart> requestParts,
      List<Refusal> refusals,
      List<HeaderField> replayHeaders) {
    this.endpoint = endpoint;
    this.requestParts = List.copyOf(requestParts);
    this.refusals = List.copyOf(refusals);
    this.replayHeaders = List.copyOf(replayHeaders);
  }

  /**
   * The contract of an endpoint.
   *
   * @param protocol the protocol that carries its requests
   * @param endpoint the endpoint
   * @param contextPath as {@link HttpRequestHead#contextPath()}, put before the types of problems
   * @return the contract
   */
  public static EndpointContract of(
      HttpIdempotency protocol, HttpEndpoint endpoint, String contextPath) {
    List<RequestPart> parts = partsOf(endpoint);
    HttpRequestHead example = new ExampleRequest(parts, contextPath);
    List<Refusal> refusals = new ArrayList<>();
    for (ProblemType type : typesOf(endpoint)) {
      refusals.add(
          new Refusal(type, protocol.render(endpoint, example, problem(protocol, endpoint, type))));
    }
    List<HeaderField> headers = new ArrayList<>();
    headers.add(new HeaderField(HttpIdempotency.REPLAYED_HEADER, "true"));
    if (protocol.publishesRetention()) {
      headers.add(
          new HeaderField(
              HttpIdempotency.LIFETIME_HEADER, endpoint.operation().retention().toString()));
    }
    headers.addAll(endpoint.dialect().onReplay(example));
    return new EndpointContract(endpoint, parts, refusals, headers);
  }

  /**
   * Whose contract it is.
   *
   * @return the endpoint
   */
  public HttpEndpoint endpoint() {
    return endpoint;
  }

  /**
   * What the endpoint looks for in a request.
   *
   * @return the parts of the key, then what else counts
   */
  public List<RequestPart> requestParts() {
    return requestParts;
  }

  /**
   * What the endpoint may answer instead of its handler.
   *
   * @return one refusal for each cause; {@link ProblemType#REQUEST_MALFORMED} is of multipart
   *     bodies only
   */
  public List<Refusal> refusals() {
    return refusals;
  }

  /**
   * What is added to a stored answer when it is sent again. All but {@value
   * HttpIdempotency#REPLAYED_HEADER} goes with the first answer as well.
   *
   * @return each header with a value for an example
   */
  public List<HeaderField> replayHeaders() {
    return replayHeaders;
  }

  /** Names the operation. */
  @Override
  public String toString() {
    return "EndpointContract[" + endpoint.operation().name() + "]";
  }

  /**
   * A text that the endpoint looks for in a request.
   *
   * @param place where it is
   * @param required whether a request without it is refused
   * @param minLength the least characters it has
   * @param maxLength the most characters it may have
   * @param description what it is and when it stays the same, in English
   * @param example a value, or null where none can be made up
   */
  public record RequestPart(
      RequestValue place,
      boolean required,
      int minLength,
      int maxLength,
      String description,
      @Nullable String example) {}

  /**
   * What the endpoint may answer instead of its handler.
   *
   * @param type the cause
   * @param example the answer, in the endpoint's dialect
   */
  public record Refusal(ProblemType type, StoredResponse example) {}

  // ---- the request

  private static List<RequestPart> partsOf(HttpEndpoint endpoint) {
    boolean required = endpoint.isKeyRequired();
    KeySource source = endpoint.keySource();
    List<RequestPart> parts = new ArrayList<>();
    if (source instanceof KeySource.InHeader header) {
      parts.add(key(header.syntax(), keyText(required), required));
    } else if (source instanceof KeySource.InValue value) {
      parts.add(
          new RequestPart(value.place(), required, 1, value.maxLength(), keyText(required), null));
    } else if (source instanceof KeySource.SourceAndNumber both) {
      parts.addAll(numbered(both, required));
    } else if (source instanceof KeySource.InToken token) {
      parts.addAll(token(token, endpoint));
    } else if (source instanceof RepeatabilityHeaders repeatable) {
      parts.addAll(repeatable(repeatable, required));
    }
    StaleGuard guard = endpoint.staleGuard();
    if (guard != null && !(source instanceof RepeatabilityHeaders)) {
      parts.add(
          firstSent(
              false,
              "When the first attempt of this request was sent, the same with every retry. Requests"
                  + " first sent longer ago than "
                  + guard.window()
                  + " are refused."
                  + (guard.timeRequired()
                      ? " Required unless the key is a UUIDv7 or a ULID, which tell their time."
                      : "")));
    }
    return parts;
  }

  private static String keyText(boolean required) {
    return "The idempotency key: unique to this operation, for example a random UUID. Send the same"
        + " one with every retry, and a new one with every new operation."
        + (required ? "" : unprotected());
  }

  private static String unprotected() {
    return " Without it nothing keeps the request from being carried out twice.";
  }

  private static RequestPart key(KeySyntax syntax, String description, boolean required) {
    boolean quoted = syntax.strict();
    String key = cut(KEY, syntax.maxLength());
    return new RequestPart(
        new RequestValue.Header(syntax.headerName()),
        required,
        quoted ? 3 : 1,
        syntax.maxLength() + (quoted ? 2 : 0),
        description
            + (quoted
                ? " A string in double quotes (RFC 9651)."
                : " It may be put in double quotes (RFC 9651)."),
        quoted ? '"' + key + '"' : key);
  }

  private static List<RequestPart> numbered(KeySource.SourceAndNumber both, boolean required) {
    String text =
        " Both together are the idempotency key. Send the same with every retry."
            + (required ? "" : unprotected());
    return List.of(
        new RequestPart(
            both.source(),
            required,
            1,
            both.maxLength(),
            "The system that numbers this operation; its number is "
                + both.number().description()
                + "."
                + text,
            null),
        new RequestPart(
            both.number(),
            required,
            1,
            both.maxLength(),
            "The number that the system named by "
                + both.source().description()
                + " gave to this operation."
                + text,
            null));
  }

  private static List<RequestPart> token(KeySource.InToken source, HttpEndpoint endpoint) {
    RequestValue.Header header = new RequestValue.Header(source.syntax().headerName());
    String token =
        "A token that this service issued for the operation '"
            + endpoint.operation().name()
            + "'. Send the same one with every retry, here or as ";
    String either = endpoint.isKeyRequired() ? " One of the two is required." : unprotected();
    int maxLength =
        source.orHeader()
            ? Math.max(OperationTokens.MAX_LENGTH, source.syntax().maxLength())
            : OperationTokens.MAX_LENGTH;
    int quotes = source.syntax().strict() ? 2 : 0;
    return List.of(
        new RequestPart(
            header,
            false,
            1 + quotes,
            maxLength + quotes,
            token
                + source.field().description()
                + "."
                + (source.orHeader() ? " The header may hold a key of your own instead." : "")
                + either,
            null),
        new RequestPart(
            source.field(),
            false,
            1,
            OperationTokens.MAX_LENGTH,
            token + header.description() + "." + either,
            null));
  }

  private static List<RequestPart> repeatable(RepeatabilityHeaders source, boolean required) {
    int maxLength = source.requestId().maxLength();
    return List.of(
        new RequestPart(
            new RequestValue.Header(RepeatabilityHeaders.REQUEST_ID),
            required,
            1,
            maxLength,
            keyText(required),
            cut(KEY, maxLength)),
        firstSent(
            required,
            "When the first attempt of this request was sent, the same with every retry."
                + (required ? "" : " Required with " + RepeatabilityHeaders.REQUEST_ID + ".")),
        new RequestPart(
            new RequestValue.Header(RepeatabilityHeaders.CLIENT_ID),
            false,
            1,
            RepeatabilityHeaders.MAX_CLIENT_LENGTH,
            "The client, where its ids are unique to itself only. It is a part of the key then.",
            null));
  }

  /** An IMF-fixdate has always the same length (RFC 9110, section 5.6.7). */
  private static RequestPart firstSent(boolean required, String description) {
    return new RequestPart(
        new RequestValue.Header(StaleGuard.FIRST_SENT_HEADER),
        required,
        DATE.length(),
        DATE.length(),
        description + " An IMF-fixdate (RFC 9110, section 5.6.7).",
        DATE);
  }

  private static String cut(String text, int maxLength) {
    return text.length() <= maxLength ? text : text.substring(0, maxLength);
  }

  // ---- the refusals

  private static Collection<ProblemType> typesOf(HttpEndpoint endpoint) {
    KeySource source = endpoint.keySource();
    Set<ProblemType> types =
        EnumSet.of(
            ProblemType.KEY_MALFORMED,
            ProblemType.REQUEST_TOO_LARGE,
            ProblemType.REQUEST_MALFORMED,
            ProblemType.KEY_REUSED,
            ProblemType.IN_PROGRESS,
            ProblemType.OUTCOME_UNKNOWN,
            ProblemType.ANSWER_NOT_STORED,
            ProblemType.STORE_UNAVAILABLE);
    // Half of source and number is missing a key even where keys are optional.
    if (endpoint.isKeyRequired() || source instanceof KeySource.SourceAndNumber) {
      types.add(ProblemType.KEY_MISSING);
    }
    if (endpoint.callerScope() == CallerScope.CALLER) {
      types.add(ProblemType.CALLER_REQUIRED);
    }
    if (source instanceof KeySource.SourceAndNumber both
        && !both.check().equals(SourceCheck.any())) {
      types.add(ProblemType.SOURCE_FOREIGN);
    }
    if (source instanceof KeySource.InToken) {
      types.addAll(
          List.of(ProblemType.TOKEN_INVALID, ProblemType.TOKEN_FOREIGN, ProblemType.TOKEN_EXPIRED));
    }
    if (endpoint.staleGuard() != null) {
      types.add(ProblemType.STALE_REQUEST);
    }
    return types;
  }

  private static Problem problem(
      HttpIdempotency protocol, HttpEndpoint endpoint, ProblemType type) {
    return new Problem(
        type,
        protocol.problemBase() + "/" + type.slug(),
        endpoint.statusOf(type),
        type.title(),
        type == ProblemType.KEY_MISSING
            ? endpoint.keySource().missingDetail()
            : firstParagraph(type.documentation()),
        type.retryable() ? retryAfter(type) : null);
  }

  private static Duration retryAfter(ProblemType type) {
    return type == ProblemType.STORE_UNAVAILABLE ? Verdict.STORE_RETRY_AFTER : RETRY_AFTER;
  }

  private static String firstParagraph(String text) {
    int end = text.indexOf("\n\n");
    return (end < 0 ? text : text.substring(0, end)).replace('\n', ' ').strip();
  }

  /** A request that sends what it has to. */
  private record ExampleRequest(List<RequestPart> parts, String contextPath)
      implements HttpRequestHead {

    @Override
    public String method() {
      return "POST";
    }

    @Override
    public String path() {
      return "/";
    }

    @Override
    public @Nullable String query() {
      return null;
    }

    @Override
    public List<String> headerLines(String name) {
      List<String> lines = new ArrayList<>();
      for (RequestPart part : parts) {
        if (part.place() instanceof RequestValue.Header header
            && header.name().equalsIgnoreCase(name)
            && part.example() != null) {
          lines.add(part.example());
        }
      }
      return lines;
    }

    @Override
    public @Nullable String caller() {
      return null;
    }
  }
}
