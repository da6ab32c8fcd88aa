package io.idem.webflux;

import io.idem.http.HttpIdempotency;
import io.idem.http.ProblemType;
import java.nio.charset.StandardCharsets;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Serves what the type URIs of problems resolve to, as plain text.
 *
 * <p>It is routed to under {@link HttpIdempotency#problemBase()} with the path variable {@value
 * #SLUG} behind, where that base is a path of this application. It needs no authentication.
 * Stateless and thread-safe.
 */
public final class ProblemDocumentation implements HandlerFunction<ServerResponse> {

  /** The path variable that names a problem. */
  public static final String SLUG = "slug";

  private static final MediaType TEXT = new MediaType("text", "plain", StandardCharsets.UTF_8);

  /** Creates the handler. */
  public ProblemDocumentation() {
    // stateless
  }

  @Override
  public Mono<ServerResponse> handle(ServerRequest request) {
    return ProblemType.ofSlug(request.pathVariable(SLUG))
        .map(
            problem ->
                ServerResponse.ok()
                    .contentType(TEXT)
                    .bodyValue(problem.title() + "\n\n" + problem.documentation()))
        .orElseGet(() -> ServerResponse.notFound().build());
  }
}
