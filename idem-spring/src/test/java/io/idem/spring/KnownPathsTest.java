package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.spring.KnownPaths.Route;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.MappingMatch;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.target.HotSwappableTargetSource;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.http.server.PathContainer;
import org.springframework.mock.web.MockHttpServletMapping;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.util.ReflectionUtils;
import org.springframework.web.accept.ApiVersionStrategy;
import org.springframework.web.accept.DefaultApiVersionStrategy;
import org.springframework.web.accept.SemanticApiVersionParser;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.context.support.StaticWebApplicationContext;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;
import org.springframework.web.servlet.function.support.RouterFunctionMapping;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;
import org.springframework.web.servlet.mvc.condition.RequestCondition;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.RequestMappingInfoHandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** Which look-ups are remembered, and for how long. */
class KnownPathsTest {

  private final StaticWebApplicationContext context = new StaticWebApplicationContext();
  private final RequestMappingHandlerMapping mapping = new RequestMappingHandlerMapping();
  private final RouterFunctionMapping routers = new RouterFunctionMapping();
  private final Object handler = new Handler();
  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final HttpEndpoint endpoint =
      HttpEndpoint.builder(HttpIdempotency.operation(engine, "orders").build()).build();
  private KnownPaths known = new KnownPaths(List.of());

  @BeforeEach
  void start() {
    context.refresh();
    start(mapping, List.of(routers, mapping));
    map(post("/orders"));
  }

  private void start(RequestMappingHandlerMapping mapping, List<HandlerMapping> all) {
    mapping.setApplicationContext(context);
    mapping.afterPropertiesSet();
    known = new KnownPaths(all);
  }

  @AfterEach
  void stop() {
    context.close();
    engine.close();
  }

  @Test
  void aLiteralPathIsRemembered() throws Exception {
    assertThat(known.find(request("/orders"))).isNull();

    Route found = lookUp(request("/orders"));

    assertThat(found).isNotNull();
    assertThat(found.endpoint()).isSameAs(endpoint);
  }

  @Test
  void soIsThatNothingProtectsIt() throws Exception {
    lookUp(request("/orders"), null);

    assertThat(known.find(request("/orders"))).isNotNull().returns(null, Route::endpoint);
  }

  // ---- what the mapping may answer otherwise to

