package io.idem.spring;

import io.idem.core.Disposition;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.HttpOutcome;
import io.idem.servlet.EndpointAuthorizer;
import io.idem.servlet.EndpointResolver;
import io.idem.servlet.PathVariables;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.annotation.AnnotationAwareOrderComparator;
import org.springframework.util.ClassUtils;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsConfigurationSource;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.HandlerExecutionChain;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.handler.AbstractHandlerMapping;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.util.ServletRequestPathUtils;

/**
 * Protects the {@link Idempotent} handler methods of Spring MVC: makes an endpoint of each at
 * start-up, and finds the endpoint of a request by asking the handler mappings, as the dispatcher
 * servlet will.
 *
 * <p>The look-up leaves nothing but the {@link PathVariables} on the request. Thread-safe once the
 * application has started.
 */
public final class WebEndpoints
    implements IdempotentEndpoints, EndpointResolver, EndpointAuthorizer {

  /** On a request: why its handler refuses it. */
  private static final String REFUSAL = WebEndpoints.class.getName() + ".refusal";

  private static final String ADAPTER = "requestMappingHandlerAdapter";

  private final IdempotentOperations operations;
  private final WebSettings settings;
  private final EndpointKeys keys;
  private final ListableBeanFactory beans;
  private volatile Map<Place, HttpEndpoint> endpoints = Map.of();
  private volatile Map<HttpEndpoint, MethodAuthorization> authorizations = Map.of();
  private volatile List<HandlerMapping> mappings = List.of();
  private volatile @Nullable ArgumentPreview preview;

  /**
   * Creates the protector.
   *
   * @param operations makes the operations
   * @param settings what holds for all endpoints
   * @param beans where the handler mappings are found
   */
  public WebEndpoints(
      IdempotentOperations operations, WebSettings settings, ListableBeanFactory beans) {
    this.operations = operations;
    this.settings = settings;
    this.keys = new EndpointKeys(settings);
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
    Map<Place, Set<String>> mapped = mappedMethods(found);
    Map<Place, HttpEndpoint> made = new HashMap<>();
    Map<HttpEndpoint, MethodAuthorization> asked = new HashMap<>();
    for (IdempotentMethod method : methods) {
      Place place = new Place(method.method(), method.targetClass());
      check(method);
      Set<String> httpMethods = mapped.get(place);
      if (httpMethods == null) {
        throw new IdempotencySetupException(
            method
                + " is an @Idempotent endpoint, but no handler mapping of Spring MVC leads to it, so"
                + " that nothing would protect it.",
            "Make its class a @Controller that Spring MVC finds, or move @Idempotent, with a key, to"
                + " a service method.");
      }
      refuse(
          Set.of("GET", "HEAD", "OPTIONS", "TRACE").containsAll(httpMethods),
          method
              + " is @Idempotent, but it is mapped to safe methods only "
              + httpMethods
              + ", which have no effect to protect.",
          "Leave @Idempotent away, or map the handler to POST, PATCH, PUT or DELETE.");
      HttpEndpoint endpoint = endpoint(method);
      made.put(place, endpoint);
      MethodAuthorization authorization = MethodAuthorization.of(method, beans, this::preview);
      if (authorization != null) {
        asked.put(endpoint, authorization);
      }
    }
    this.mappings = found;
    this.authorizations = Map.copyOf(asked);
    this.endpoints = Map.copyOf(made);
  }

  private void check(IdempotentMethod method) {
    Idempotent annotation = method.annotation();
    ResultTypes.checkSynchronous(method);
    keys.check(method);
    refuse(
        annotation.recordFailures().length > 0 || annotation.releaseOn().length > 0,
        method
            + " is an @Idempotent endpoint with recordFailures or releaseOn, but what becomes of"
            + " its key is decided by the status of the response.",
        "Leave them away: 4xx other than 400, 401, 403, 408, 415, 425 and 429"
            + " (idem.http.releasing-statuses) is recorded, and 5xx follows serverErrors.");
  }

  private HttpEndpoint endpoint(IdempotentMethod method) {
    Idempotency engine = operations.engine();
    Operation.Builder<HttpOutcome> operation =
        HttpIdempotency.operation(engine, method.operation()).retryAfter(settings.retryAfter());
    HttpEndpoint.Builder endpoint = HttpEndpoint.builder(operations.build(method, operation));
    int busyStatus = method.annotation().busyStatus();
    try {
      HttpEndpoint built =
          keys.apply(method, endpoint)
              .busyStatus(busyStatus == 0 ? settings.busyStatus() : busyStatus)
              .maxResponseBytes(settings.maxResponseBytes())
              .maxStoredBytes(settings.maxStoredBytes())
              .replayHeaders(settings.replayHeaders())
              .responsePolicy(
                  settings.responsePolicy().onServerError(onServerError(method.annotation())))
              .build();
      return keys.checked(built);
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          method + " cannot be protected. " + e.getMessage() + ".",
          "Change the attributes of its @Idempotent, or the properties idem.http.*.",
          e);
    }
  }

  private Disposition onServerError(Idempotent annotation) {
    Disposition inherited = settings.serverErrors();
    return switch (annotation.serverErrors()) {
      case RELEASE -> Disposition.RELEASE;
      case RECORD -> Disposition.RECORD;
      case UNKNOWN -> Disposition.UNKNOWN;
      case INHERIT -> inherited == null ? annotation.onOtherFailure() : inherited;
    };
  }

  /** The HTTP methods each handler method is mapped to; a star stands for any. */
  private Map<Place, Set<String>> mappedMethods(List<HandlerMapping> mappings) {
    Map<Place, Set<String>> methods = new HashMap<>();
    for (HandlerMapping mapping : mappings) {
      if (mapping instanceof RequestMappingHandlerMapping handlers) {
        for (Map.Entry<RequestMappingInfo, HandlerMethod> entry :
            handlers.getHandlerMethods().entrySet()) {
          Set<String> names =
              methods.computeIfAbsent(placeOf(entry.getValue()), place -> new TreeSet<>());
          Set<RequestMethod> methodsOfMapping = entry.getKey().getMethodsCondition().getMethods();
          methodsOfMapping.forEach(method -> names.add(method.name()));
          if (methodsOfMapping.isEmpty()) {
            names.add("*");
          }
        }
      }
    }
    return methods;
  }

  @Override
  public @Nullable HttpEndpoint resolve(HttpServletRequest request) {
    if (endpoints.isEmpty()) {
      return null;
    }
    LookUpRequest lookUp = new LookUpRequest(request);
    HandlerExecutionChain chain = chainOf(lookUp);
    if (chain == null || !(chain.getHandler() instanceof HandlerMethod handler)) {
      return null;
    }
    HttpEndpoint endpoint = endpointOf(handler).orElse(null);
    if (endpoint != null) {
      PathVariables.put(request, lookUp.pathVariables());
    }
    return endpoint;
  }

  /**
   * The endpoint of a handler.
   *
   * @param handler a handler method of Spring MVC, behind whatever proxy
   * @return its endpoint, or nothing if it is not protected or the application has not started
   */
  public Optional<HttpEndpoint> endpointOf(HandlerMethod handler) {
    return Optional.ofNullable(endpoints.get(placeOf(handler)));
  }

  /**
   * Asks the method security of the handler. A denial, and what Spring MVC throws where a rule
   * looks at arguments that cannot be bound, is thrown by the {@link EndpointGuard} in front of the
   * handler, so that it is answered as if the handler's proxy had thrown it. Where no guard stands
   * there, it is thrown here.
   */
  @Override
  public boolean authorize(HttpServletRequest request, HttpEndpoint endpoint)
      throws ServletException {
    request.removeAttribute(REFUSAL);
    MethodAuthorization authorization = authorizations.get(endpoint);
    if (authorization == null) {
      return true;
    }
    LookUpRequest lookedUp = new LookUpRequest(request);
    HandlerExecutionChain chain = chainOf(lookedUp);
    if (chain == null || !(chain.getHandler() instanceof HandlerMethod handler)) {
      throw new IllegalStateException("The handler of a request cannot be told a second time");
    }
    try {
      authorization.ask(handler, lookedUp);
      return true;
    } catch (Exception e) {
      if (chain.getInterceptorList().stream().noneMatch(EndpointGuard.class::isInstance)) {
        if (e instanceof RuntimeException failure) {
          throw failure;
        }
        throw new ServletException(e);
      }
      request.setAttribute(REFUSAL, e);
      return false;
    }
  }

  /** Why a request must not come to its handler, or null. */
  static @Nullable Exception refusalOf(HttpServletRequest request) {
    return (Exception) request.getAttribute(REFUSAL);
  }

  private ArgumentPreview preview() {
    ArgumentPreview made = preview;
    if (made == null) {
      // Libraries bring adapters of their own; this is the name of Spring MVC's.
      RequestMappingHandlerAdapter adapter =
          beans.containsBean(ADAPTER)
              ? beans.getBean(ADAPTER, RequestMappingHandlerAdapter.class)
              : beans.getBean(RequestMappingHandlerAdapter.class);
      made = new ArgumentPreview(adapter, beans);
      preview = made;
    }
    return made;
  }

  /**
   * The endpoint of an operation.
   *
   * @param operation the operation's name
   * @return its endpoint, or nothing if there is none or the application has not started
   */
  public Optional<HttpEndpoint> endpointOf(String operation) {
    return endpoints.values().stream()
        .filter(endpoint -> endpoint.operation().name().equals(operation))
        .findFirst();
  }

  /** What Spring MVC would apply of CORS to a request of an endpoint, or null for nothing. */
  @Nullable CorsConfiguration corsOf(HttpServletRequest request) {
    HandlerExecutionChain chain = chainOf(new LookUpRequest(request));
    if (chain == null
        || !(chain.getHandler() instanceof HandlerMethod handler)
        || endpointOf(handler).isEmpty()) {
      return null;
    }
    for (HandlerInterceptor interceptor : chain.getInterceptorList()) {
      if (interceptor instanceof CorsConfigurationSource source) {
        return source.getCorsConfiguration(request);
      }
    }
    return null;
  }

  private @Nullable HandlerExecutionChain chainOf(LookUpRequest request) {
    // What an earlier dispatch left behind is the path it came from. Spring MVC's own mappings
    // parse
    // the path by themselves as long as no dispatcher servlet has had the request.
    request.removeAttribute(ServletRequestPathUtils.PATH_ATTRIBUTE);
    boolean dispatched =
        request.getAttribute(DispatcherServlet.WEB_APPLICATION_CONTEXT_ATTRIBUTE) != null;
    boolean parsed = false;
    for (HandlerMapping mapping : mappings) {
      if (!parsed
          && mapping.usesPathPatterns()
          && (dispatched || !(mapping instanceof AbstractHandlerMapping))) {
        ServletRequestPathUtils.parseAndCache(request);
        parsed = true;
      }
      HandlerExecutionChain chain;
      try {
        chain = mapping.getHandler(request);
      } catch (ServletException e) {
        // 405, 415 and the like: the dispatcher servlet will meet and answer the same.
        return null;
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("The handler of a request cannot be told", e);
      }
      if (chain != null) {
        return chain;
      }
    }
    return null;
  }

  /** Where a handler really is, behind whatever proxy. */
  private Place placeOf(HandlerMethod handler) {
    Class<?> type = null;
    if (!(handler.getBean() instanceof String name)) {
      type = AopUtils.getTargetClass(handler.getBean());
    } else if (beans instanceof ConfigurableListableBeanFactory factory) {
      type = AutoProxyUtils.determineTargetClass(factory, name);
    }
    Class<?> target = ClassUtils.getUserClass(type == null ? handler.getBeanType() : type);
    return new Place(AopUtils.getMostSpecificMethod(handler.getMethod(), target), target);
  }

  private static void refuse(boolean wrong, String problem, String fix) {
    if (wrong) {
      throw new IdempotencySetupException(problem, fix);
    }
  }

  private record Place(Method method, Class<?> type) {}
}
