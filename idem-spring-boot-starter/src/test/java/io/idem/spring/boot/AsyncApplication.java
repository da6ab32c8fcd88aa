package io.idem.spring.boot;

import io.idem.spring.Idempotent;
import io.reactivex.rxjava3.core.Completable;
import io.reactivex.rxjava3.core.Maybe;
import io.reactivex.rxjava3.core.Single;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.MethodParameter;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.http.server.ServletServerHttpRequest;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.context.request.async.WebAsyncTask;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyAdvice;
import reactor.core.publisher.Mono;

/** Endpoints of all asynchronous kinds behind Spring Security. */
@Configuration(proxyBeanMethods = false)
@Import({
  SecuredApplication.class,
  AsyncApplication.Endpoints.class,
  AsyncApplication.WhoIsThere.class
})
class AsyncApplication {

  @Bean
  Work work() {
    return new Work();
  }

  record Answer(String text, int run) {}

  static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** What the endpoints do, at once or later. */
  static final class Work implements AutoCloseable {

    private final Map<String, AtomicInteger> runs = new ConcurrentHashMap<>();
    private final Semaphore entered = new Semaphore(0);
    private final Semaphore mayLeave = new Semaphore(0);
    private final Semaphore closing = new Semaphore(0);
    private final ExecutorService threads = Executors.newCachedThreadPool();

    int runsOf(String name) {
      return runs.computeIfAbsent(name, any -> new AtomicInteger()).get();
    }

    void awaitEntered() throws InterruptedException {
      if (!entered.tryAcquire(30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody came");
      }
    }

    void letGo() {
      mayLeave.release();
    }

    Answer now(String what, String name) throws InterruptedException {
      int run = runs.computeIfAbsent(name, any -> new AtomicInteger()).incrementAndGet();
      switch (what) {
        case "refused" -> throw new Refused();
        case "broken" -> throw new IllegalStateException("no bank");
        // Spring interrupts a Callable that is late, and takes what is there first: its own answer
        // to
        // the time-out, or what the interrupted one throws.
        case "never" -> closing.acquireUninterruptibly();
        case "held" -> {
          entered.release();
          if (!mayLeave.tryAcquire(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("nobody let it go");
          }
        }
        default -> {}
      }
      return new Answer(what.equals("large") ? "x".repeat(5_000) : name, run);
    }

    CompletableFuture<Answer> later(String what, String name) {
      return CompletableFuture.supplyAsync(
          () -> {
            try {
              return now(what, name);
            } catch (InterruptedException e) {
              throw new CompletionException(e);
            }
          },
          threads);
    }

    /** Lets go what is never there. A context that closes waits for those of its own threads. */
    void end() {
      closing.release(1_000_000);
    }

    @Override
    public void close() {
      end();
      threads.shutdownNow();
    }
  }

  @RestController
  static class Endpoints {

    private final Work work;

    Endpoints(Work work) {
      this.work = work;
    }

    @PostMapping("/callable/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    Callable<Answer> callable(@PathVariable String what, @PathVariable String name) {
      return () -> work.now(what, name);
    }

    @PostMapping("/deferred/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    DeferredResult<Answer> deferred(@PathVariable String what, @PathVariable String name) {
      DeferredResult<Answer> result = new DeferredResult<>();
      var unused =
          work.later(what, name)
              .whenComplete(
                  (answer, failure) -> {
                    if (failure == null) {
                      result.setResult(answer);
                    } else {
                      result.setErrorResult(failure.getCause());
                    }
                  });
      return result;
    }

    @PostMapping("/task/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    WebAsyncTask<ResponseEntity<Answer>> task(
        @PathVariable String what, @PathVariable String name) {
      return new WebAsyncTask<>(() -> ResponseEntity.ok(work.now(what, name)));
    }

    @PostMapping("/future/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    CompletableFuture<Answer> future(@PathVariable String what, @PathVariable String name) {
      return work.later(what, name);
    }

    @PostMapping("/stage/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    CompletionStage<ResponseEntity<Answer>> stage(
        @PathVariable String what, @PathVariable String name) {
      return work.later(what, name).thenApply(ResponseEntity::ok);
    }

    @PostMapping("/mono/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    Mono<Answer> mono(@PathVariable String what, @PathVariable String name) {
      return Mono.fromFuture(() -> work.later(what, name));
    }

    @PostMapping("/entity/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    ResponseEntity<Mono<Answer>> entity(@PathVariable String what, @PathVariable String name) {
      return ResponseEntity.ok(mono(what, name));
    }

    @PostMapping("/single/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    Single<Answer> single(@PathVariable String what, @PathVariable String name) {
      return Single.fromPublisher(mono(what, name));
    }

    @PostMapping("/maybe/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    ResponseEntity<Maybe<Answer>> maybe(@PathVariable String what, @PathVariable String name) {
      return ResponseEntity.ok(single(what, name).toMaybe());
    }

    @PostMapping("/completable/{what}/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, waitAtMost = "30s")
    Completable completable(@PathVariable String what, @PathVariable String name) {
      return single(what, name).ignoreElement();
    }

    @ExceptionHandler
    ResponseEntity<String> on(Refused e) {
      return ResponseEntity.status(409).body("not with us");
    }

    @ExceptionHandler
    ResponseEntity<String> on(IllegalStateException e) {
      return ResponseEntity.status(502).body("broken");
    }
  }

  /** Tells in which dispatch, and for whom, an answer is written. */
  @ControllerAdvice
  static final class WhoIsThere implements ResponseBodyAdvice<Object> {

    @Override
    public boolean supports(
        MethodParameter returned, Class<? extends HttpMessageConverter<?>> converter) {
      return true;
    }

    @Override
    public @Nullable Object beforeBodyWrite(
        @Nullable Object body,
        MethodParameter returned,
        MediaType type,
        Class<? extends HttpMessageConverter<?>> converter,
        ServerHttpRequest request,
        ServerHttpResponse response) {
      HttpServletRequest of = ((ServletServerHttpRequest) request).getServletRequest();
      response
          .getHeaders()
          .set(
              "X-There",
              of.getDispatcherType()
                  + " "
                  + SecurityContextHolder.getContext().getAuthentication().getName());
      return body;
    }
  }
}
