package io.idem.spring.boot;

import io.idem.core.Disposition;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotentExchange;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.ContractCall;
import io.idem.testkit.http.ContractRejection;
import io.idem.testkit.http.ContractResponse;
import io.idem.testkit.http.ContractScript;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/** The application of the contract in Spring MVC. The script and its effects are beans. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
class ContractApplication {

  @Bean
  CallerResolver callers() {
    return request -> ContractScript.caller(request.getHeader(HttpHeaders.AUTHORIZATION));
  }

  /** What stands in front of the protection. */
  @Bean
  FilterRegistrationBean<Filter> front(ContractScript script) {
    FilterRegistrationBean<Filter> front =
        new FilterRegistrationBean<>(
            (request, response, chain) -> {
              HttpServletRequest http = (HttpServletRequest) request;
              int refusal = script.refusal(http.getHeader(HttpHeaders.AUTHORIZATION));
              if (refusal == 0) {
                chain.doFilter(request, response);
              } else {
                ((HttpServletResponse) response).setStatus(refusal);
              }
            });
    front.setOrder(Ordered.HIGHEST_PRECEDENCE);
    return front;
  }

  /** What runs leave behind. */
  interface Effects {

    void add(String name);

    void addAndReject(String name);
  }

  @RestController
  static class Endpoints extends Handlers {

    Endpoints(ContractScript script, Effects effects) {
      super(script, effects);
    }

    @RequestMapping(
        path = "/contract/plain/{name}",
        method = {RequestMethod.POST, RequestMethod.PATCH, RequestMethod.GET})
    @Idempotent
    @Nullable ResponseEntity<byte[]> plain(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/impatient/{name}", method = RequestMethod.POST)
    @Idempotent(waitAtMost = "0")
    @Nullable ResponseEntity<byte[]> impatient(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/brief/{name}", method = RequestMethod.POST)
    @Idempotent(waitAtMost = "300ms")
    @Nullable ResponseEntity<byte[]> brief(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/optional/{name}", method = RequestMethod.POST)
    @Idempotent(required = false)
    @Nullable ResponseEntity<byte[]> optional(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/own-header/{name}", method = RequestMethod.POST)
    @Idempotent(header = "X-Request-Key")
    @Nullable ResponseEntity<byte[]> ownHeader(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/shared/{name}", method = RequestMethod.POST)
    @Idempotent(caller = Idempotent.Caller.SHARED)
    @Nullable ResponseEntity<byte[]> shared(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(
        path = "/contract/put/{name}",
        method = {RequestMethod.PUT, RequestMethod.DELETE})
    @Idempotent
    @Nullable ResponseEntity<byte[]> put(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/freeing/{name}", method = RequestMethod.POST)
    @Idempotent(onOtherFailure = Disposition.RELEASE)
    @Nullable ResponseEntity<byte[]> freeing(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/expiring/{name}", method = RequestMethod.POST)
    @Idempotent(retention = "2s", waitAtMost = "0", lease = "500ms")
    @Nullable ResponseEntity<byte[]> expiring(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @RequestMapping(path = "/contract/open/{name}", method = RequestMethod.POST)
    @Nullable ResponseEntity<byte[]> open(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }
  }

  @RestControllerAdvice
  static class Rejections {

    @ExceptionHandler
    ResponseEntity<byte[]> on(ContractRejection rejection) {
      return entity(ContractResponse.text(402, String.valueOf(rejection.getMessage())));
    }
  }

  /** Plays the script. */
  abstract static class Handlers {

    private final ContractScript script;
    private final Effects effects;

    Handlers(ContractScript script, Effects effects) {
      this.script = script;
      this.effects = effects;
    }

    final @Nullable ResponseEntity<byte[]> answer(
        String name, HttpServletRequest request, HttpServletResponse response) throws Exception {
      ContractResponse answer = script.answer(name, new Call(request, effects));
      if (answer.errorMessage() != null) {
        response.sendError(answer.status(), answer.errorMessage());
        return null;
      }
      return entity(answer);
    }
  }

  private static ResponseEntity<byte[]> entity(ContractResponse answer) {
    HttpHeaders headers = new HttpHeaders();
    answer.headers().forEach(line -> headers.add(line.getKey(), line.getValue()));
    return ResponseEntity.status(answer.status())
        .headers(headers)
        .body(answer.body().length == 0 ? null : answer.body());
  }

  private record Call(HttpServletRequest request, Effects effects) implements ContractCall {

    @Override
    public @Nullable String header(String name) {
      return request.getHeader(name);
    }

    @Override
    public byte[] body() {
      try {
        return request.getInputStream().readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public List<String> field(String name) {
      String[] values = request.getParameterValues(name);
      return values == null ? List.of() : List.of(values);
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
