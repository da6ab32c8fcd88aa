package io.idem.spring;

import io.idem.core.Disposition;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.HttpOutcome;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.TargetClassAware;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.util.ClassUtils;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.method.HandlerMethod;

/**
 * The endpoints of {@link Idempotent} handler methods, whichever web framework of Spring's calls
 * them: makes them at start-up, and knows which handler has which. Thread-safe once the application
 * has started.
 */
public final class HandlerEndpoints {

  private static final String ANY = "*";
  private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");
  private static final Set<String> SAFE_OR_ANY = Set.of("GET", "HEAD", "OPTIONS", "TRACE", ANY);

  private final IdempotentOperations operations;
  private final WebSettings settings;
  private final EndpointKeys keys;
  private final ListableBeanFactory beans;
  private final String framework;
  private final boolean leasedOnly;
  private volatile Map<Place, HttpEndpoint> endpoints = Map.of();
  private volatile boolean mappedToSafeMethods;

  /** The endpoint of each handler that was asked for, by what it is called through. */
  private volatile Map<Place, Optional<HttpEndpoint>> known = new ConcurrentHashMap<>();

  /**
   * No endpoints yet.
   *
   * @param operations makes the operations
   * @param settings what holds for all endpoints
   * @param beans where the handlers are
   * @param framework what calls the handlers, as it is named in refusals
   */
  public HandlerEndpoints(
      IdempotentOperations operations,
      WebSettings settings,
      ListableBeanFactory beans,
      String framework) {
    this(operations, settings, beans, framework, false);
  }

  private HandlerEndpoints(
      IdempotentOperations operations,
      WebSettings settings,
      ListableBeanFactory beans,
      String framework,
      boolean leasedOnly) {
    this.operations = operations;
    this.settings = settings;
    this.keys = new EndpointKeys(settings);
    this.beans = beans;
    this.framework = framework;
    this.leasedOnly = leasedOnly;
  }

  /**
   * The same where no thread carries a request from its begin to its end, so that there is no
   * transaction for its record to be in: every operation is leased.
   *
   * @return endpoints that refuse transactional operations
   */
  public HandlerEndpoints leasedOnly() {
    return new HandlerEndpoints(operations, settings, beans, framework, true);
  }

  /**
   * Starts to collect what the handlers are mapped to.
   *
   * @return nothing yet
   */
  public Mapped mapped() {
    return new Mapped();
  }

  /** What the handlers of an application are mapped to. Not thread-safe. */
  public final class Mapped {

    private final Map<Place, Set<String>> methods = new HashMap<>();

    private Mapped() {}

    /**
     * Adds a mapping.
     *
     * @param handler the handler
     * @param mapped the methods of the mapping; none for any
     */
    public void add(HandlerMethod handler, Collection<RequestMethod> mapped) {
      Set<String> names = methods.computeIfAbsent(placeOf(handler), place -> new TreeSet<>());
      mapped.forEach(method -> names.add(method.name()));
      if (mapped.isEmpty()) {
        names.add(ANY);
      }
    }
  }

  /**
   * Makes the endpoints.
   *
   * @param methods all handlers that are to be protected
   * @param check refuses what the framework cannot protect
   * @param mapped what handlers are mapped to
   * @return the endpoint of each method, in their order
   * @throws IdempotencySetupException if one of them cannot be protected
   */
  public Map<IdempotentMethod, HttpEndpoint> protect(
      List<IdempotentMethod> methods, Consumer<IdempotentMethod> check, Mapped mapped) {
    Map<IdempotentMethod, HttpEndpoint> made = new LinkedHashMap<>();
    Map<Place, HttpEndpoint> places = new HashMap<>();
    boolean safe = false;
    for (IdempotentMethod method : methods) {
      check.accept(method);
      check(method);
      Place place = new Place(method.method(), method.targetClass());
      Set<String> httpMethods = mapped.methods.get(place);
      checkMapped(method, httpMethods);
      safe |= httpMethods != null && httpMethods.stream().anyMatch(SAFE_OR_ANY::contains);
      HttpEndpoint endpoint = endpoint(method);
      made.put(method, endpoint);
      places.put(place, endpoint);
    }
    this.mappedToSafeMethods = safe;
    this.endpoints = Map.copyOf(places);
    this.known = new ConcurrentHashMap<>(); // whoever asked before was told that there is none
    return made;
  }

