package io.idem.webflux;

import io.idem.http.HttpEndpoint;
import io.idem.spring.HandlerEndpoints;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotentEndpoints;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.WebSettings;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.ResolvableType;
import org.springframework.core.annotation.AnnotationAwareOrderComparator;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.result.method.RequestMappingInfo;
import org.springframework.web.reactive.result.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebExchangeDecorator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Protects the {@link io.idem.spring.Idempotent} handler methods of WebFlux: makes an endpoint of
 * each at start-up, and finds the endpoint of a request by asking the handler mappings, as the
 * dispatcher handler will.
 *
 * <p>What WebFlux is told of CORS ({@code @CrossOrigin}, {@code addCorsMappings}) is applied to the
 * response by that look-up, so that a browser can read replays and refusals, which never reach the
 * dispatcher handler; that leaves alone what is there already. Thread-safe once the application has
 * started.
 */
public final class WebFluxEndpoints
    implements IdempotentEndpoints, ExchangeEndpointResolver, ExchangeAuthorizer {

  /** On an exchange: why its handler refuses it. */
  private static final String REFUSAL = WebFluxEndpoints.class.getName() + ".refusal";

  private static final String ASYNC = "org.springframework.scheduling.annotation.Async";

  /** What clients read as it comes, so that servers take their time. */
  private static final Set<String> STREAMS =
      Set.of("text/event-stream", "application/x-ndjson", "application/stream+json");

  private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

  private final HandlerEndpoints endpoints;
  private final ListableBeanFactory beans;
  private volatile Map<HttpEndpoint, ReactiveAuthorization> authorizations = Map.of();
  private volatile List<HandlerMapping> mappings = List.of();

  /**
   * Creates the protector.
   *
   * @param operations makes the operations
   * @param settings what holds for all endpoints
   * @param beans where the handler mappings are found
   */
  public WebFluxEndpoints(
      IdempotentOperations operations, WebSettings settings, ListableBeanFactory beans) {
    this.endpoints =
        new HandlerEndpoints(operations, settings, beans, "Spring WebFlux").leasedOnly();
    this.beans = beans;
  }

  @Override
  public void protect(List<IdempotentMethod> methods) {
    List<HandlerMapping> found =
        BeanFactoryUtils.beansOfTypeIncludingAncestors(beans, HandlerMapping.class, true, false)
            .values()
            .stream()
            .sorted(AnnotationAwareOrderComparator.INSTANCE)
            .toList();
    HandlerEndpoints.Mapped mapped = endpoints.mapped();
    Map<RequestMappingInfo, HandlerMethod> handlers = handlersOf(found);
    handlers.forEach(
        (info, handler) -> mapped.add(handler, info.getMethodsCondition().getMethods()));
    Map<IdempotentMethod, HttpEndpoint> made =
        endpoints.protect(methods, WebFluxEndpoints::check, mapped);
    handlers.forEach(this::checkProduced);
    Map<HttpEndpoint, ReactiveAuthorization> asked = new HashMap<>();
    made.forEach(
        (method, endpoint) ->
            ReactiveAuthorization.of(method, beans)
                .ifPresent(authorization -> asked.put(endpoint, authorization)));
    this.mappings = found;
    this.authorizations = Map.copyOf(asked);
  }

  private static Map<RequestMappingInfo, HandlerMethod> handlersOf(List<HandlerMapping> mappings) {
    Map<RequestMappingInfo, HandlerMethod> handlers = new HashMap<>();
    for (HandlerMapping mapping : mappings) {
      if (mapping instanceof RequestMappingHandlerMapping annotated) {
        handlers.putAll(annotated.getHandlerMethods());
      }
    }
    return handlers;
  }

  private static void check(IdempotentMethod method) {
    ResolvableType type = ResolvableType.forMethodReturnType(method.method(), method.targetClass());
    if (mentions(type, ServerSentEvent.class)) {
      throw stream(method.toString(), "returns events");
    }
    if (MergedAnnotations.from(method.method(), SearchStrategy.TYPE_HIERARCHY).isPresent(ASYNC)
        || MergedAnnotations.from(method.targetClass(), SearchStrategy.TYPE_HIERARCHY)
            .isPresent(ASYNC)) {
      throw new IdempotencySetupException(
          method
              + " is @Idempotent and @Async, so that it has returned before its effect has"
              + " happened: nobody would know what to record.",
          "Leave @Async away, and return a Mono of the work.");
    }
  }

  private static boolean mentions(ResolvableType type, Class<?> wanted) {
    return wanted.isAssignableFrom(type.toClass())
        || Arrays.stream(type.getGenerics()).anyMatch(generic -> mentions(generic, wanted));
  }

  private void checkProduced(RequestMappingInfo info, HandlerMethod handler) {
    if (endpoints.endpointOf(handler).isPresent()) {
      for (MediaType type : info.getProducesCondition().getProducibleMediaTypes()) {
        if (STREAMS.contains(type.getType() + "/" + type.getSubtype())) {
          throw stream(handler.getShortLogMessage(), "produces " + type);
        }
      }
    }
  }

  private static IdempotencySetupException stream(String method, String what) {
    return new IdempotencySetupException(
        method
            + " is an @Idempotent endpoint and "
            + what
            + ", a stream that a client reads as it comes. What is to be given again has to end"
            + " before it is sent.",
        "Return the result, as a Mono or a Flux that ends, and let clients follow the progress at"
            + " another endpoint.");
  }

  @Override
  public Mono<HttpEndpoint> resolve(ServerWebExchange exchange) {
    if (endpoints.isEmpty() || SAFE.contains(exchange.getRequest().getMethod().name())) {
      return Mono.empty();
    }
    LookUpExchange lookUp = new LookUpExchange(exchange);
    return handlerOf(lookUp)
        .flatMap(handler -> Mono.justOrEmpty(endpoints.endpointOf(handler)))
        .doOnNext(endpoint -> lookUp.leavePathVariables());
  }

  /** 405, 415 and the like are nobody's: the dispatcher handler will meet and answer the same. */
  private Mono<HandlerMethod> handlerOf(ServerWebExchange exchange) {
    return Flux.fromIterable(mappings)
        .concatMap(mapping -> mapping.getHandler(exchange))
        .next()
        .onErrorResume(ResponseStatusException.class, e -> Mono.empty())
        .ofType(HandlerMethod.class);
  }

  /**
   * The endpoint of a handler.
   *
   * @param handler a handler method of WebFlux, behind whatever proxy
   * @return its endpoint, or nothing if it is not protected or the application has not started
   */
  public Optional<HttpEndpoint> endpointOf(HandlerMethod handler) {
    return endpoints.endpointOf(handler);
  }

  /**
   * The endpoint of an operation.
   *
   * @param operation the operation's name
   * @return its endpoint, or nothing if there is none or the application has not started
   */
  public Optional<HttpEndpoint> endpointOf(String operation) {
    return endpoints.endpointOf(operation);
  }

  /**
   * Asks the method security of the handler. A denial is raised by the {@link WebFluxEndpointGuard}
   * in front of the handler, so that it is answered as if the handler's proxy had raised it.
   */
  @Override
  public Mono<Boolean> authorize(ServerWebExchange exchange, HttpEndpoint endpoint) {
    ReactiveAuthorization authorization = authorizations.get(endpoint);
    if (authorization == null) {
      return Mono.just(true);
    }
    return handlerOf(new LookUpExchange(exchange))
        .switchIfEmpty(
            Mono.error(
                () -> new IllegalStateException("The handler of a request cannot be told again")))
        .flatMap(authorization::ask)
        .thenReturn(true)
        .onErrorResume(
            Exception.class,
            denial -> {
              exchange.getAttributes().put(REFUSAL, denial);
              return Mono.just(false);
            });
  }

  /** Why a request must not come to its handler, or null. */
  static @Nullable Exception refusalOf(ServerWebExchange exchange) {
    return exchange.getAttribute(REFUSAL);
  }

  /** An exchange that a handler mapping may leave attributes on without anybody seeing them. */
  private static final class LookUpExchange extends ServerWebExchangeDecorator {

    private final Map<String, Object> attributes;

    LookUpExchange(ServerWebExchange exchange) {
      super(exchange);
      this.attributes = new HashMap<>(exchange.getAttributes());
    }

    @Override
    public Map<String, Object> getAttributes() {
      return attributes;
    }

    void leavePathVariables() {
      Object variables = attributes.get(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE);
      if (variables != null) {
        getDelegate()
            .getAttributes()
            .put(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE, variables);
      }
    }
  }
}
