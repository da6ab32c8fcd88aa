package io.idem.spring.boot;

import io.idem.core.Disposition;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.ContractCall;
import io.idem.testkit.http.ContractRejection;
import io.idem.testkit.http.ContractResponse;
import io.idem.testkit.http.ContractScript;
import io.idem.webflux.ExchangeCallerResolver;
import io.idem.webflux.IdempotentExchange;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.http.codec.multipart.FormFieldPart;
import org.springframework.http.codec.multipart.Part;
import org.springframework.util.MultiValueMap;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The application of the contract in WebFlux. The script is a bean. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
class WebFluxContractApplication {

  @Bean
  ExchangeCallerResolver callers() {
    return exchange -> Mono.justOrEmpty(ContractScript.caller(credential(exchange)));
  }

  /** What stands in front of the protection. */
  @Bean
  @Order(Ordered.HIGHEST_PRECEDENCE)
  WebFilter front(ContractScript script) {
    return (exchange, chain) -> {
      int refusal = script.refusal(credential(exchange));
      if (refusal == 0) {
        return chain.filter(exchange);
      }
      exchange.getResponse().setRawStatusCode(refusal);
      return exchange.getResponse().setComplete();
    };
  }

  @Bean
  LeasedContractApplication.Recovery contractRecovery() {
    return new LeasedContractApplication.Recovery();
  }

  private static @Nullable String credential(ServerWebExchange exchange) {
    return exchange.getRequest().getHeaders().getFirst(HttpHeaders.AUTHORIZATION);
  }

  @RestController
  static class Endpoints {

    private final ContractScript script;

    Endpoints(ContractScript script) {
      this.script = script;
    }

    @RequestMapping(
        path = "/contract/plain/{name}",
        method = {RequestMethod.POST, RequestMethod.PATCH, RequestMethod.GET})
    @Idempotent
    Mono<ResponseEntity<byte[]>> plain(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/impatient/{name}", method = RequestMethod.POST)
    @Idempotent(waitAtMost = "0")
    Mono<ResponseEntity<byte[]>> impatient(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/brief/{name}", method = RequestMethod.POST)
    @Idempotent(waitAtMost = "300ms")
    Mono<ResponseEntity<byte[]>> brief(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/optional/{name}", method = RequestMethod.POST)
    @Idempotent(required = false)
    Mono<ResponseEntity<byte[]>> optional(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/own-header/{name}", method = RequestMethod.POST)
    @Idempotent(header = "X-Request-Key")
    Mono<ResponseEntity<byte[]>> ownHeader(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/shared/{name}", method = RequestMethod.POST)
    @Idempotent(caller = Idempotent.Caller.SHARED)
    Mono<ResponseEntity<byte[]>> shared(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(
        path = "/contract/put/{name}",
        method = {RequestMethod.PUT, RequestMethod.DELETE})
    @Idempotent
    Mono<ResponseEntity<byte[]>> put(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/freeing/{name}", method = RequestMethod.POST)
    @Idempotent(onOtherFailure = Disposition.RELEASE)
    Mono<ResponseEntity<byte[]>> freeing(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/expiring/{name}", method = RequestMethod.POST)
    @Idempotent(retention = "2s", waitAtMost = "0", lease = "500ms")
    Mono<ResponseEntity<byte[]>> expiring(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/open/{name}", method = RequestMethod.POST)
    Mono<ResponseEntity<byte[]>> open(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/refusing/{name}", method = RequestMethod.POST)
    @Idempotent(waitAtMost = "0", lease = "2s")
    Mono<ResponseEntity<byte[]>> refusing(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/retrying/{name}", method = RequestMethod.POST)
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "RETRY")
    Mono<ResponseEntity<byte[]>> retrying(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    @RequestMapping(path = "/contract/recovering/{name}", method = RequestMethod.POST)
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "contractRecovery")
    Mono<ResponseEntity<byte[]>> recovering(@PathVariable String name, ServerWebExchange exchange) {
      return answer(name, exchange);
    }

    /** The script waits, and so has a thread that may. */
    private Mono<ResponseEntity<byte[]>> answer(String name, ServerWebExchange exchange) {
      return Call.of(exchange, script)
          .flatMap(
              call ->
                  Mono.fromCallable(() -> entity(script.answer(name, call)))
                      .subscribeOn(Schedulers.boundedElastic()));
    }
  }

  @RestControllerAdvice
  static class Rejections {

    @ExceptionHandler
    ResponseEntity<byte[]> on(ContractRejection rejection) {
      return entity(ContractResponse.text(402, String.valueOf(rejection.getMessage())));
    }
  }

  private static ResponseEntity<byte[]> entity(ContractResponse answer) {
    if (answer.errorMessage() != null) {
      throw new ResponseStatusException(
          org.springframework.http.HttpStatusCode.valueOf(answer.status()), answer.errorMessage());
    }
    HttpHeaders headers = new HttpHeaders();
    answer.headers().forEach(line -> headers.add(line.getKey(), line.getValue()));
    return ResponseEntity.status(answer.status())
        .headers(headers)
        .body(answer.body().length == 0 ? null : answer.body());
  }

  /** A request with everything read that the script may ask for. */
  private record Call(
      ServerWebExchange exchange,
      ContractScript script,
      byte[] body,
      MultiValueMap<String, String> form,
      MultiValueMap<String, Part> parts)
      implements ContractCall {

    static Mono<Call> of(ServerWebExchange exchange, ContractScript script) {
      return Mono.zip(
              exchange.getFormData(),
              exchange.getMultipartData(),
              DataBufferUtils.join(exchange.getRequest().getBody())
                  .map(Call::bytesOf)
                  .defaultIfEmpty(new byte[0]))
          .map(read -> new Call(exchange, script, read.getT3(), read.getT1(), read.getT2()));
    }

    private static byte[] bytesOf(DataBuffer data) {
      byte[] bytes = new byte[data.readableByteCount()];
      data.read(bytes);
      DataBufferUtils.release(data);
      return bytes;
    }

    @Override
    public @Nullable String header(String name) {
      return exchange.getRequest().getHeaders().getFirst(name);
    }

    @Override
    public List<String> field(String name) {
      if (parts.containsKey(name)) {
        return parts.get(name).stream()
            .filter(FormFieldPart.class::isInstance)
            .map(part -> ((FormFieldPart) part).value())
            .toList();
      }
      return form.getOrDefault(name, List.of());
    }

    @Override
    public void nothingHappened() {
      IdempotentExchange.nothingHappened(exchange);
    }

    @Override
    public void doNotKeep() {
      IdempotentExchange.doNotKeepResponse(exchange);
    }

    @Override
    public void effect(String name) {
      script.mark(name);
    }

    @Override
    public void effectThenRejection(String name) {
      throw new UnsupportedOperationException("There is no transaction");
    }

    @Override
    public void beforeCommit(Runnable action) {
      throw new UnsupportedOperationException("There is no transaction");
    }
  }
}