  @Test
  void aPatternIsLookedUp() throws Exception {
    map(post("/bookings/{number}"));

    assertThat(lookUp(request("/bookings/1"))).isNull();
    assertThat(lookUp(request("/bookings/{number}"))).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/%6Frders", "/orders;a=b", "/orders/", "//orders", "/Orders", "/order"})
  void anotherSpellingIsLookedUp(String uri) throws Exception {
    lookUp(request("/orders"));

    assertThat(known.find(request(uri))).isNull();
  }

  @Test
  void aSpellingThatTheMappingReadsAsThePathIsNotRemembered() throws Exception {
    assertThat(lookUp(request("/%6Frders"))).isNull();
    assertThat(lookUp(request("/orders;a=b"))).isNull();
  }

  @Test
  void eachMethodIsAnotherHandler() throws Exception {
    map(post("/orders").methods(RequestMethod.PUT));
    lookUp(request("/orders"));

    assertThat(known.find(request("PUT", "/orders"))).isNull();
    assertThat(lookUp(request("PUT", "/orders"))).isNotNull();
    assertThat(known.find(request("PATCH", "/orders"))).isNull();
  }

  @Test
  void safeMethodsAreLookedUp() throws Exception {
    map(post("/orders").methods(RequestMethod.GET));

    assertThat(lookUp(request("GET", "/orders"))).isNull();
  }

  @Test
  void aPathThatIsMappedTwiceForTheMethodIsLookedUp() throws Exception {
    map(post("/orders").headers("X-Priority"));

    assertThat(lookUp(request("/orders"))).isNull();
  }

  @Test
  void aMappingOfAnyMethodIsOneForEach() throws Exception {
    map(post("/anything").methods());
    assertThat(lookUp(request("/anything"))).isNotNull();

    map(post("/anything").headers("X-Priority"));
    assertThat(lookUp(request("/anything"))).isNull();
  }

  @Test
  void aPatternBesideALiteralPathHasNoSay() throws Exception {
    map(post("/{all}"));

    assertThat(lookUp(request("/orders"))).isNotNull();
  }

  @Test
  void conditionsAreLookedAt() throws Exception {
    map(post("/params").params("!a"));
    map(post("/headers").headers("!X-A"));
    map(post("/produces").produces("application/json"));
    RequestMappingInfo.BuilderConfiguration versioned =
        new RequestMappingInfo.BuilderConfiguration();
    versioned.setPatternParser(mapping.getPatternParser());
    versioned.setApiVersionStrategy(versions());
    mapping.registerMapping(
        post("/version").version("1.0").options(versioned).build(), handler, method());
    map(post("/custom").customCondition(new Always()));

    assertThat(lookUp(request("/params"))).isNull();
    assertThat(lookUp(request("/headers"))).isNull();
    assertThat(lookUp(request("/produces"))).isNull();
    assertThat(lookUp(request("/version"))).isNull();
    assertThat(lookUp(request("/custom"))).isNull();
  }

  @Test
  void theMediaTypeOfTheBodyIsAskedForEachTime() throws Exception {
    map(post("/json").consumes("application/json"));
    MockHttpServletRequest json = withBody("/json", "application/json");

    assertThat(lookUp(json)).isNotNull();
    assertThat(known.find(withBody("/json", "text/plain"))).isNull();
    assertThat(known.find(withBody("/json", "application/json;charset=UTF-8"))).isNotNull();
  }

  // ---- whose path it is

  @Test
  void aForwardIsLookedUp() throws Exception {
    MockHttpServletRequest forwarded = request("/orders");
    forwarded.setDispatcherType(DispatcherType.FORWARD);

    assertThat(lookUp(forwarded)).isNull();
    assertThat(lookUp(request("/orders"))).isNotNull();
    assertThat(known.find(forwarded)).isNull();
  }

  @Test
  void aServletBelowAPathIsLookedUp() throws Exception {
    map(post("/api/orders"));
    lookUp(request("/api/orders"));
    MockHttpServletRequest below = request("/api/orders");
    below.setServletPath("/api");
    below.setHttpServletMapping(
        new MockHttpServletMapping("orders", "/api/*", "dispatcher", MappingMatch.PATH));

    assertThat(known.find(below)).isNull();
  }

  @Test
  void aPathBehindAnotherContextIsLookedUp() throws Exception {
    map(post("/shop/orders"));
    lookUp(request("/shop/orders"));
    MockHttpServletRequest proxied = request("/shop/orders");
    proxied.setContextPath("/shop");

    assertThat(known.find(proxied)).isNull();
    assertThat(lookUp(proxied)).isNull();
  }

  // ---- which mappings are asked

  @Test
  void aMappingThatNothingIsKnownOfMayAnswerFirst() throws Exception {
    known = new KnownPaths(List.of(new SimpleUrlHandlerMapping(), mapping));
    assertThat(lookUp(request("/orders"))).isNull();

    known = new KnownPaths(List.of(mapping, new SimpleUrlHandlerMapping()));
    assertThat(lookUp(request("/orders"))).isNotNull();
  }

  @Test
  void aMappingOfTheApplicationsOwnMayAnswerAsItLikes() throws Exception {
    RequestMappingHandlerMapping own = new RequestMappingHandlerMapping() {};
    start(own, List.of(own));
    own.registerMapping(built(own, post("/orders")), handler, method());

    assertThat(lookUp(own, request("/orders"), endpoint)).isNull();
  }

  @Test
  void aMappingOfAnotherKindInFrontMayAnswerFirst() throws Exception {
    RequestMappingInfoHandlerMapping unknown =
        new RequestMappingHandlerMapping() {
          @Override
          public String toString() {
            return "not Spring MVC's own";
          }
        };
    known = new KnownPaths(List.of(unknown, mapping));

    assertThat(lookUp(request("/orders"))).isNull();
  }

  @Test
  void routerFunctionsAreAskedOnceThereAreAny() throws Exception {
    lookUp(request("/orders"));

    routers.setRouterFunction(
        RouterFunctions.route().POST("/orders", request -> ServerResponse.ok().build()).build());
    assertThat(lookUp(request("/orders"))).isNull();

    routers.setRouterFunction(null);
    assertThat(known.find(request("/orders"))).isNotNull();
  }

  @Test
  void aDefaultHandlerInFrontAnswersFirst() throws Exception {
    lookUp(request("/orders"));

    routers.setDefaultHandler(handler);

    assertThat(lookUp(request("/orders"))).isNull();
  }

  @Test
  void versionsOfAnApiAreAskedFor() throws Exception {
    lookUp(request("/orders"));

    mapping.setApiVersionStrategy(versions());

    assertThat(lookUp(request("/orders"))).isNull();
  }

  @Test
  @SuppressWarnings("removal") // as long as there is such a mapping, it reads paths in its own way
  void pathsThatAreMatchedAsTextAreLookedUp() throws Exception {
    RequestMappingHandlerMapping old = new RequestMappingHandlerMapping();
    old.setPatternParser(null);
    start(old, List.of(old));
    old.registerMapping(built(old, post("/orders")), handler, method());

    assertThat(lookUp(old, request("/orders"), endpoint)).isNull();
  }

  // ---- what is behind the handler

  @Test
  void aBeanThatIsMadeAnewEachTimeIsLookedUp() throws Exception {
    context.registerSingleton("one", Handler.class);
    RootBeanDefinition many = new RootBeanDefinition(Handler.class);
    many.setScope(BeanDefinition.SCOPE_PROTOTYPE);
    context.registerBeanDefinition("many", many);
    mapping.registerMapping(built(mapping, post("/one")), "one", method());
    mapping.registerMapping(built(mapping, post("/many")), "many", method());

    assertThat(lookUp(request("/one"))).isNotNull();
    assertThat(lookUp(request("/many"))).isNull();
  }

  @Test
  void aProxyOfChangingTargetsIsLookedUp() throws Exception {
    ProxyFactory fixed = new ProxyFactory(handler);
    fixed.setProxyTargetClass(true);
    ProxyFactory changing = new ProxyFactory();
    changing.setProxyTargetClass(true);
    changing.setTargetSource(new HotSwappableTargetSource(handler));
    mapping.registerMapping(built(mapping, post("/fixed")), fixed.getProxy(), method());
    mapping.registerMapping(built(mapping, post("/changing")), changing.getProxy(), method());

    assertThat(lookUp(request("/fixed"))).isNotNull();
    assertThat(lookUp(request("/changing"))).isNull();
  }

  // ---- what changes at run time

  @Test
  void nothingCountsAnyMoreOnceSomethingIsRegistered() throws Exception {
    lookUp(request("/orders"));

    map(post("/orders").headers("X-Priority"));

    assertThat(known.find(request("/orders"))).isNull();
  }

  @Test
  void whatWasRegisteredElsewhereMakesOneMoreLookUp() throws Exception {
    lookUp(request("/orders"));

    map(post("/elsewhere"));

    assertThat(known.find(request("/orders"))).isNull();
    assertThat(lookUp(request("/orders"))).isNotNull();
  }

  @Test
  void aLookUpThatMayHaveMissedARegistrationDoesNotCount() throws Exception {
    MockHttpServletRequest request = request("/orders");
    int before = known.registrations();
    LookUpRequest lookUp = new LookUpRequest(request);
    HandlerMethod found = handlerOf(mapping, lookUp);
    map(post("/elsewhere"));

    known.remember(request, lookUp, Objects.requireNonNull(found), endpoint, before);

    assertThat(known.find(request("/orders"))).isNull();
  }

  @Test
  void whatIsUnregisteredIsLookedUp() throws Exception {
    lookUp(request("/orders"));

    mapping.unregisterMapping(built(mapping, post("/orders")));

    assertThat(known.find(request("/orders"))).isNull();
  }

  @Test
  void soIsWhatWasUnregisteredBeforeItWasRemembered() throws Exception {
    MockHttpServletRequest request = request("/orders");
    LookUpRequest lookUp = new LookUpRequest(request);
    HandlerMethod found = handlerOf(mapping, lookUp);
    mapping.registerMapping(built(mapping, post("/named")), handler, method());
    int before = known.registrations();
    mapping.unregisterMapping(built(mapping, post("/orders")));

    known.remember(request, lookUp, Objects.requireNonNull(found), endpoint, before);

    assertThat(known.find(request("/orders"))).isNull();
  }

  @Test
  void soIsWhatIsUnregisteredWhileItIsRemembered() throws Exception {
    RequestMappingHandlerMapping named = new RequestMappingHandlerMapping();
    AtomicReference<Runnable> whenNamed = new AtomicReference<>(() -> {});
    named.setHandlerMethodMappingNamingStrategy(
        (handler, info) -> {
          whenNamed.get().run();
          return "all";
        });
    start(named, List.of(named));
    named.registerMapping(built(named, post("/orders")), handler, method());
    named.registerMapping(built(named, post("/others")), new Handler(), method());
    whenNamed.set(() -> named.unregisterMapping(built(named, post("/orders"))));

    assertThat(lookUp(named, request("/orders"), endpoint)).isNull();
  }

  @Test
  void withoutNoticeOfRegistrationsEverythingIsLookedUp() throws Exception {
    lookUp(request("/orders"));

    mapping.setHandlerMethodMappingNamingStrategy((handler, info) -> "another");

    assertThat(lookUp(request("/orders"))).isNull();
  }

  @Test
  void whatAnotherStrategyHasNamedIsLookedUp() throws Exception {
    RequestMappingHandlerMapping renamed = new RequestMappingHandlerMapping();
    renamed.setHandlerMethodMappingNamingStrategy((handler, info) -> "before");
    start(renamed, List.of());
    renamed.registerMapping(built(renamed, post("/orders")), handler, method());
    renamed.setHandlerMethodMappingNamingStrategy((handler, info) -> "after");
    renamed.registerMapping(built(renamed, post("/others")), new Handler(), method());
    known = new KnownPaths(List.of(renamed));

    assertThat(lookUp(renamed, request("/others"), endpoint)).isNotNull();
    assertThat(lookUp(renamed, request("/orders"), endpoint)).isNull();
  }

  @Test
  void mappingsKeepTheirNames() {
    assertThat(mapping.getHandlerMethodsForMappingName("H#handle")).hasSize(1);
  }

  // ---- how much is remembered

  @Test
  void aMappingThatCallsEveryPathAPatternFillsNoMemory() throws Exception {
    HandlerMethod another = new HandlerMethod(handler, method());
    for (int i = 0; i < KnownPaths.MOST; i++) {
      MockHttpServletRequest request = request("/pages/" + i);
      LookUpRequest lookUp = new LookUpRequest(request);
      lookUp.setAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE, "/pages/" + i);
      known.remember(request, lookUp, another, null, known.registrations());
    }

    assertThat(lookUp(request("/orders"))).isNull(); // there is no room, and it is looked up

    map(post("/elsewhere"));
    assertThat(lookUp(request("/orders"))).isNotNull();
  }

