package io.idem.spring.boot;

import io.idem.http.EndpointContract;
import io.idem.http.HttpEndpoint;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springdoc.core.customizers.GlobalOpenApiCustomizer;
import org.springdoc.core.customizers.GlobalOperationCustomizer;
import org.springframework.web.method.HandlerMethod;

/**
 * Tells springdoc what the protected endpoints promise. In two steps, because only with a handler
 * at hand its endpoint is found, and only in the finished document it is seen which methods lead to
 * it and what is shared. The same for Spring MVC and WebFlux. Thread-safe.
 */
final class EndpointDocumentation implements GlobalOperationCustomizer, GlobalOpenApiCustomizer {

  private static final Logger log = LoggerFactory.getLogger(EndpointDocumentation.class);

  /** Where an operation carries its endpoints; never in a finished document. */
  private static final String MARKS = "x-idempotency-endpoints";

  private final Function<HandlerMethod, Optional<HttpEndpoint>> endpoints;
  private final Function<HttpEndpoint, EndpointContract> contracts;

  /**
   * A customizer.
   *
   * @param endpoints finds the endpoint of a handler, if it is protected
   * @param contracts says what an endpoint promises
   */
  EndpointDocumentation(
      Function<HandlerMethod, Optional<HttpEndpoint>> endpoints,
      Function<HttpEndpoint, EndpointContract> contracts) {
    this.endpoints = endpoints;
    this.contracts = contracts;
  }

  /** Marks the operation of a protected handler. */
  @Override
  public Operation customize(Operation operation, HandlerMethod handler) {
    endpoints
        .apply(handler)
        .ifPresent(
            endpoint -> {
              Marks marks = marksOf(operation);
              if (marks == null) {
                marks = new Marks(new LinkedHashSet<>());
                operation.addExtension(MARKS, marks);
              }
              // Several handlers of one path and method are one operation.
              marks.endpoints().add(endpoint);
            });
    return operation;
  }

  /** Describes the marked operations. */
  @Override
  public void customise(OpenAPI document) {
    if (document.getPaths() == null) {
      return;
    }
    if (document.getComponents() == null) {
      document.setComponents(new Components());
    }
    ContractDocumentation documentation = new ContractDocumentation(document.getComponents());
    for (PathItem path : document.getPaths().values()) {
      for (Map.Entry<PathItem.HttpMethod, Operation> entry : path.readOperationsMap().entrySet()) {
        Operation operation = entry.getValue();
        Marks marks = marksOf(operation);
        if (marks != null) {
          operation.getExtensions().remove(MARKS);
          if (operation.getExtensions().isEmpty()) {
            operation.setExtensions(null);
          }
          for (HttpEndpoint endpoint : marks.endpoints()) {
            // A handler of all methods is not protected from those that are safe.
            if (endpoint.protects(entry.getKey().name())) {
              describe(documentation, operation, endpoint);
            }
          }
        }
      }
    }
  }

  /** One that cannot be described does not take the document from all the others. */
  private void describe(
      ContractDocumentation documentation, Operation operation, HttpEndpoint endpoint) {
    try {
      documentation.describe(operation, contracts.apply(endpoint));
    } catch (RuntimeException e) {
      log.warn(
          "The endpoint '{}' is not described in the OpenAPI document, or not wholly: its dialect"
              + " '{}' is asked to answer an example request, which has nothing but a path, a key"
              + " and what else the endpoint looks for",
          endpoint.operation().name(),
          endpoint.dialect().name(),
          e);
    }
  }

  private static @Nullable Marks marksOf(Operation operation) {
    return operation.getExtensions() != null
            && operation.getExtensions().get(MARKS) instanceof Marks marks
        ? marks
        : null;
  }

  /** The endpoints behind an operation, for as long as the document is being made. */
  private record Marks(Set<HttpEndpoint> endpoints) {}
}
