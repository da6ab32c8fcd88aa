package io.idem.spring;

import io.idem.http.HttpEndpoint;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.MappingMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.TargetClassAware;
import org.springframework.aop.framework.Advised;
import org.springframework.context.ApplicationContext;
import org.springframework.http.server.PathContainer;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.function.support.RouterFunctionMapping;
import org.springframework.web.servlet.handler.HandlerMethodMappingNamingStrategy;
import org.springframework.web.servlet.mvc.condition.ConsumesRequestCondition;
import org.springframework.web.servlet.mvc.condition.PathPatternsRequestCondition;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.RequestMappingInfoHandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/**
 * What look-ups of literal paths came to, where the handler mappings can only say the same again: a
 * path without variables and wildcards that is mapped once for a method, by Spring MVC's own
 * mapping, on no other condition than the media type of the body, and that no mapping in front has
 * anything to do with. Everything else has to be looked up.
 *
 * <p>A mapping that is registered asks for its name, and one that is taken away takes its name with
 * it. Nothing that was remembered before counts then. Thread-safe; bounded by the number of mapped
 * paths, and by {@value #MOST} for each method whatever mappings of others call a path.
 */
final class KnownPaths {

  /** Those of Spring Boot's actuator, which look up as Spring MVC's own. */
  private static final Set<String> ACTUATOR =
      Set.of(
          "org.springframework.boot.webmvc.actuate.endpoint.web.WebMvcEndpointHandlerMapping",
          "org.springframework.boot.webmvc.actuate.endpoint.web"
              + ".AdditionalHealthEndpointPathsWebMvcHandlerMapping",
          // There wherever the actuator is, even if nothing is mapped by it.
          "org.springframework.boot.webmvc.actuate.endpoint.web.ControllerEndpointHandlerMapping");

  /** How many paths are remembered for a method; the others are looked up. */
  static final int MOST = 4_096;

  private final Map<String, Map<String, Known>> known =
      Map.of(
          "POST", new ConcurrentHashMap<>(),
          "PUT", new ConcurrentHashMap<>(),
          "PATCH", new ConcurrentHashMap<>(),
          "DELETE", new ConcurrentHashMap<>());

  /** How often anything was registered since the start. */
  private final AtomicInteger registrations = new AtomicInteger();

  private final List<RouterFunctionMapping> routers = new ArrayList<>();
  private final List<Watched> inFront = new ArrayList<>();
  private final @Nullable Watched handlers;

  /**
   * Nothing is known yet.
   *
   * @param mappings all handler mappings, in the order in which they are asked; they have started,
   *     and no request has come
   */
  KnownPaths(List<HandlerMapping> mappings) {
    this.handlers = handlers(mappings);
  }

  /** Spring MVC's own mapping; null if one that nothing is known of is asked before it. */
  private @Nullable Watched handlers(List<HandlerMapping> mappings) {
    for (HandlerMapping mapping : mappings) {
      if (mapping.getClass() == RequestMappingHandlerMapping.class) {
        return watched((RequestMappingHandlerMapping) mapping);
      } else if (mapping.getClass() == RouterFunctionMapping.class) {
        routers.add((RouterFunctionMapping) mapping);
      } else if (mapping instanceof RequestMappingInfoHandlerMapping operations
          && ACTUATOR.contains(mapping.getClass().getName())) {
        Watched watched = watched(operations);
        if (watched == null) {
          return null;
        }
        inFront.add(watched);
      } else {
        return null;
      }
    }
    return null;
  }

  private @Nullable Watched watched(RequestMappingInfoHandlerMapping mapping) {
    HandlerMethodMappingNamingStrategy<RequestMappingInfo> names = mapping.getNamingStrategy();
    if (names == null || !mapping.usesPathPatterns()) {
      return null;
    }
    Watched watched = new Watched(mapping, names);
    mapping.setHandlerMethodMappingNamingStrategy(watched);
    return watched;
  }

