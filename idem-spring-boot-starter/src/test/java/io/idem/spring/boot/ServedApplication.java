package io.idem.spring.boot;

import java.net.URI;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * An application that listens on a free port of the loopback interface, on an H2 of its own.
 *
 * @param base the URI that its paths are relative to
 */
record ServedApplication(ConfigurableApplicationContext context, URI base)
    implements AutoCloseable {

  /** Starts it with further properties, each {@code name=value}. */
  static ServedApplication start(Class<?> application, String... properties) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "server.port=0",
                "server.address=127.0.0.1",
                "spring.main.banner-mode=off",
                "spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1"));
    all.addAll(List.of(properties));
    ConfigurableApplicationContext context =
        new SpringApplicationBuilder(application).properties(all.toArray(String[]::new)).run();
    String port = context.getEnvironment().getProperty("local.server.port");
    return new ServedApplication(context, URI.create("http://127.0.0.1:" + port));
  }

  <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  static boolean isReplay(HttpResponse<?> response) {
    return response.headers().firstValue("Idempotent-Replayed").isPresent();
  }

  @Override
  public void close() {
    context.close();
  }
}
