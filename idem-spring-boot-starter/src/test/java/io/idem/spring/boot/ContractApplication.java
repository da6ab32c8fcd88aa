package io.idem.spring.boot;

import io.idem.core.Disposition;
import io.idem.http.SourceCheck;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotentExchange;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.ContractRejection;
import io.idem.testkit.http.ContractResponse;
import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.ServletCall;
import io.idem.testkit.http.ServletFront;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.config.annotation.method.configuration.EnableMethodSecurity;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** The application of the contract in Spring MVC. The script and its effects are beans. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableMethodSecurity
class ContractApplication implements WebMvcConfigurer {

  private final ContractScript script;
  private final Effects effects;

  ContractApplication(ContractScript script, Effects effects) {
    this.script = script;
    this.effects = effects;
  }

  @Bean
  CallerResolver callers() {
    return request -> ContractScript.caller(request.getHeader(HttpHeaders.AUTHORIZATION));
  }

  @Bean
  SourceCheck sources() {
    return ContractScript::mayName;
  }

  @Bean
  FilterRegistrationBean<Filter> front() {
    FilterRegistrationBean<Filter> front = new FilterRegistrationBean<>(new ServletFront(script));
    front.setOrder(Ordered.HIGHEST_PRECEDENCE);
    return front;
  }

  /** Tells the rules on handlers who calls. */
  @Bean
  FilterRegistrationBean<Filter> authentication() {
    return new FilterRegistrationBean<>(
        (request, response, chain) -> {
          String caller = callers().resolve((HttpServletRequest) request);
          SecurityContextHolder.getContext()
              .setAuthentication(
                  UsernamePasswordAuthenticationToken.authenticated(
                      Objects.requireNonNullElse(caller, ""), null, List.of()));
          try {
            chain.doFilter(request, response);
          } finally {
            SecurityContextHolder.clearContext();
          }
        });
  }

