package io.idem.spring;

import io.idem.core.Idempotency;
import io.idem.http.CallerScope;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import io.idem.http.ResponsePolicy;
import io.idem.servlet.EndpointResolver;
import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.annotation.AnnotationAwareOrderComparator;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerExecutionChain;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.util.ServletRequestPathUtils;

/**
 * Protects the {@link Idempotent} handler methods of Spring MVC: makes an endpoint of each at
 * start-up, and finds the endpoint of a request by asking the handler mappings, as the dispatcher
 * servlet will.
 *
 * <p>The look-up leaves no trace on the request. Thread-safe once the application has started.
 */
public final class WebEndpoints implements IdempotentEndpoints, EndpointResolver {

  /** By name, because Spring Security need not be there. */
  private static final List<String> METHOD_SECURITY =
      List.of(
          "org.springframework.security.access.prepost.PreAuthorize",
          "org.springframework.security.access.prepost.PostAuthorize",
          "org.springframework.security.access.prepost.PreFilter",
          "org.springframework.security.access.prepost.PostFilter",
          "org.springframework.security.access.annotation.Secured",
          "jakarta.annotation.security.RolesAllowed",
          "jakarta.annotation.security.DenyAll");

  private final IdempotentOperations operations;
  private final WebSettings settings;
  private final ListableBeanFactory beans;
  private volatile Map<Place, HttpEndpoint> endpoints = Map.of();
  private volatile List<HandlerMapping> mappings = List.of();

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
    for (IdempotentMethod method : methods) {
      Place place = new Place(method.method(), method.targetClass());
      check(method);
      made.put(place, endpoint(method, mapped.getOrDefault(place, Set.of())));
    }
    this.mappings = found;
    this.endpoints = Map.copyOf(made);
  }

  private void check(IdempotentMethod method) {
    Idempotent annotation = method.annotation();
    ResultTypes.checkSynchronous(method);
    refuse(
        !annotation.source().isEmpty() || !annotation.fingerprint().isEmpty(),
        method
            + " is an @Idempotent endpoint with a source or a fingerprint, which are expressions"
            + " over arguments that are not there yet when the key is looked up.",
        "Leave them away: the caller and the whole request count. Or move @Idempotent, with a key,"
            + " to the service method.");
    refuse(
        annotation.recordFailures().length > 0 || annotation.releaseOn().length > 0,
        method
            + " is an @Idempotent endpoint with recordFailures or releaseOn, but what becomes of"
            + " its key is decided by the status of the response.",
        "Leave them away: 4xx other than 400, 401, 403, 408, 425 and 429 is recorded, and 5xx"
            + " follows onOtherFailure.");
    for (String name : METHOD_SECURITY) {
      boolean secured =
          MergedAnnotations.from(method.method(), SearchStrategy.TYPE_HIERARCHY).isPresent(name)
              || MergedAnnotations.from(method.targetClass(), SearchStrategy.TYPE_HIERARCHY)
                  .isPresent(name);
      refuse(
          secured,
          method
              + " is an @Idempotent endpoint with method security ("
              + name
              + "), which would"
              + " not be asked before a stored answer is replayed.",
          "Authorize the path in the security filter chain, or move the method security to the"
              + " service that the handler calls and the rule that guards replays to the path.");
    }
    refuse(
        annotation.caller() == Idempotent.Caller.AUTHENTICATED && !settings.callersKnown(),
        method
            + " is an @Idempotent endpoint whose keys belong to the authenticated caller, but"
            + " nothing in this application says who that is: callers would be given each other's"
            + " answers.",
        "Add Spring Security, or declare a bean of type io.idem.servlet.CallerResolver; with"
            + " @Idempotent(caller = SHARED) everybody is given everybody's answers.");
  }

  private HttpEndpoint endpoint(IdempotentMethod method, Set<String> mapped) {
    Idempotent annotation = method.annotation();
    Idempotency engine = operations.engine();
    ResponsePolicy policy = settings.responsePolicy().onServerError(annotation.onOtherFailure());
    HttpEndpoint.Builder endpoint =
        HttpEndpoint.builder(
                operations.build(method, HttpIdempotency.operation(engine, method.operation())))
            .keySyntax(method.header().map(KeySyntax.DEFAULT::in).orElse(settings.keySyntax()))
            .callerScope(
                annotation.caller() == Idempotent.Caller.SHARED
                    ? CallerScope.SHARED
                    : CallerScope.CALLER)
            .methods(protectedMethods(method, mapped))
            .maxRequestBytes(settings.maxRequestBytes())
            .maxStoredBytes(settings.maxStoredBytes())
            .replayHeaders(settings.replayHeaders())
            .responsePolicy(policy);
    return annotation.required() ? endpoint.build() : endpoint.keyOptional().build();
  }

  private static String[] protectedMethods(IdempotentMethod method, Set<String> mapped) {
    Set<String> unsafe = new TreeSet<>(mapped);
    unsafe.removeAll(Set.of("GET", "HEAD", "OPTIONS", "TRACE"));
    refuse(
        unsafe.isEmpty() && !mapped.isEmpty(),
        method
            + " is @Idempotent, but it is mapped to safe methods only "
            + mapped
            + ", which have no effect to protect.",
        "Leave @Idempotent away, or map the handler to POST, PATCH, PUT or DELETE.");
    return unsafe.isEmpty()
        ? new String[] {"POST", "PATCH", "PUT", "DELETE"}
        : unsafe.toArray(String[]::new);
  }

  /** The HTTP methods each handler method is mapped to; none means any. */
  private static Map<Place, Set<String>> mappedMethods(List<HandlerMapping> mappings) {
    Map<Place, Set<String>> methods = new HashMap<>();
    for (HandlerMapping mapping : mappings) {
      if (mapping instanceof RequestMappingHandlerMapping handlers) {
        for (Map.Entry<RequestMappingInfo, HandlerMethod> entry :
            handlers.getHandlerMethods().entrySet()) {
          Set<String> names =
              methods.computeIfAbsent(placeOf(entry.getValue()), place -> new TreeSet<>());
          for (RequestMethod method : entry.getKey().getMethodsCondition().getMethods()) {
            names.add(method.name());
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
    HandlerMethod handler = handlerOf(new LookUpRequest(request));
    return handler == null ? null : of(handler);
  }

  /** The endpoint of a handler, or null if it is not protected. */
  @Nullable HttpEndpoint of(HandlerMethod handler) {
    return endpoints.get(placeOf(handler));
  }

  private @Nullable HandlerMethod handlerOf(LookUpRequest request) {
    boolean parsed = false;
    for (HandlerMapping mapping : mappings) {
      if (mapping.usesPathPatterns() && !parsed) {
        // Anew, because what an earlier dispatch left behind is the path it came from.
        ServletRequestPathUtils.parseAndCache(request);
        parsed = true;
      }
      HandlerExecutionChain chain;
      try {
        chain = mapping.getHandler(request);
      } catch (Exception e) {
        // 405, 415 and the like: the dispatcher servlet will meet and answer the same.
        return null;
      }
      if (chain != null) {
        return chain.getHandler() instanceof HandlerMethod handler ? handler : null;
      }
    }
    return null;
  }

  private static Place placeOf(HandlerMethod handler) {
    Class<?> type = handler.getBeanType();
    return new Place(AopUtils.getMostSpecificMethod(handler.getMethod(), type), type);
  }

  private static void refuse(boolean wrong, String problem, String fix) {
    if (wrong) {
      throw new IdempotencySetupException(problem, fix);
    }
  }

  private record Place(Method method, Class<?> type) {}
}
