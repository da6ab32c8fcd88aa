package io.idem.webflux;

import static io.idem.webflux.WebFluxServer.assertProblem;
import static io.idem.webflux.WebFluxServer.assertReplay;
import static io.idem.webflux.WebFluxServer.post;
import static io.idem.webflux.WebFluxServer.unique;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.Disposition;
import io.idem.core.KeyBusyException;
import io.idem.core.KeyReusedException;
import io.idem.spring.Idempotent;
import io.idem.testkit.Together;
import io.idem.testkit.http.RawHttp;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseCookie;
import org.springframework.http.ResponseEntity;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.codec.multipart.FilePart;
import org.springframework.http.codec.multipart.FormFieldPart;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.web.bind.annotation.CrossOrigin;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.filter.reactive.ServerWebExchangeContextFilter;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.adapter.DefaultServerWebExchange;
import org.springframework.web.server.i18n.AcceptHeaderLocaleContextResolver;
import org.springframework.web.server.session.DefaultWebSessionManager;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What handlers of WebFlux do, over a socket, with the in-memory store. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HandlerTest {

  private static final String FORM = "application/x-www-form-urlencoded";

  private WebFluxServer server;

  @BeforeAll
  void start() {
    server = new WebFluxServer(Application.class);
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private int runs() {
    return server.bean(Handlers.class).runs.get();
  }

  private RawResponse assertRunsOnce(RawRequest request, int status) {
    int before = runs();
    RawResponse first = server.send(request);
    assertThat(first.status()).as("%s", first.text()).isEqualTo(status);
    assertReplay(server.send(request), first);
    assertThat(runs()).isEqualTo(before + 1);
    return first;
  }

  // ---- what handlers return

  @ParameterizedTest
  @ValueSource(strings = {"mono", "flux", "value", "future", "entity", "exchange", "chunks"})
  void p29_whateverAHandlerReturnsIsReplayed(String kind) {
    RawResponse first = assertRunsOnce(post("/" + kind), 200);

    assertThat(first.text()).contains("done");
  }

  @Test
  void p28_anEmptyAnswerIsReplayedAsOne() {
    RawResponse first = assertRunsOnce(post("/nothing"), 204);

    assertThat(first.body()).isEmpty();
    assertThat(first.header("Content-Length")).isEmpty();
  }

  @Test
  void theContextOfTheRequestReachesTheHandler() {
    assertThat(assertRunsOnce(post("/context"), 200).text()).isEqualTo("from the filter in front");
  }

  @Test
  void p24_theExchangeInTheContextIsTheOneWhoseResponseIsHeldBack() {
    RawResponse first = assertRunsOnce(post("/context-exchange"), 200);

    assertThat(first.header("X-By-Context")).containsExactly("true");
  }

  @Test
  void p26_cookiesAreNotReplayedAndWhatIsSetBeforeTheCommitIs() {
    RawRequest request = post("/cookie");

    RawResponse first = assertRunsOnce(request, 200);

    assertThat(first.header("Set-Cookie")).hasSize(1).allMatch(line -> line.startsWith("a=b"));
    assertThat(first.header("ETag")).containsExactly("\"late\"");
    RawResponse replay = server.send(request);
    assertThat(replay.header("Set-Cookie")).isEmpty();
    assertThat(replay.header("ETag")).containsExactly("\"late\"");
  }

  @Test
  void p28_aConditionThatTheHandlerChecksIsAnsweredOnceAndReplayed() {
    assertRunsOnce(post("/conditional").header("If-Match", "\"other\""), 412);
    assertRunsOnce(post("/conditional").header("If-Match", "\"same\""), 200);
  }

  @Test
  void p33_languagesThatCannotBeReadAreNone() {
    RawRequest request = post("/mono").header("Accept-Language", "-");

    assertRunsOnce(request, 200);
    assertProblem(server.send(request.without("Idempotency-Key")), 400, "key-missing");
  }

  // ---- errors

  @Test
  void p29_anErrorThatSaysItsStatusIsKept() {
    assertRunsOnce(post("/status"), 409);
  }

  @Test
  void p29_whatAnExceptionHandlerAnswersIsKept() {
    assertThat(assertRunsOnce(post("/handled"), 402).text()).isEqualTo("handled");
  }

  @Test
  void p29_whatAnErrorHandlerOfTheApplicationAnswersIsKept() {
    assertThat(assertRunsOnce(post("/foreseen"), 422).text()).isEqualTo("foreseen");
  }

  @Test
  void whatAServiceRefusesIsToldAsTheEndpointSpellsIt() {
    RawResponse inside = server.send(post("/calls-service"));
    RawResponse passed = server.send(post("/calls-service").without("Idempotency-Key"));
    RawResponse open = server.send(post("/open-calls-service").without("Idempotency-Key"));

    assertThat(inside.status()).as("%s", inside.text()).isEqualTo(400);
    assertThat(inside.text()).contains("\"idempotency_error\"");
    assertThat(passed.status()).as("%s", passed.text()).isEqualTo(425);
    assertThat(passed.text()).contains("\"idempotency_key_in_use\"");
    assertProblem(open, 409, "in-progress");
  }

  @Test
  void p21_anErrorThatNobodyForesawLeavesTheOutcomeUnknown() {
    RawRequest request = post("/broken");

    RawResponse first = server.send(request);

    assertThat(first.status()).isEqualTo(500);
    assertThat(first.text()).isEqualTo("caught by the last handler");
    assertProblem(server.send(request), 409, "outcome-unknown");
  }

  @Test
  void p21_whereServerErrorsAreRecordedAnErrorThatNobodyForesawIsNot() {
    assertRunsOnce(post("/recording?foreseen=true"), 503);
    RawRequest request = post("/recording?foreseen=false");

    assertThat(server.send(request).status()).isEqualTo(500);
    assertProblem(server.send(request), 409, "outcome-unknown");
  }

  @Test
  void p21_aResponseThatBreaksOffIsNeitherSentNorKept() {
    RawRequest request = post("/breaks-off");

    assertThat(server.send(request).status()).isEqualTo(500);
    assertProblem(server.send(request), 409, "outcome-unknown");
  }

  @Test
  void p21_aHeaderThatCannotBeSentIsNotKept() {
    RawRequest request = post("/broken-header");

    assertThat(server.send(request).status()).isEqualTo(500);
    assertProblem(server.send(request), 409, "outcome-unknown");
  }

  @Test
  void p21_aFailureFreesTheKeyWhereTheOperationSaysSo() {
    RawRequest request = post("/freeing");

    assertThat(server.send(request).status()).isEqualTo(500);
    assertThat(server.send(request).status()).isEqualTo(500);
  }

  // ---- point 23

  @Test
  void p23_aClientThatHangsUpCancelsNeitherTheHandlerNorTheRecord() throws Exception {
    Handlers handlers = server.bean(Handlers.class);
    handlers.entered = new CountDownLatch(1);
    handlers.mayLeave = new CompletableFuture<>();
    int before = handlers.ended.get();
    RawRequest request = post("/slow");
    try (RawHttp client = RawHttp.to(server.base())) {
      client.send(request.toBytes());
      Together.await(handlers.entered);
      client.reset();
    }
    CompletableFuture<RawResponse> repeat = server.later(request);
    handlers.mayLeave.complete("done");

    assertThat(repeat.get().text()).isEqualTo("done");
    assertThat(repeat.get().header("Idempotent-Replayed")).containsExactly("true");
    assertThat(handlers.ended.get()).isEqualTo(before + 1);
  }

  // ---- sizes

  @Test
  void p24_anAnswerOverTheBoundReachesItsFirstCallerWhole() throws Exception {
    List<Path> before = spilled();
    RawRequest request = post("/large?bytes=500000");

    RawResponse first = server.send(request);

    assertThat(first.status()).isEqualTo(200);
    assertThat(first.body()).hasSize(500_000).containsOnly('x');
    assertProblem(server.send(request), 409, "answer-not-stored");
    Together.await("no file is left", () -> before.containsAll(spilled()));
  }

  @Test
  void p24_beyondWhatIsHeldBackWritingFails() {
    RawRequest request = post("/large?bytes=3000000");

    assertThat(server.send(request).status()).isEqualTo(500);
    assertProblem(server.send(request), 409, "outcome-unknown");
  }

  private static List<Path> spilled() {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("idem-response-"))
          .toList();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1000})
  void p36_aBodyOverTheBoundIsRefusedAndTheKeyIsFree(int chunk) {
    RawRequest request = post("/mono").header("X-Chunk", "" + chunk);
    RawRequest large = request.body("text/plain", "x".repeat(WebFluxServer.MAX_REQUEST + 1));

    assertProblem(server.send(chunk == 0 ? large : large.chunked(chunk)), 413, "request-too-large");
    RawRequest fits = request.body("text/plain", "x".repeat(WebFluxServer.MAX_REQUEST));
    assertRunsOnce(chunk == 0 ? fits : fits.chunked(chunk), 200);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1000})
  void p36_aFormOverTheBoundIsRefusedAndTheKeyIsFree(int chunk) {
    RawRequest request = post("/form");
    RawRequest large = request.body(FORM, "a=1&b=" + "x".repeat(WebFluxServer.MAX_REQUEST));
    int before = runs();

    assertProblem(server.send(chunk == 0 ? large : large.chunked(chunk)), 413, "request-too-large");
    assertThat(runs()).isEqualTo(before);
    assertRunsOnce(request.body(FORM, "a=1&b=2"), 200);
  }

  @Test
  void p36_aBodyOverTheBoundOfACodecIsRefusedAndTheKeyIsFree() {
    RawRequest request = post("/echo");

    RawResponse refused =
        server.send(request.body("text/plain", "x".repeat(Application.MAX_DECODED + 1)));
    assertThat(refused.status()).as("%s", refused.text()).isEqualTo(413);
    assertRunsOnce(request.body("text/plain", "x".repeat(100)), 200);
  }

  // ---- bodies

  @Test
  void theBodyIsStillThereForTheHandler() {
    assertThat(assertRunsOnce(post("/echo").body("text/plain", "grüße"), 200).text())
        .contains("gr");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void p10_aFormIsStillThereForTheHandlerAndCountsByItsFields(boolean readBefore) {
    RawRequest request = post("/form").body(FORM, "a=1&b=2");
    if (readBefore) {
      request = request.header("X-Read-Form-Before", "true");
    }

    RawResponse first = assertRunsOnce(request, 200);

    assertThat(first.text()).isEqualTo("1/2");
    assertReplay(server.send(request.body(FORM, "b=2&a=1")), first);
    assertProblem(server.send(request.body(FORM, "a=1&b=3")), 422, "key-reused");
  }

  @Test
  void p10_aFormThatWasReadBeforeIsTakenFromThereWhereASecondReadingFails() {
    RawRequest request = post("/form").header("X-Read-Once", "true").body(FORM, "a=1&b=2");

    assertThat(assertRunsOnce(request, 200).text()).isEqualTo("1/2");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void p10_aFormWithoutFieldsIsOne(boolean readableOnce) {
    RawRequest request = post("/form").body(FORM, "");
    if (readableOnce) {
      request = request.header("X-Readable-Once", "true");
    }

    assertThat(assertRunsOnce(request, 200).text()).isEqualTo("null/null");
  }

  @Test
  void p10_partsAreStillThereForTheHandlerAndCountByThemselves() {
    RawRequest request = post("/upload");

    RawResponse first = assertRunsOnce(upload(request, "one", "content"), 200);

    assertThat(first.text()).isEqualTo("hello/a.txt/content");
    assertReplay(server.send(upload(request, "another", "content")), first);
    assertProblem(server.send(upload(request, "one", "changed")), 422, "key-reused");
  }

  @Test
  void p10_partsThatCannotBeTakenApartAreRefusedAndTheKeyIsFree() {
    RawRequest request = post("/upload");

    assertProblem(
        server.send(request.body("multipart/form-data; boundary=x", "--x\r\nno end")),
        400,
        "request-malformed");
    assertRunsOnce(upload(request, "x", "content"), 200);
  }

  /** Whoever sends requests can send many of them: what may be the application's fault is one. */
  @Test
  void p10_partsThatAreNotThereAreToldInTheLogOnce() {
    Logger log = (Logger) LoggerFactory.getLogger("io.idem.webflux");
    ListAppender<ILoggingEvent> told = new ListAppender<>();
    told.start();
    log.addAppender(told);
    try {
      RawRequest request = post("/upload-without-parts");
      String type = "multipart/form-data; boundary=x";
      assertProblem(server.send(request.body(type, "")), 400, "request-malformed");
      assertThat(told.list).as("it says that there are none").isEmpty();
      for (int i = 0; i < 3; i++) {
        assertProblem(server.send(request.body(type, "").chunked(1)), 400, "request-malformed");
      }
      assertThat(told.list)
          .singleElement()
          .satisfies(event -> assertThat(event.getFormattedMessage()).contains("filter in front"));
    } finally {
      log.detachAppender(told);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Disposition: form-data",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: ;;",
        "Content-Disposition: ;;=",
        "Content-Disposition: form-data; name=\"x\"; foo",
        "Content-Disposition: form-data; name=\"x\"; filename*=UTF-8''%zz"
      })
  void p10_partsWithHeadersThatCannotBeReadAreRefusedAndTheKeyIsFree(String head) {
    RawRequest request = post("/upload");

    assertProblem(
        server.send(
            request.body(
                "multipart/form-data; boundary=x",
                "--x\r\n" + head + "\r\n\r\ncontent\r\n--x--\r\n")),
        400,
        "request-malformed");
    assertRunsOnce(upload(request, "x", "content"), 200);
  }

  @Test
  void filesOfPartsThatPassUnprotectedAreDeleted() throws Exception {
    List<Path> before = filesOfParts();
    RawRequest request = post("/optional-upload").without("Idempotency-Key");

    RawResponse passed = server.send(upload(request, "x", "x".repeat(17_000)));

    assertThat(passed.status()).as("%s", passed.text()).isEqualTo(200);
    assertThat(passed.text()).isEqualTo("files: true");
    Together.await("no file is left", () -> before.containsAll(filesOfParts()));
  }

  /** What Spring keeps of large parts, in directories of the whole machine's. */
  private static List<Path> filesOfParts() {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> directories =
        Files.newDirectoryStream(
            Path.of(System.getProperty("java.io.tmpdir")), "spring-multipart*")) {
      for (Path directory : directories) {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(directory)) {
          parts.forEach(files::add);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  private static RawRequest upload(RawRequest request, String boundary, String content) {
    return request.body(
        "multipart/form-data; boundary=" + boundary,
        String.join(
            "\r\n",
            "--" + boundary,
            "Content-Disposition: form-data; name=\"note\"",
            "",
            "hello",
            "--" + boundary,
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"",
            "Content-Type: text/plain",
            "",
            content,
            "--" + boundary + "--",
            ""));
  }

  // ---- the rest of the protocol, where the adapter has a part in it

  @Test
  void p25_aHandlerCanSayThatNothingHappened() {
    RawRequest request = post("/directive?say=nothing");
    int before = runs();

    server.send(request);
    RawResponse second = server.send(request);

    assertThat(second.header("Idempotent-Replayed")).isEmpty();
    assertThat(runs()).isEqualTo(before + 2);
  }

  @Test
  void p25_aHandlerCanSayThatItsAnswerIsNotToBeKept() {
    RawRequest request = post("/directive?say=do-not-keep");

    assertThat(server.send(request).status()).isEqualTo(200);
    assertProblem(server.send(request), 409, "answer-not-stored");
  }

  @Test
  void p05_aRequestWithoutAKeyIsRefusedOrRunsUnprotected() {
    assertProblem(server.send(post("/mono").without("Idempotency-Key")), 400, "key-missing");
    RawRequest optional = post("/optional").without("Idempotency-Key");
    assertThat(server.send(optional).status()).isEqualTo(200);
    assertThat(server.send(optional).header("Idempotent-Replayed")).isEmpty();
    assertRunsOnce(post("/optional"), 200);
  }

  @Test
  void p08_keysAreTheCallersOwn() {
    RawRequest request = post("/mono");

    RawResponse first = assertRunsOnce(request, 200);
    RawResponse other = server.send(request.with("X-Caller", "bob"));

    assertThat(other.header("Idempotent-Replayed")).isEmpty();
    assertThat(other.body()).isNotEqualTo(first.body());
    assertProblem(server.send(request.without("X-Caller")), 403, "caller-required");
  }

  @Test
  void p04_theKeyMayBeInThePathOrTheBody() {
    RawRequest keyless = post("/numbered/" + unique()).without("Idempotency-Key");
    assertRunsOnce(keyless, 200);
    assertRunsOnce(
        post("/member")
            .without("Idempotency-Key")
            .body("application/json", "{\"number\":\"" + unique() + "\"}"),
        200);
  }

  @Test
  void p07_aKeyThatIsOfNoUseIsFlagged() {
    assertThat(server.send(post("/open")).header("Idempotency-Key-Ignored"))
        .containsExactly("true");
    assertThat(server.send(post("/takes-the-flag-back")).header("Idempotency-Key-Ignored"))
        .isEmpty();
  }

  @Test
  void p27_aScriptOfAnotherOriginMayReadAReplay() {
    RawRequest request = post("/cross").header("Origin", "http://shop.example");

    RawResponse first = assertRunsOnce(request, 200);
    RawResponse replay = server.send(request);

    for (RawResponse answer : List.of(first, replay)) {
      assertThat(answer.header("Access-Control-Allow-Origin"))
          .containsExactly("http://shop.example");
    }
    assertThat(String.join(",", replay.header("Access-Control-Expose-Headers")))
        .contains("Idempotent-Replayed");
    assertThat(server.send(post("/cross").header("Origin", "http://evil.example")).status())
        .isEqualTo(403);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/open", "/value"})
  void aHandlerThatTheFilterDidNotProtectDoesNotRun(String path) {
    int before = runs();

    RawResponse refused = server.send(post(path).header("X-Go-To", "/mono"));

    assertThat(refused.status()).isEqualTo(500);
    assertThat(runs()).isEqualTo(before);
  }

  @Test
  void p14_aHundredDuplicatesHaveOneEffect() {
    Handlers handlers = server.bean(Handlers.class);
    handlers.entered = new CountDownLatch(1);
    handlers.mayLeave = new CompletableFuture<>();
    int before = runs();
    RawRequest request = post("/slow");
    List<CompletableFuture<RawResponse>> answers =
        Stream.generate(() -> server.later(request)).limit(100).toList();
    Together.await(handlers.entered);
    handlers.mayLeave.complete("done");

    List<RawResponse> all = answers.stream().map(CompletableFuture::join).toList();

    assertThat(all).allSatisfy(answer -> assertThat(answer.text()).isEqualTo("done"));
    assertThat(all).filteredOn(answer -> answer.header("Idempotent-Replayed").isEmpty()).hasSize(1);
    assertThat(runs()).isEqualTo(before + 1);
  }

  // ---- the application

  @Configuration(proxyBeanMethods = false)
  @Import(Handlers.class)
  static class Application {

    static final int MAX_DECODED = 15_000;

    @Bean
    WebFluxConfigurer codecs() {
      return new WebFluxConfigurer() {
        @Override
        public void configureHttpMessageCodecs(ServerCodecConfigurer configurer) {
          configurer.defaultCodecs().maxInMemorySize(MAX_DECODED);
        }
      };
    }

    @Bean
    @Order(0)
    WebFilter front() {
      return (exchange, chain) -> {
        boolean form = exchange.getRequest().getHeaders().containsHeader("X-Read-Form-Before");
        return (form ? exchange.getFormData().then() : Mono.<Void>empty())
            .then(Mono.defer(() -> chain.filter(exchange)))
            .contextWrite(
                context ->
                    context
                        .put("front", "from the filter in front")
                        .put(ServerWebExchange.class, exchange)
                        .put(ServerWebExchangeContextFilter.EXCHANGE_CONTEXT_ATTRIBUTE, exchange));
      };
    }

    /** Reads a form; a servlet container fails whoever reads a body again. */
    @Bean
    @Order(1)
    WebFilter readsOnce() {
      return (exchange, chain) ->
          exchange.getRequest().getHeaders().containsHeader("X-Read-Once")
              ? exchange
                  .getFormData()
                  .then(
                      Mono.defer(
                          () ->
                              chain.filter(
                                  exchange
                                      .mutate()
                                      .request(new ReadOnce(exchange.getRequest()))
                                      .build())))
              : chain.filter(exchange);
    }

    /** As a servlet container does, where nobody has read yet. */
    @Bean
    @Order(1)
    WebFilter readableOnce() {
      return (exchange, chain) -> {
        ServerHttpRequest request = exchange.getRequest();
        if (!request.getHeaders().containsHeader("X-Readable-Once")) {
          return chain.filter(exchange);
        }
        AtomicBoolean read = new AtomicBoolean();
        Flux<DataBuffer> once =
            Flux.defer(
                () -> read.getAndSet(true) ? new ReadOnce(request).getBody() : request.getBody());
        HttpHandler container =
            (readable, response) ->
                chain.filter(
                    new DefaultServerWebExchange(
                        readable,
                        response,
                        new DefaultWebSessionManager(),
                        ServerCodecConfigurer.create(),
                        new AcceptHeaderLocaleContextResolver()));
        return container.handle(
            new ServerHttpRequestDecorator(request) {
              @Override
              public Flux<DataBuffer> getBody() {
                return once;
              }
            },
            exchange.getResponse());
      };
    }

    /** Goes behind the filter of the protocol, as its order is the same. */
    @Bean
    WebFilter detour() {
      return (exchange, chain) -> {
        String path = exchange.getRequest().getHeaders().getFirst("X-Go-To");
        return chain.filter(
            path == null
                ? exchange
                : exchange.mutate().request(request -> request.path(path)).build());
      };
    }

    @Bean
    @Order(-1)
    WebExceptionHandler foreseen() {
      return (exchange, thrown) ->
          thrown instanceof Foreseen ? respond(exchange, 422, "foreseen") : Mono.error(thrown);
    }

    /** As Spring Boot has one. */
    @Bean
    @Order(1)
    WebExceptionHandler last() {
      return (exchange, thrown) ->
          exchange.getResponse().isCommitted()
              ? Mono.error(thrown)
              : respond(exchange, 500, "caught by the last handler");
    }

    private static Mono<Void> respond(ServerWebExchange exchange, int status, String text) {
      exchange.getResponse().setRawStatusCode(status);
      return exchange
          .getResponse()
          .writeWith(
              Mono.just(
                  exchange
                      .getResponse()
                      .bufferFactory()
                      .wrap(text.getBytes(StandardCharsets.UTF_8))));
    }
  }

  private static final class ReadOnce extends ServerHttpRequestDecorator {

    ReadOnce(ServerHttpRequest request) {
      super(request);
    }

    @Override
    public Flux<DataBuffer> getBody() {
      return Flux.error(new IllegalStateException("Publisher doesn't support multiple readers"));
    }
  }

  static final class Foreseen extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  static final class Handled extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @RestController
  static class Handlers {

    final AtomicInteger runs = new AtomicInteger();
    final AtomicInteger ended = new AtomicInteger();
    volatile CountDownLatch entered = new CountDownLatch(1);
    volatile CompletableFuture<String> mayLeave = new CompletableFuture<>();

    private String done() {
      return "done " + runs.incrementAndGet();
    }

    @PostMapping("/mono")
    @Idempotent
    Mono<String> mono() {
      return Mono.fromSupplier(this::done).delayElement(Duration.ofMillis(1));
    }

    @PostMapping(path = "/flux", produces = "application/json")
    @Idempotent
    Flux<Map<String, String>> flux() {
      return Mono.fromSupplier(this::done)
          .flatMapMany(done -> Flux.just(Map.of("a", done), Map.of("b", done)));
    }

    @PostMapping("/value")
    @Idempotent
    String value() {
      return done();
    }

    @PostMapping("/future")
    @Idempotent
    CompletableFuture<String> future() {
      return CompletableFuture.supplyAsync(this::done);
    }

    @PostMapping("/entity")
    @Idempotent
    Mono<ResponseEntity<Flux<String>>> entity() {
      return Mono.fromSupplier(() -> ResponseEntity.ok(Flux.just(done(), " and ", "more")));
    }

    @PostMapping("/exchange")
    @Idempotent
    Mono<Void> exchange(ServerWebExchange exchange) {
      return Mono.fromSupplier(this::done)
          .flatMap(done -> Application.respond(exchange, 200, done));
    }

    @PostMapping("/chunks")
    @Idempotent
    Mono<Void> chunks(ServerWebExchange exchange) {
      String done = done();
      return exchange
          .getResponse()
          .writeAndFlushWith(
              Flux.range(0, 3)
                  .map(
                      i ->
                          Mono.just(
                              exchange
                                  .getResponse()
                                  .bufferFactory()
                                  .wrap((done + i).getBytes(StandardCharsets.UTF_8)))));
    }

    @PostMapping("/nothing")
    @Idempotent
    Mono<ResponseEntity<Void>> nothing() {
      return Mono.fromSupplier(
          () -> {
            done();
            return ResponseEntity.noContent().build();
          });
    }

    @PostMapping("/context")
    @Idempotent
    Mono<String> context() {
      done();
      return Mono.deferContextual(context -> Mono.just(context.get("front")));
    }

    @PostMapping("/context-exchange")
    @Idempotent
    Mono<String> contextExchange(ServerWebExchange exchange) {
      return Mono.deferContextual(
          context -> {
            ServerWebExchange known =
                ServerWebExchangeContextFilter.getExchange(context).orElseThrow();
            known.getResponse().getHeaders().set("X-By-Context", "true");
            return context.get(ServerWebExchange.class) == known
                    && known.getResponse() == exchange.getResponse()
                ? Mono.just(done())
                : Mono.error(new IllegalStateException("The exchange is another"));
          });
    }

    @PostMapping("/cookie")
    @Idempotent
    Mono<String> cookie(ServerWebExchange exchange) {
      exchange.getResponse().addCookie(ResponseCookie.from("a", "b").build());
      exchange
          .getResponse()
          .beforeCommit(
              () ->
                  Mono.fromRunnable(() -> exchange.getResponse().getHeaders().setETag("\"late\"")));
      return Mono.fromSupplier(this::done);
    }

    @PostMapping("/conditional")
    @Idempotent
    Mono<Void> conditional(ServerWebExchange exchange) {
      done();
      return exchange.checkNotModified("\"same\"")
          ? exchange.getResponse().setComplete()
          : Application.respond(exchange, 200, "changed");
    }

    @PostMapping("/status")
    @Idempotent
    Mono<String> status() {
      done();
      return Mono.error(new ResponseStatusException(HttpStatus.CONFLICT, "taken"));
    }

    @PostMapping("/handled")
    @Idempotent
    Mono<String> handled() {
      done();
      return Mono.error(new Handled());
    }

    @ExceptionHandler
    ResponseEntity<String> on(Handled handled) {
      return ResponseEntity.status(402).body("handled");
    }

    @PostMapping("/foreseen")
    @Idempotent
    Mono<String> foreseen() {
      done();
      return Mono.error(new Foreseen());
    }

    /** Throws what the engine throws out of service methods. */
    @PostMapping("/calls-service")
    @Idempotent(dialect = "stripe", busyStatus = 425, required = false)
    Mono<String> callsService(ServerWebExchange exchange) {
      return Mono.error(
          IdempotentExchange.attempt(exchange).isPresent()
              ? new KeyReusedException()
              : new KeyBusyException(Duration.ofSeconds(1)));
    }

    @PostMapping("/open-calls-service")
    Mono<String> openCallsService() {
      return Mono.error(new KeyBusyException(Duration.ofSeconds(1)));
    }

    @PostMapping("/broken")
    @Idempotent
    Mono<String> broken() {
      return Mono.error(new IllegalStateException("as the test wants it"));
    }

    @PostMapping("/recording")
    @Idempotent(serverErrors = Idempotent.ServerErrors.RECORD)
    Mono<String> recording(@RequestParam boolean foreseen) {
      done();
      return Mono.error(
          foreseen
              ? new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE)
              : new IllegalStateException("as the test wants it"));
    }

    @PostMapping("/breaks-off")
    @Idempotent
    Mono<Void> breaksOff(ServerWebExchange exchange) {
      return exchange
          .getResponse()
          .writeAndFlushWith(
              Flux.concat(
                  Mono.just(Mono.just(exchange.getResponse().bufferFactory().wrap(new byte[10]))),
                  Mono.error(new IllegalStateException("as the test wants it"))));
    }

    @PostMapping("/broken-header")
    @Idempotent
    Mono<String> brokenHeader(ServerWebExchange exchange) {
      exchange.getResponse().getHeaders().set("X-Broken", "a\r\nX-Smuggled: b");
      return Mono.fromSupplier(this::done);
    }

    @PostMapping("/freeing")
    @Idempotent(onOtherFailure = Disposition.RELEASE)
    Mono<String> freeing() {
      return Mono.error(new IllegalStateException("as the test wants it"));
    }

    @PostMapping("/slow")
    @Idempotent
    Mono<String> slow() {
      return Mono.defer(
          () -> {
            runs.incrementAndGet();
            entered.countDown();
            return Mono.fromFuture(mayLeave).doOnNext(done -> ended.incrementAndGet());
          });
    }

    @PostMapping("/large")
    @Idempotent
    Mono<Void> large(@RequestParam int bytes, ServerWebExchange exchange) {
      byte[] chunk = new byte[1000];
      Arrays.fill(chunk, (byte) 'x');
      return exchange
          .getResponse()
          .writeWith(
              Flux.range(0, bytes / chunk.length)
                  .map(
                      i ->
                          exchange
                              .getResponse()
                              .bufferFactory()
                              .allocateBuffer(chunk.length)
                              .write(chunk)));
    }

    @PostMapping("/echo")
    @Idempotent
    Mono<String> echo(@RequestBody Mono<String> body) {
      return body.doOnNext(text -> done());
    }

    @PostMapping("/form")
    @Idempotent
    Mono<String> form(ServerWebExchange exchange) {
      return exchange
          .getFormData()
          .map(
              form -> {
                done();
                return form.getFirst("a") + "/" + form.getFirst("b");
              });
    }

    @PostMapping("/upload-without-parts")
    @Idempotent
    Mono<String> uploadWithoutParts() {
      return Mono.just("never");
    }

    @PostMapping("/upload")
    @Idempotent
    Mono<String> upload(ServerWebExchange exchange) {
      return exchange
          .getMultipartData()
          .flatMap(
              parts ->
                  DataBufferUtils.join(((FilePart) parts.getFirst("file")).content())
                      .map(
                          data -> {
                            done();
                            String content = data.toString(StandardCharsets.UTF_8);
                            DataBufferUtils.release(data);
                            return ((FormFieldPart) parts.getFirst("note")).value()
                                + "/"
                                + ((FilePart) parts.getFirst("file")).filename()
                                + "/"
                                + content;
                          }));
    }

    /** Says whether there are files of parts while it runs. */
    @PostMapping("/optional-upload")
    @Idempotent(required = false, keyFrom = "form:number")
    Mono<String> optionalUpload(ServerWebExchange exchange) {
      return exchange.getMultipartData().map(parts -> "files: " + !filesOfParts().isEmpty());
    }

    @PostMapping("/directive")
    @Idempotent
    Mono<String> directive(@RequestParam String say, ServerWebExchange exchange) {
      if (say.equals("nothing")) {
        IdempotentExchange.nothingHappened(exchange);
      } else {
        IdempotentExchange.doNotKeepResponse(exchange);
      }
      return Mono.fromSupplier(this::done);
    }

    @PostMapping("/optional")
    @Idempotent(required = false)
    Mono<String> optional() {
      return Mono.fromSupplier(this::done);
    }

    @PostMapping("/numbered/{number}")
    @Idempotent(keyFrom = "path:number")
    Mono<String> numbered() {
      return Mono.fromSupplier(this::done);
    }

    @PostMapping("/member")
    @Idempotent(keyFrom = "json:/number")
    Mono<String> member() {
      return Mono.fromSupplier(this::done);
    }

    @PostMapping("/open")
    Mono<String> open() {
      return Mono.just("open");
    }

    @PostMapping("/takes-the-flag-back")
    Mono<String> takesTheFlagBack(ServerWebExchange exchange) {
      IdempotentExchange.keyUsed(exchange);
      return Mono.just("open");
    }

    @PostMapping("/cross")
    @CrossOrigin("http://shop.example")
    @Idempotent
    Mono<String> cross() {
      return Mono.fromSupplier(this::done);
    }
  }
}