  @Override
  public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
    resolvers.add(new Calls(script, effects));
  }

  /** What runs leave behind. */
  interface Effects {

    void add(String name);

    void addAndReject(String name);
  }

  @RestController
  static class Endpoints {

    @RequestMapping(
        path = "/contract/plain/{name}",
        method = {RequestMethod.POST, RequestMethod.PATCH, RequestMethod.GET})
    @Idempotent
    @Nullable ResponseEntity<byte[]> plain(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/impatient/{name}")
    @Idempotent(waitAtMost = "0")
    @Nullable ResponseEntity<byte[]> impatient(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/brief/{name}")
    @Idempotent(waitAtMost = "300ms")
    @Nullable ResponseEntity<byte[]> brief(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/optional/{name}")
    @Idempotent(required = false)
    @Nullable ResponseEntity<byte[]> optional(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/own-header/{name}")
    @Idempotent(header = "X-Request-Key")
    @Nullable ResponseEntity<byte[]> ownHeader(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/shared/{name}")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    @Nullable ResponseEntity<byte[]> shared(Call call) throws Exception {
      return call.answer();
    }

    @RequestMapping(
        path = "/contract/put/{name}",
        method = {RequestMethod.PUT, RequestMethod.DELETE})
    @Idempotent
    @Nullable ResponseEntity<byte[]> put(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/freeing/{name}")
    @Idempotent(onOtherFailure = Disposition.RELEASE)
    @Nullable ResponseEntity<byte[]> freeing(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/expiring/{name}")
    @Idempotent(retention = "2s", waitAtMost = "0", lease = "500ms")
    @Nullable ResponseEntity<byte[]> expiring(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/open/{name}")
    @Nullable ResponseEntity<byte[]> open(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/comparing/{name}")
    @Idempotent(comparing = "json:/order/number")
    @Nullable ResponseEntity<byte[]> comparing(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/recording/{name}")
    @Idempotent(serverErrors = Idempotent.ServerErrors.RECORD)
    @Nullable ResponseEntity<byte[]> recording(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/busy-status/{name}")
    @Idempotent(waitAtMost = "0", busyStatus = 425)
    @Nullable ResponseEntity<byte[]> busyStatus(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/misuse/{name}")
    @Idempotent(pathScope = Idempotent.PathScope.MISUSE)
    @Nullable ResponseEntity<byte[]> misuse(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/body-key/{name}")
    @Idempotent(keyFrom = "json:/number")
    @Nullable ResponseEntity<byte[]> bodyKey(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/form-key/{name}")
    @Idempotent(keyFrom = "form:number")
    @Nullable ResponseEntity<byte[]> formKey(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/path-key/{name}")
    @Idempotent(keyFrom = "path:name")
    @Nullable ResponseEntity<byte[]> pathKey(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/sourced/{name}")
    @Idempotent(sourceFrom = "header:X-System", keyFrom = "header:X-Number")
    @Nullable ResponseEntity<byte[]> sourced(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/token/{name}")
    @Idempotent(operation = "contract.token", keyFrom = "token")
    @Nullable ResponseEntity<byte[]> token(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/brief-token/{name}")
    @Idempotent(operation = "contract.brief-token", keyFrom = "token", retention = "302s")
    @Nullable ResponseEntity<byte[]> briefToken(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/guarded/{name}")
    @Idempotent(notOlderThan = "1h")
    @Nullable ResponseEntity<byte[]> guarded(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/stripe/{name}")
    @Idempotent(dialect = "stripe", waitAtMost = "0")
    @Nullable ResponseEntity<byte[]> stripe(Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/oasis/{name}")
    @Idempotent(dialect = "oasis")
    @Nullable ResponseEntity<byte[]> oasis(Call call) throws Exception {
      return call.answer();
    }
  }

  /** Its handler has a rule, and so a proxy. */
  @RestController
  static class SecuredEndpoint {

    @PostMapping("/contract/secured/{name}")
    @Idempotent
    @PreAuthorize("@contractScript.isGranted(authentication.name)")
    @Nullable ResponseEntity<byte[]> secured(Call call) throws Exception {
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

  private record Calls(ContractScript script, Effects effects)
      implements HandlerMethodArgumentResolver {

    @Override
    public boolean supportsParameter(MethodParameter parameter) {
      return parameter.getParameterType() == Call.class;
    }

    @Override
    public Call resolveArgument(
        MethodParameter parameter,
        @Nullable ModelAndViewContainer container,
        NativeWebRequest request,
        @Nullable WebDataBinderFactory binders) {
      return new Call(
          script,
          effects,
          Objects.requireNonNull(request.getNativeRequest(HttpServletRequest.class)),
          Objects.requireNonNull(request.getNativeResponse(HttpServletResponse.class)));
    }
  }

  /** The call of a handler, which plays the script. */
  static final class Call extends ServletCall {

    private final ContractScript script;
    private final Effects effects;
    private final HttpServletRequest request;
    private final HttpServletResponse response;

    Call(
        ContractScript script,
        Effects effects,
        HttpServletRequest request,
        HttpServletResponse response) {
      super(request);
      this.script = script;
      this.effects = effects;
      this.request = request;
      this.response = response;
    }

    /** The answer, or null if it has been given. */
    @Nullable ResponseEntity<byte[]> answer() throws Exception {
      String path = request.getRequestURI();
      ContractResponse answer = script.answer(path.substring(path.lastIndexOf('/') + 1), this);
      ContractResponse.Rest rest = answer.rest();
      if (answer.errorMessage() != null) {
        response.sendError(answer.status(), answer.errorMessage());
        return null;
      } else if (rest != null) {
        response.setStatus(answer.status());
        response.getOutputStream().write(answer.body());
        response.flushBuffer();
        response.getOutputStream().write(rest.get());
        return null;
      }
      return entity(answer);
    }

    @Override
    public void nothingHappened() {
      IdempotentExchange.nothingHappened(request);
    }

    @Override
    public void doNotKeep() {
      IdempotentExchange.doNotKeepResponse(request);
    }

    @Override
    public void effect(String name) {
      effects.add(name);
    }

    @Override
    public void effectThenRejection(String name) {
      effects.addAndReject(name);
    }

    @Override
    public void beforeCommit(Runnable action) {
      TransactionSynchronizationManager.registerSynchronization(
          new TransactionSynchronization() {
            @Override
            public void beforeCommit(boolean readOnly) {
              action.run();
            }
          });
    }
  }
}
