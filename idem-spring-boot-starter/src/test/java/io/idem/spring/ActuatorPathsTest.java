package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.KnownPaths.Route;
import jakarta.servlet.http.MappingMatch;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.actuate.endpoint.web.EndpointLinksResolver;
import org.springframework.boot.actuate.endpoint.web.EndpointMapping;
import org.springframework.boot.actuate.endpoint.web.EndpointMediaTypes;
import org.springframework.boot.webmvc.actuate.endpoint.web.ControllerEndpointHandlerMapping;
import org.springframework.boot.webmvc.actuate.endpoint.web.WebMvcEndpointHandlerMapping;
import org.springframework.mock.web.MockHttpServletMapping;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.context.support.StaticWebApplicationContext;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerExecutionChain;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** Which look-ups are remembered where the actuator's mapping is asked first. */
class ActuatorPathsTest {

  private final StaticWebApplicationContext context = new StaticWebApplicationContext();
  private final RequestMappingHandlerMapping mapping = new RequestMappingHandlerMapping();
  private final WebMvcEndpointHandlerMapping actuator =
      new WebMvcEndpointHandlerMapping(
          new EndpointMapping("/actuator"),
          List.of(),
          EndpointMediaTypes.DEFAULT,
          null,
          new EndpointLinksResolver(List.of()),
          true);
  private KnownPaths known = new KnownPaths(List.of());

  @BeforeEach
  void start() throws Exception {
    context.refresh();
    actuator.setApplicationContext(context);
    actuator.afterPropertiesSet();
    mapping.setApplicationContext(context);
    mapping.afterPropertiesSet();
    known = new KnownPaths(List.of(actuator, mapping));
    mapping.registerMapping(post("/orders"), new Handler(), method());
    mapping.registerMapping(post("/actuator"), new Handler(), method());
  }

  @AfterEach
  void stop() {
    context.close();
  }

  @Test
  void aPathOfTheApplicationIsRemembered() throws Exception {
    assertThat(lookUp("/orders")).isNotNull();
  }

  /** Boot maps the controllers of the actuator in front, whether there are any or not. */
  @Test
  @SuppressWarnings("removal") // as long as there is such a mapping, it is in front of all others
  void soIsOneBehindTheActuatorsControllers() throws Exception {
    ControllerEndpointHandlerMapping controllers =
        new ControllerEndpointHandlerMapping(new EndpointMapping("/actuator"), List.of(), null);
    controllers.setApplicationContext(context);
    controllers.afterPropertiesSet();
    known = new KnownPaths(List.of(controllers, actuator, mapping));

    assertThat(lookUp("/orders")).isNotNull();
    assertThat(lookUp("/actuator")).isNull();
  }

  @Test
  void aPathThatTheActuatorMayRefuseIsLookedUp() throws Exception {
    assertThat(lookUp("/actuator")).isNull();
  }

  @Test
  void anOperationThatIsRegisteredLaterIsAskedFirst() throws Exception {
    lookUp("/orders");

    actuator.registerMapping(post("/{all}"), new Handler(), method());

    assertThat(lookUp("/orders")).isNull();
  }

  @Test
  void soIsADefaultHandler() throws Exception {
    lookUp("/orders");

    actuator.setDefaultHandler(new Handler());

    assertThat(lookUp("/orders")).isNull();
  }

  @Test
  void withoutNoticeOfOperationsEverythingIsLookedUp() throws Exception {
    lookUp("/orders");

    actuator.setHandlerMethodMappingNamingStrategy((handler, info) -> "another");

    assertThat(lookUp("/orders")).isNull();
  }

  /** Looks up in the application's mapping, and returns what is known afterwards. */
  private @Nullable Route lookUp(String path) throws Exception {
    MockHttpServletRequest request =
        new MockHttpServletRequest(context.getServletContext(), "POST", path);
    request.setHttpServletMapping(
        new MockHttpServletMapping("", "/", "dispatcher", MappingMatch.DEFAULT));
    int before = known.registrations();
    LookUpRequest lookUp = new LookUpRequest(request);
    HandlerExecutionChain chain = Objects.requireNonNull(mapping.getHandler(lookUp));
    known.remember(request, lookUp, (HandlerMethod) chain.getHandler(), null, before);
    return known.find(request);
  }

  private RequestMappingInfo post(String path) {
    return RequestMappingInfo.paths(path)
        .methods(RequestMethod.POST)
        .options(mapping.getBuilderConfiguration())
        .build();
  }

  private static Method method() throws NoSuchMethodException {
    return Handler.class.getDeclaredMethod("handle");
  }

  /** Does nothing. */
  static class Handler {

    public void handle() {}
  }
}
