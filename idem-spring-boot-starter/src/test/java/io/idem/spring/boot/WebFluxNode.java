package io.idem.spring.boot;

import io.idem.testkit.http.RawHttp;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.http.client.ReactorResourceFactory;

/** An application of WebFlux with the in-memory store, on a socket. */
final class WebFluxNode implements AutoCloseable {

  private final ConfigurableApplicationContext context;

  WebFluxNode(Class<?> application, String... more) {
    List<String> properties =
        new ArrayList<>(
            List.of(
                "server.port=0",
                "server.address=127.0.0.1",
                "spring.main.banner-mode=off",
                "spring.main.register-shutdown-hook=false",
                "spring.autoconfigure.exclude="
                    + "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
                "idem.store=memory"));
    properties.addAll(List.of(more));
    this.context =
        new SpringApplicationBuilder(application)
            .web(WebApplicationType.REACTIVE)
            .properties(properties.toArray(String[]::new))
            .initializers(node -> useOwnLoops((GenericApplicationContext) node))
            .run();
  }

  /**
   * The global ones would end with the first of several nodes in this process. Spring has waited
   * for what is under way before they end: they need not be quiet for two seconds more.
   */
  static void useOwnLoops(GenericApplicationContext node) {
    node.registerBean(
        ReactorResourceFactory.class,
        () -> {
          ReactorResourceFactory resources = new ReactorResourceFactory();
          resources.setUseGlobalResources(false);
          resources.setShutdownQuietPeriod(Duration.ZERO);
          return resources;
        });
  }

  <B> B bean(Class<B> type) {
    return context.getBean(type);
  }

  RawResponse send(RawRequest request) {
    URI base =
        URI.create("http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port"));
    try {
      return RawHttp.exchange(base, request);
    } catch (IOException e) {
      throw new AssertionError("No answer to " + request, e);
    }
  }

  @Override
  public void close() {
    context.close();
  }
}
