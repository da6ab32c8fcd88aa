package io.idem.spring.boot;

import io.idem.core.Disposition;
import io.idem.http.SourceCheck;
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
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseEntity;
import org.springframework.http.codec.multipart.FormFieldPart;
import org.springframework.http.codec.multipart.Part;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.config.annotation.method.configuration.EnableReactiveMethodSecurity;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.util.MultiValueMap;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.reactive.BindingContext;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.reactive.result.method.HandlerMethodArgumentResolver;
import org.springframework.web.reactive.result.method.annotation.ArgumentResolverConfigurer;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The application of the contract in WebFlux. The script is a bean. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableReactiveMethodSecurity
class WebFluxContractApplication implements WebFluxConfigurer {

  private final ContractScript script;

  WebFluxContractApplication(ContractScript script) {
    this.script = script;
  }

  @Bean
  ExchangeCallerResolver callers() {
    return exchange -> Mono.justOrEmpty(ContractScript.caller(credential(exchange)));
  }

  @Bean
  SourceCheck sources() {
    return ContractScript::mayName;
  }

  /** What stands in front of the protection. */
  @Bean
  @Order(Ordered.HIGHEST_PRECEDENCE)
  WebFilter front() {
    return (exchange, chain) -> {
      int refusal = script.refusal(credential(exchange));
      if (refusal == 0) {
        return chain.filter(exchange);
      }
      exchange.getResponse().setRawStatusCode(refusal);
      return exchange.getResponse().setComplete();
    };
  }

  /** Tells the rules on handlers who calls. */
  @Bean
  @Order(0)
  WebFilter authentication() {
    return (exchange, chain) -> {
      String caller = ContractScript.caller(credential(exchange));
      return chain
          .filter(exchange)
          .contextWrite(
              ReactiveSecurityContextHolder.withAuthentication(
                  UsernamePasswordAuthenticationToken.authenticated(
                      caller == null ? "" : caller, null, List.of())));
    };
  }

  @Bean
  LeasedContractApplication.Recovery contractRecovery() {
    return new LeasedContractApplication.Recovery();
  }

  @Override
  public void configureArgumentResolvers(ArgumentResolverConfigurer resolvers) {
    resolvers.addCustomResolver(new Calls(script));
  }

  private static @Nullable String credential(ServerWebExchange exchange) {
    return exchange.getRequest().getHeaders().getFirst(HttpHeaders.AUTHORIZATION);
  }

  @RestController
  static class Endpoints {