  // ---- looking up

  private @Nullable Route lookUp(MockHttpServletRequest request) throws Exception {
    return lookUp(request, endpoint);
  }

  private @Nullable Route lookUp(MockHttpServletRequest request, @Nullable HttpEndpoint endpoint)
      throws Exception {
    return lookUp(mapping, request, endpoint);
  }

  /** Looks up as the filter does, and returns what is known of the same request afterwards. */
  private @Nullable Route lookUp(
      HandlerMapping asked, MockHttpServletRequest request, @Nullable HttpEndpoint endpoint)
      throws Exception {
    int before = known.registrations();
    LookUpRequest lookUp = new LookUpRequest(request);
    HandlerMethod found = handlerOf(asked, lookUp);
    if (found != null) {
      known.remember(request, lookUp, found, endpoint, before);
    }
    return known.find(request);
  }

  private static @Nullable HandlerMethod handlerOf(HandlerMapping mapping, LookUpRequest lookUp)
      throws Exception {
    var chain = mapping.getHandler(lookUp);
    return chain == null ? null : (HandlerMethod) chain.getHandler();
  }

  private MockHttpServletRequest request(String uri) {
    return request("POST", uri);
  }

  private MockHttpServletRequest request(String method, String uri) {
    MockHttpServletRequest request =
        new MockHttpServletRequest(context.getServletContext(), method, uri);
    request.setServletPath(PathContainer.parsePath(uri).value());
    request.setHttpServletMapping(
        new MockHttpServletMapping("", "/", "dispatcher", MappingMatch.DEFAULT));
    return request;
  }