  /**
   * The endpoint of a handler.
   *
   * @param handler a handler method, behind whatever proxy
   * @return its endpoint, or nothing if it is not protected or the application has not started
   */
  public Optional<HttpEndpoint> endpointOf(HandlerMethod handler) {
    if (endpoints.isEmpty()) {
      return Optional.empty();
    }
    Object bean = handler.getBean();
    if (bean instanceof String || bean instanceof TargetClassAware) {
      return find(handler); // proxies of different beans may be of one class
    }
    Place called = new Place(handler.getMethod(), bean.getClass());
    Map<Place, Optional<HttpEndpoint>> remembered = known;
    Optional<HttpEndpoint> endpoint = remembered.get(called);
    if (endpoint == null) {
      endpoint = find(handler);
      remembered.put(called, endpoint);
    }
    return endpoint;
  }

  private Optional<HttpEndpoint> find(HandlerMethod handler) {
    return Optional.ofNullable(endpoints.get(placeOf(handler)));
  }

  /**
   * Whether a request of a method may come to a protected handler, as far as the method tells. It
   * spares the look-up of the handler for what no key could protect.
   *
   * @param method the method of a request
   * @return false if there is no endpoint, or for a safe method to which none is mapped
   */
  public boolean mayBeReachedBy(String method) {
    return !endpoints.isEmpty() && (mappedToSafeMethods || !SAFE.contains(method));
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

  /**
   * Whether nothing is protected.
   *
   * @return true if there is no endpoint, or the application has not started
   */
  public boolean isEmpty() {
    return endpoints.isEmpty();
  }

  private void check(IdempotentMethod method) {
    Idempotent annotation = method.annotation();
    keys.check(method);
    refuse(
        annotation.recordFailures().length > 0 || annotation.releaseOn().length > 0,
        method
            + " is an @Idempotent endpoint with recordFailures or releaseOn, but what becomes of"
            + " its key is decided by the status of the response.",
        "Leave them away: 4xx other than 400, 401, 403, 408, 415, 425 and 429"
            + " (idem.http.releasing-statuses) is recorded, and 5xx follows serverErrors.");
    refuse(
        leasedOnly && annotation.mode() == Idempotent.Mode.TRANSACTIONAL,
        method
            + " is an @Idempotent endpoint of "
            + framework
            + " in transactional mode, but a transaction belongs to a thread, and no thread carries"
            + " the request from its begin to its end.",
        "Leave the mode away: keys are held under a lease here. Or move the work, with @Idempotent,"
            + " to a service method that does it on one thread.");
  }

  private void checkMapped(IdempotentMethod method, @Nullable Set<String> httpMethods) {
    if (httpMethods == null) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent endpoint, but no handler mapping of "
              + framework
              + " leads to it, so that nothing would protect it.",
          "Make its class a @Controller that "
              + framework
              + " finds, or move @Idempotent, with a key, to a service method.");
    }
    refuse(
        SAFE.containsAll(httpMethods),
        method
            + " is @Idempotent, but it is mapped to safe methods only "
            + httpMethods
            + ", which have no effect to protect.",
        "Leave @Idempotent away, or map the handler to POST, PATCH, PUT or DELETE.");
  }

  private HttpEndpoint endpoint(IdempotentMethod method) {
    Operation.Builder<HttpOutcome> operation =
        HttpIdempotency.operation(operations.engine(), method.operation())
            .keySpace(keys.commonSpace(method))
            .retryAfter(settings.retryAfter());
    if (leasedOnly) {
      operation.mode(Mode.LEASED);
    }
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

  private record Place(Method method, Class<?> type) {

    @Override
    public boolean equals(Object other) {
      return other instanceof Place that && type == that.type && method.equals(that.method);
    }

    @Override
    public int hashCode() {
      return 31 * method.hashCode() + type.hashCode(); // asked for every request
    }
  }
}