  /** What a look-up of this request would come to; null if it has to be made. */
  @Nullable Route find(HttpServletRequest request) {
    Map<String, Known> ofMethod = known.get(request.getMethod());
    Known found = ofMethod == null ? null : ofMethod.get(request.getRequestURI());
    if (handlers == null || found == null || found.registrations != registrations.get()) {
      return null;
    }
    Route route = found.route;
    return route != null
            && route.isMappedBy(handlers.mapping)
            && route.accepts(request)
            && isReadAsSent(request, route.contextPath)
            && areAsConfigured(handlers)
        ? route
        : null;
  }

  /** Whether the path that is looked up is what stands in the URI behind the application's own. */
  private static boolean isReadAsSent(HttpServletRequest request, String contextPath) {
    return request.getDispatcherType() == DispatcherType.REQUEST
        && contextPath.equals(request.getContextPath())
        && request.getHttpServletMapping().getMappingMatch() != MappingMatch.PATH;
  }

  /** Whether nobody has told a mapping since to answer otherwise, in the ways that are open. */
  private boolean areAsConfigured(Watched own) {
    for (RouterFunctionMapping router : routers) {
      if (router.getRouterFunction() != null || router.getDefaultHandler() != null) {
        return false;
      }
    }
    for (Watched operations : inFront) {
      if (!operations.isWatched() || operations.mapping.getDefaultHandler() != null) {
        return false;
      }
    }
    return own.isWatched() && own.mapping.getApiVersionStrategy() == null;
  }

  /** How often anything was registered: to be asked before a look-up that may be remembered. */
  int registrations() {
    return registrations.get();
  }