    @RequestMapping(
        path = "/contract/plain/{name}",
        method = {RequestMethod.POST, RequestMethod.PATCH, RequestMethod.GET})
    @Idempotent
    Mono<ResponseEntity<byte[]>> plain(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/impatient/{name}")
    @Idempotent(waitAtMost = "0")
    Mono<ResponseEntity<byte[]>> impatient(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/brief/{name}")
    @Idempotent(waitAtMost = "300ms")
    Mono<ResponseEntity<byte[]>> brief(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/optional/{name}")
    @Idempotent(required = false)
    Mono<ResponseEntity<byte[]>> optional(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/own-header/{name}")
    @Idempotent(header = "X-Request-Key")
    Mono<ResponseEntity<byte[]>> ownHeader(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/shared/{name}")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    Mono<ResponseEntity<byte[]>> shared(Call call) {
      return call.answer();
    }

    @RequestMapping(
        path = "/contract/put/{name}",
        method = {RequestMethod.PUT, RequestMethod.DELETE})
    @Idempotent
    Mono<ResponseEntity<byte[]>> put(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/freeing/{name}")
    @Idempotent(onOtherFailure = Disposition.RELEASE)
    Mono<ResponseEntity<byte[]>> freeing(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/expiring/{name}")
    @Idempotent(retention = "2s", waitAtMost = "0", lease = "500ms")
    Mono<ResponseEntity<byte[]>> expiring(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/open/{name}")
    Mono<ResponseEntity<byte[]>> open(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/refusing/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s")
    Mono<ResponseEntity<byte[]>> refusing(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/retrying/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "RETRY")
    Mono<ResponseEntity<byte[]>> retrying(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/recovering/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "contractRecovery")
    Mono<ResponseEntity<byte[]>> recovering(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/comparing/{name}")
    @Idempotent(comparing = "json:/order/number")
    Mono<ResponseEntity<byte[]>> comparing(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/recording/{name}")
    @Idempotent(serverErrors = Idempotent.ServerErrors.RECORD)
    Mono<ResponseEntity<byte[]>> recording(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/busy-status/{name}")
    @Idempotent(waitAtMost = "0", busyStatus = 425)
    Mono<ResponseEntity<byte[]>> busyStatus(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/misuse/{name}")
    @Idempotent(pathScope = Idempotent.PathScope.MISUSE)
    Mono<ResponseEntity<byte[]>> misuse(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/body-key/{name}")
    @Idempotent(keyFrom = "json:/number")
    Mono<ResponseEntity<byte[]>> bodyKey(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/form-key/{name}")
    @Idempotent(keyFrom = "form:number")
    Mono<ResponseEntity<byte[]>> formKey(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/path-key/{name}")
    @Idempotent(keyFrom = "path:name")
    Mono<ResponseEntity<byte[]>> pathKey(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/sourced/{name}")
    @Idempotent(sourceFrom = "header:X-System", keyFrom = "header:X-Number")
    Mono<ResponseEntity<byte[]>> sourced(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/token/{name}")
    @Idempotent(operation = "contract.token", keyFrom = "token")
    Mono<ResponseEntity<byte[]>> token(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/brief-token/{name}")
    @Idempotent(operation = "contract.brief-token", keyFrom = "token", retention = "302s")
    Mono<ResponseEntity<byte[]>> briefToken(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/guarded/{name}")
    @Idempotent(notOlderThan = "1h")
    Mono<ResponseEntity<byte[]>> guarded(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/stripe/{name}")
    @Idempotent(dialect = "stripe", waitAtMost = "0")
    Mono<ResponseEntity<byte[]>> stripe(Call call) {
      return call.answer();
    }

    @PostMapping("/contract/oasis/{name}")
    @Idempotent(dialect = "oasis")
    Mono<ResponseEntity<byte[]>> oasis(Call call) {
      return call.answer();
    }
  }

  /** Its handler has a rule, and so a proxy. */
  @RestController
  static class SecuredEndpoint {

    @PostMapping("/contract/secured/{name}")
    @Idempotent
    @PreAuthorize("@contractScript.isGranted(authentication.name)")
    Mono<ResponseEntity<byte[]>> secured(Call call) {
      return call.answer();
    }
  }

  @RestControllerAdvice
  static class Refusals {

    @ExceptionHandler
    ResponseEntity<byte[]> on(ContractRejection rejection) {
      return entity(ContractResponse.text(402, String.valueOf(rejection.getMessage())));
    }

    @ExceptionHandler
    ResponseEntity<byte[]> on(AccessDeniedException denial) {
      return entity(ContractResponse.empty(403));
    }
  }

  private static ResponseEntity<byte[]> entity(ContractResponse answer) {
    HttpHeaders headers = new HttpHeaders();
    answer.headers().forEach(line -> headers.add(line.getKey(), line.getValue()));
    return ResponseEntity.status(answer.status())
        .headers(headers)
        .body(answer.body().length == 0 ? null : answer.body());
  }

  private record Calls(ContractScript script) implements HandlerMethodArgumentResolver {

    @Override
    public boolean supportsParameter(MethodParameter parameter) {
      return parameter.getParameterType() == Call.class;
    }

    @Override
    public Mono<Object> resolveArgument(
        MethodParameter parameter, BindingContext binding, ServerWebExchange exchange) {
      return Mono.zip(
              exchange.getFormData(),
              exchange.getMultipartData(),
              DataBufferUtils.join(exchange.getRequest().getBody())
                  .map(Calls::bytesOf)
                  .defaultIfEmpty(new byte[0]))
          .map(read -> new Call(exchange, script, read.getT3(), read.getT1(), read.getT2()));
    }

    private static byte[] bytesOf(DataBuffer data) {
      byte[] bytes = new byte[data.readableByteCount()];
      data.read(bytes);
      DataBufferUtils.release(data);
      return bytes;
    }
  }

  /** The call of a handler, which plays the script, with everything read that it may ask for. */
  static final class Call implements ContractCall {

    private final ServerWebExchange exchange;
    private final ContractScript script;
    private final byte[] body;
    private final MultiValueMap<String, String> form;
    private final MultiValueMap<String, Part> parts;

    Call(
        ServerWebExchange exchange,
        ContractScript script,
        byte[] body,
        MultiValueMap<String, String> form,
        MultiValueMap<String, Part> parts) {
      this.exchange = exchange;
      this.script = script;
      this.body = body;
      this.form = form;
      this.parts = parts;
    }

    /** The script waits, and so has a thread that may. */
    Mono<ResponseEntity<byte[]>> answer() {
      String path = exchange.getRequest().getPath().value();
      return Mono.fromCallable(() -> script.answer(path.substring(path.lastIndexOf('/') + 1), this))
          .subscribeOn(Schedulers.boundedElastic())
          .flatMap(this::send);
    }

    private Mono<ResponseEntity<byte[]>> send(ContractResponse answer) {
      ContractResponse.Rest rest = answer.rest();
      if (answer.errorMessage() != null) {
        return Mono.error(
            new ResponseStatusException(
                HttpStatusCode.valueOf(answer.status()), answer.errorMessage()));
      } else if (rest != null) {
        ServerHttpResponse response = exchange.getResponse();
        response.setRawStatusCode(answer.status());
        return response
            .writeAndFlushWith(
                Flux.concat(
                        Mono.just(answer.body()),
                        Mono.fromCallable(rest::get).subscribeOn(Schedulers.boundedElastic()))
                    .map(bytes -> Mono.just(response.bufferFactory().wrap(bytes))))
            .then(Mono.empty());
      }
      return Mono.just(entity(answer));
    }

    @Override
    public @Nullable String header(String name) {
      return exchange.getRequest().getHeaders().getFirst(name);
    }

    @Override
    public byte[] body() {
      return body.clone();
    }

    @Override
    public List<String> field(String name) {
      List<Part> fields = parts.getOrDefault(name, List.of());
      return fields.isEmpty()
          ? form.getOrDefault(name, List.of())
          : fields.stream().map(part -> ((FormFieldPart) part).value()).toList();
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
  }
}