  private MockHttpServletRequest withBody(String uri, String type) {
    MockHttpServletRequest request = request(uri);
    request.setContent(new byte[] {'1'});
    request.setContentType(type);
    return request;
  }

  // ---- mapping

  private static RequestMappingInfo.Builder post(String path) {
    return RequestMappingInfo.paths(path).methods(RequestMethod.POST);
  }

  private void map(RequestMappingInfo.Builder info) {
    mapping.registerMapping(built(mapping, info), handler, method());
  }

  private static RequestMappingInfo built(
      RequestMappingHandlerMapping mapping, RequestMappingInfo.Builder info) {
    return info.options(mapping.getBuilderConfiguration()).build();
  }

  private static Method method() {
    return Objects.requireNonNull(ReflectionUtils.findMethod(Handler.class, "handle"));
  }

  private static ApiVersionStrategy versions() {
    return new DefaultApiVersionStrategy(
        List.of(request -> request.getHeader("X-Version")),
        new SemanticApiVersionParser(),
        false,
        null,
        true,
        null,
        null);
  }

  /** Proxies of it have its methods. */
  static class Handler {

    public void handle() {}
  }

  /** A condition of the application's own, which any request fulfils now. */
  private static final class Always implements RequestCondition<Always> {

    @Override
    public Always combine(Always other) {
      return this;
    }

    @Override
    public Always getMatchingCondition(HttpServletRequest request) {
      return this;
    }

    @Override
    public int compareTo(Always other, HttpServletRequest request) {
      return 0;
    }
  }
}
