package io.idem.spring;

import io.idem.core.Mode;
import io.idem.http.HttpEndpoint;
import io.idem.servlet.EndpointAuthorizer;
import io.idem.servlet.EndpointResolver;
import io.idem.servlet.PathVariables;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.annotation.AnnotationAwareOrderComparator;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsConfigurationSource;
import org.springframework.web.filter.ServerHttpObservationFilter;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.multipart.MultipartException;
import org.springframework.web.multipart.MultipartHttpServletRequest;
import org.springframework.web.multipart.support.StandardMultipartHttpServletRequest;
import org.springframework.web.multipart.support.StandardServletMultipartResolver;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.HandlerExecutionChain;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.handler.AbstractHandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.util.ServletRequestPathUtils;
import org.springframework.web.util.WebUtils;

/**
 * Protects the {@link Idempotent} handler methods of Spring MVC: makes an endpoint of each at
 * start-up, and finds the endpoint of a request by asking the handler mappings, as the dispatcher
 * servlet will.
 *
 * <p>The look-up leaves nothing but the {@link PathVariables} on the request, and tells its
 * observation the pattern of the path, as Spring MVC does. Thread-safe once the application has
 * started.
 */
public final class WebEndpoints
    implements IdempotentEndpoints, EndpointResolver, EndpointAuthorizer {

  /** On a request: why its handler refuses it. */
  private static final String REFUSAL = WebEndpoints.class.getName() + ".refusal";

  private static final String ADAPTER = "requestMappingHandlerAdapter";

  private final HandlerEndpoints endpoints;
  private final ListableBeanFactory beans;
  private volatile Map<HttpEndpoint, MethodAuthorization> authorizations = Map.of();
  private volatile List<HandlerMapping> mappings = List.of();
  private volatile KnownPaths known = new KnownPaths(List.of());
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
    this.endpoints = new HandlerEndpoints(operations, settings, beans, "Spring MVC");
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
    Set<IdempotentMethod> awaited = new HashSet<>();
    Map<IdempotentMethod, HttpEndpoint> made =
        endpoints.protect(
            methods,
            method -> {
              if (ResultTypes.isAwaitedByMvc(method)) {
                awaited.add(method);
              }
            },
            mappedMethods(found));
    Map<HttpEndpoint, MethodAuthorization> asked = new HashMap<>();
    made.forEach(
        (method, endpoint) -> {
          checkMode(method, endpoint, awaited.contains(method));
          MethodAuthorization authorization = MethodAuthorization.of(method, beans, this::preview);
          if (authorization != null) {
            asked.put(endpoint, authorization);
          }
        });
    this.mappings = found;
    this.known = new KnownPaths(found);
    this.authorizations = Map.copyOf(asked);
  }

  private static void checkMode(IdempotentMethod method, HttpEndpoint endpoint, boolean awaited) {
    if (awaited && endpoint.operation().mode() == Mode.TRANSACTIONAL) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent endpoint and returns a "
              + method.method().getReturnType().getSimpleName()
              + ", but its operation is transactional: a transaction belongs to the thread that began"
              + " it, and what another thread does would not be a part of it.",
          "Declare @Idempotent(mode = LEASED), which keeps the answer apart from the effect, or"
              + " answer synchronously.");
    }
  }

  /**
   * Whether the dispatcher servlet has the container take a multipart body of whatever kind apart,
   * so that handlers find its parts and not its bytes. If so, it is taken apart already now: that
   * is how a resolver that waits until it is asked for parts is told from one that does not.
   *
   * @param request a request with a multipart body that nobody has read
   * @return whether its parts are to be asked for
   */
  public boolean takesApart(HttpServletRequest request) {
    MultipartHttpServletRequest parts =
        WebUtils.getNativeRequest(request, MultipartHttpServletRequest.class);
    if (parts == null) {
      if (!beans.containsBean(DispatcherServlet.MULTIPART_RESOLVER_BEAN_NAME)
          || !(beans.getBean(DispatcherServlet.MULTIPART_RESOLVER_BEAN_NAME)
              instanceof StandardServletMultipartResolver resolver)
          || !resolver.isMultipart(request)) {
        return false;
      }
      try {
        parts = resolver.resolveMultipart(request);
      } catch (MultipartException e) {
        return true; // the container says why when it is asked again
      }
    }
    return parts instanceof StandardMultipartHttpServletRequest standard && standard.isResolved();
  }

  private HandlerEndpoints.Mapped mappedMethods(List<HandlerMapping> mappings) {
    HandlerEndpoints.Mapped mapped = endpoints.mapped();
    for (HandlerMapping mapping : mappings) {
      if (mapping instanceof RequestMappingHandlerMapping handlers) {
        handlers
            .getHandlerMethods()
            .forEach(
                (info, handler) -> mapped.add(handler, info.getMethodsCondition().getMethods()));
      }
    }
    return mapped;
  }

  @Override
  public @Nullable HttpEndpoint resolve(HttpServletRequest request) {
    if (!endpoints.mayBeReachedBy(request.getMethod())) {
      return null;
    }
    KnownPaths paths = known;
    KnownPaths.Route route = paths.find(request);
    if (route != null) {
      // A replay comes to no handler: a look-up is what tells its observation the path.
      ServerHttpObservationFilter.findObservationContext(request)
          .ifPresent(observed -> observed.setPathPattern(route.path()));
      return found(request, route.endpoint(), Map.of());
    }
    int registrations = paths.registrations();
    LookUpRequest lookUp = new LookUpRequest(request);
    HandlerExecutionChain chain = chainOf(lookUp);
    if (chain == null || !(chain.getHandler() instanceof HandlerMethod handler)) {
      return null;
    }
    HttpEndpoint endpoint = endpointOf(handler).orElse(null);
    paths.remember(request, lookUp, handler, endpoint, registrations);
    return found(request, endpoint, lookUp.pathVariables());
  }

  private static @Nullable HttpEndpoint found(
      HttpServletRequest request, @Nullable HttpEndpoint endpoint, Map<String, String> variables) {
    if (endpoint != null) {
      PathVariables.put(request, variables);
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
    return endpoints.endpointOf(handler);
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
    if (authorizations.isEmpty()) {
      return true;
    }
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
  @Nullable Exception refusalOf(HttpServletRequest request) {
    return authorizations.isEmpty() ? null : (Exception) request.getAttribute(REFUSAL);
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
    return endpoints.endpointOf(operation);
  }

  /** What Spring MVC would apply of CORS to a request of an endpoint, or null for nothing. */
  @Nullable CorsConfiguration corsOf(HttpServletRequest request) {
    if (!endpoints.mayBeReachedBy(request.getMethod())) {
      return null;
    }
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
    // parse the path by themselves as long as no dispatcher servlet has had the request.
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
}
