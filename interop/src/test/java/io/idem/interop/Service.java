package io.idem.interop;

import java.util.stream.Stream;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** An application on a port of its own, on the loopback interface. */
final class Service implements AutoCloseable {

  private final ConfigurableApplicationContext context;

  private Service(ConfigurableApplicationContext context) {
    this.context = context;
  }

  static Service start(Class<?> application, String... properties) {
    String[] all =
        Stream.concat(
                Stream.of(
                    "server.port=0",
                    "server.address=127.0.0.1",
                    "spring.main.banner-mode=off",
                    "springdoc.api-docs.enabled=false",
                    "idem.store=memory"),
                Stream.of(properties))
            .toArray(String[]::new);
    return new Service(
        new SpringApplicationBuilder(application, Arrivals.class, Desk.class)
            .properties(all)
            .run());
  }

  int port() {
    return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
  }

  Arrivals arrivals() {
    return context.getBean(Arrivals.class);
  }

  Desk desk() {
    return context.getBean(Desk.class);
  }

  @Override
  public void close() {
    context.close();
  }
}