  /**
   * Remembers a look-up, if it can only come to the same again.
   *
   * @param request the request
   * @param lookUp the same, with what the mapping has left on it
   * @param handler what the look-up came to
   * @param endpoint the endpoint of that, or null if it is not protected
   * @param registrationsBefore what {@link #registrations()} was before the look-up
   */
  void remember(
      HttpServletRequest request,
      LookUpRequest lookUp,
      HandlerMethod handler,
      @Nullable HttpEndpoint endpoint,
      int registrationsBefore) {
    Map<String, Known> ofMethod = known.get(request.getMethod());
    String uri = request.getRequestURI();
    if (handlers == null
        || ofMethod == null
        || !(lookUp.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE)
            instanceof String path)) {
      return;
    }
    // A client may have a say in what a proxy puts before the path, but not in the application's
    // own: there are as many URIs as there are paths.
    String contextPath = request.getServletContext().getContextPath();
    if (!uri.equals(contextPath + path) // a pattern, or a path that is spelled in another way
        || !isReadAsSent(request, contextPath)
        || !areAsConfigured(handlers)) {
      return;
    }
    Known before = ofMethod.get(uri);
    if (before == null && ofMethod.size() >= MOST) {
      return; // a mapping behind Spring MVC's own may give out any path for a pattern
    }
    if (before == null || before.route != null || before.registrations != registrationsBefore) {
      Route route = route(handlers, request.getMethod(), contextPath, path, handler, endpoint);
      ofMethod.put(uri, new Known(registrationsBefore, route));
    }
  }

  /** The only way that a request with this method and path can go, or null if there are others. */
  private @Nullable Route route(
      Watched own,
      String method,
      String contextPath,
      String path,
      HandlerMethod handler,
      @Nullable HttpEndpoint endpoint) {
    HandlerMethod mapped = handler.getResolvedFromHandlerMethod();
    RequestMappingInfo info = onlyOne(own.mapping, path, method);
    if (info == null || mapped == null || !isTypeCertain(own.mapping, mapped, handler.getBean())) {
      return null;
    }
    String name = own.names.getName(mapped, info);
    List<HandlerMethod> named = own.mapping.getHandlerMethodsForMappingName(name);
    if (named == null || !named.contains(mapped)) {
      return null; // it was named by another strategy, and takes another name with it
    }
    // Asked after the name: had it gone by now, the name would be another's or nobody's later.
    boolean certain =
        mapped.equals(own.mapping.getHandlerMethods().get(info))
            && inFront.stream().noneMatch(operations -> mayMatch(operations.mapping, path));
    return certain
        ? new Route(name, named, contextPath, path, info.getConsumesCondition(), endpoint)
        : null;
  }

  /**
   * What decides about a path for a method, if it does by these two and by what the body is. Spring
   * MVC does not look at patterns where a path without any matches.
   */
  private static @Nullable RequestMappingInfo onlyOne(
      RequestMappingInfoHandlerMapping mapping, String path, String method) {
    RequestMappingInfo only = null;
    for (RequestMappingInfo info : mapping.getHandlerMethods().keySet()) {
      Set<RequestMethod> methods = info.getMethodsCondition().getMethods();
      boolean ofMethod = methods.isEmpty() || methods.contains(RequestMethod.resolve(method));
      if (ofMethod && info.getDirectPaths().contains(path)) {
        if (only != null) {
          return null;
        }
        only = info;
      }
    }
    return only != null
            && only.getParamsCondition().isEmpty()
            && only.getHeadersCondition().isEmpty()
            && only.getProducesCondition().isEmpty()
            && only.getVersionCondition().isEmpty()
            && only.getCustomCondition() == null
        ? only
        : null;
  }

  /** Whether the class behind a handler, by which its endpoint is found, is the same each time. */
  private static boolean isTypeCertain(
      RequestMappingInfoHandlerMapping mapping, HandlerMethod mapped, Object bean) {
    ApplicationContext beans = mapping.getApplicationContext();
    if (mapped.getBean() instanceof String name && (beans == null || !beans.isSingleton(name))) {
      return false;
    }
    return !(bean instanceof TargetClassAware)
        || (bean instanceof Advised proxy && proxy.getTargetSource().isStatic());
  }

  /** Whether a mapping of operations could answer to a path, were it only with a refusal. */
  private static boolean mayMatch(RequestMappingInfoHandlerMapping mapping, String path) {
    PathContainer parsed = PathContainer.parsePath(path);
    for (RequestMappingInfo info : mapping.getHandlerMethods().keySet()) {
      PathPatternsRequestCondition patterns = info.getPathPatternsCondition();
      if (patterns == null
          || patterns.getPatterns().stream().anyMatch(each -> each.matches(parsed))) {
        return true;
      }
    }
    return false;
  }

  /**
   * What is known of a URI for a method, as long as nothing else is registered.
   *
   * @param registrations how often anything was before the look-up
   * @param route the only way to go, or null if every request has to be looked up
   */
  private record Known(int registrations, @Nullable Route route) {}

  /**
   * Where a URI leads to.
   *
   * @param name the name of its mapping
   * @param named what was mapped by that name; the list is another one whenever that changes
   * @param contextPath what the URI begins with
   * @param path the mapped path, which is the rest of the URI
   * @param consumes what the body has to be
   * @param endpoint the endpoint of the handler, or null if it is not protected
   */
  record Route(
      String name,
      List<HandlerMethod> named,
      String contextPath,
      String path,
      ConsumesRequestCondition consumes,
      @Nullable HttpEndpoint endpoint) {

    private boolean isMappedBy(RequestMappingInfoHandlerMapping mapping) {
      return mapping.getHandlerMethodsForMappingName(name) == named;
    }

    private boolean accepts(HttpServletRequest request) {
      return consumes.isEmpty() || consumes.getMatchingCondition(request) != null;
    }
  }

  /** A mapping whose registrations are counted: each asks for a name, under the registry's lock. */
  private final class Watched implements HandlerMethodMappingNamingStrategy<RequestMappingInfo> {

    private final RequestMappingInfoHandlerMapping mapping;
    private final HandlerMethodMappingNamingStrategy<RequestMappingInfo> names;

    Watched(
        RequestMappingInfoHandlerMapping mapping,
        HandlerMethodMappingNamingStrategy<RequestMappingInfo> names) {
      this.mapping = mapping;
      this.names = names;
    }

    boolean isWatched() {
      return mapping.getNamingStrategy() == this;
    }

    @Override
    public String getName(HandlerMethod handler, RequestMappingInfo info) {
      registrations.incrementAndGet();
      known.values().forEach(Map::clear);
      return names.getName(handler, info);
    }
  }
}
