package io.idem.interop;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import io.idem.http.HttpDialect;
import io.idem.servlet.CallerResolver;
import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import java.util.Map;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.iceberg.rest.CatalogHandlers;
import org.apache.iceberg.rest.RESTSerializers;
import org.apache.iceberg.rest.requests.CreateNamespaceRequest;
import org.apache.iceberg.rest.requests.CreateTableRequest;
import org.apache.iceberg.rest.responses.ConfigResponse;
import org.apache.iceberg.rest.responses.ErrorResponse;
import org.apache.iceberg.rest.responses.ErrorResponseParser;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.method.HandlerMethod;

/** As much of an Iceberg REST catalog as it takes to create namespaces and tables. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(IcebergService.Catalog.class)
class IcebergService {

  /** The name of a warehouse that does not say that it knows keys. */
  static final String SILENT = "silent";

  @Bean
  CallerResolver callers() {
    return request -> request.getHeader("Authorization");
  }

  @Bean
  HttpDialect icebergDialect() {
    return new IcebergDialect();
  }

  @RestController
  static class Catalog {

    private final InMemoryCatalog catalog = new InMemoryCatalog();
    private final ObjectMapper json = new ObjectMapper();
    private final Desk desk;
    private final ObjectProvider<WebEndpoints> endpoints;

    Catalog(Desk desk, ObjectProvider<WebEndpoints> endpoints) {
      this.desk = desk;
      this.endpoints = endpoints;
      catalog.initialize("service", Map.of());
      json.setVisibility(PropertyAccessor.FIELD, JsonAutoDetect.Visibility.ANY);
      json.setPropertyNamingStrategy(new PropertyNamingStrategies.KebabCaseStrategy());
      RESTSerializers.registerAll(json);
    }

    /** Publishes how long keys are kept: with that, clients begin to send them. */
    @GetMapping("/v1/config")
    ResponseEntity<String> config(@RequestParam(defaultValue = "") String warehouse)
        throws Exception {
      ConfigResponse.Builder config = ConfigResponse.builder();
      if (!warehouse.equals(SILENT)) {
        HandlerMethod handler =
            new HandlerMethod(this, Catalog.class.getDeclaredMethod("namespace", String.class));
        config.withIdempotencyKeyLifetime(
            endpoints
                .getObject()
                .endpointOf(handler)
                .orElseThrow()
                .operation()
                .retention()
                .toString());
      }
      return json(200, json.writeValueAsString(config.build()));
    }

    @PostMapping("/v1/namespaces")
    @Idempotent(waitAtMost = "0", retention = "2h")
    ResponseEntity<String> namespace(@RequestBody String body) throws JsonProcessingException {
      CreateNamespaceRequest request = json.readValue(body, CreateNamespaceRequest.class);
      desk.run(request.namespace().toString());
      return json(200, json.writeValueAsString(CatalogHandlers.createNamespace(catalog, request)));
    }

    @PostMapping("/v1/namespaces/{namespace}/tables")
    @Idempotent(waitAtMost = "0", retention = "2h")
    ResponseEntity<String> table(@PathVariable String namespace, @RequestBody String body)
        throws JsonProcessingException {
      CreateTableRequest request = json.readValue(body, CreateTableRequest.class);
      desk.run(namespace + "." + request.name());
      return json(
          200,
          json.writeValueAsString(
              CatalogHandlers.createTable(catalog, Namespace.of(namespace), request)));
    }

    @ExceptionHandler
    ResponseEntity<String> exists(AlreadyExistsException e) {
      return json(
          409,
          ErrorResponseParser.toJson(
              ErrorResponse.builder()
                  .responseCode(409)
                  .withType(AlreadyExistsException.class.getSimpleName())
                  .withMessage(e.getMessage())
                  .build()));
    }

    private static ResponseEntity<String> json(int status, String body) {
      return ResponseEntity.status(status).contentType(MediaType.APPLICATION_JSON).body(body);
    }
  }
}
