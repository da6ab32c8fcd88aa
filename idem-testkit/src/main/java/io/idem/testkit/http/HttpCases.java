package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * One server for all cases of a class, and what the cases ask of it. Names and keys are random, so
 * no case meets another's.
 */
@Timeout(120)
@ExtendWith(HttpCases.NamedVariants.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class HttpCases {

  static final String ALICE = "Bearer alice.1";
  static final String JSON = "application/json";
  static final String FORM = "application/x-www-form-urlencoded";
  static final String KEY = "Idempotency-Key";
  static final String REPLAYED = "Idempotent-Replayed";
  static final String FIRST_SENT = "Repeatability-First-Sent";

  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  final ContractScript script = new ContractScript();

  private @Nullable HttpContractServer server;
  private @Nullable HttpContractServer second;
  private @Nullable HttpContractServer strict;

  /**
   * Starts the application under test.
   *
   * @param script what its handlers do
   * @return its first node, set up as {@link NodeSettings#USUAL} says
   * @throws Exception if it does not start
   */
  protected abstract HttpContractServer start(ContractScript script) throws Exception;

  @BeforeAll
  final void startServer() throws Exception {
    server = start(script);
    beginEarly();
  }

  /** Begins what only has to be left for a while: the other cases are that while. */
  void beginEarly() {}

  /** Does something now; what it throws is thrown by whoever asks for its result. */
  static <T> FutureTask<T> early(Callable<T> begun) {
    FutureTask<T> result = new FutureTask<>(begun);
    result.run();
    return result;
  }

  @AfterAll
  final void stopServers() {
    try {
      Stream.of(second, strict).filter(Objects::nonNull).forEach(HttpContractServer::stop);
    } finally {
      if (server != null) {
        server.stop();
      }
    }
  }

  // ---- servers

  final HttpContractServer server() {
    if (server == null) {
      throw new IllegalStateException("The server has not been started");
    }
    return server;
  }

  /** Another node on the same store, the same for all cases. */
  final HttpContractServer second() {
    if (second == null) {
      second = server().anotherNode(NodeSettings.USUAL);
    }
    return second;
  }

  /** A node that is set up in another way, {@link NodeSettings#STRICT}, the same for all cases. */
  final HttpContractServer strict() {
    if (strict == null) {
      strict = server().anotherNode(NodeSettings.STRICT);
    }
    return strict;
  }

  /** Runs something while the first node is without its store, and waits until it has it again. */
  final void whileStoreIsCut(Action action) throws Exception {
    server().cutStore();
    try {
      action.run();
    } finally {
      server().mendStore();
      Together.await("the first node works with its store again", this::works);
    }
  }

  private boolean works() {
    String name = unique();
    script.on(name, call -> ContractResponse.empty(204));
    return send(post(EndpointProfile.PLAIN, name, unique())).status() == 204;
  }

  /** The groups of cases are the same classes for every adapter: a failure tells whose it is. */
  static final class NamedVariants implements TestExecutionExceptionHandler {

    NamedVariants() {}

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure)
        throws Throwable {
      Object variant = context.getRequiredTestInstances().getAllInstances().get(0);
      failure.addSuppressed(new Variant(variant.getClass().getName()));
      throw failure;
    }

    private static final class Variant extends Exception {

      private static final long serialVersionUID = 1L;

      Variant(String name) {
        super(name, null, false, false);
      }
    }
  }

  /** What a case does. */
  interface Action {
    void run() throws Exception;
  }

  // ---- requests

  static String unique() {
    return UUID.randomUUID().toString();
  }

  /** A time as headers have it, an IMF-fixdate (RFC 9110, section 5.6.7). */
  static String httpDate(Instant time) {
    return HTTP_DATE.format(time);
  }

  static String path(EndpointProfile profile, String name) {
    return profile.path() + "/" + name;
  }

  /** Alice's, with a small JSON body. */
  static RawRequest request(String method, EndpointProfile profile, String name) {
    return RawRequest.of(method, path(profile, name))
        .header("Authorization", ALICE)
        .body(JSON, "{\"amount\":1}");
  }

  static RawRequest post(EndpointProfile profile, String name, String key) {
    return request("POST", profile, name).header(KEY, key);
  }

  final RawResponse send(RawRequest request) {
    return send(server(), request);
  }

  static RawResponse send(HttpContractServer node, RawRequest request) {
    try {
      return RawHttp.exchange(node.base(), request);
    } catch (IOException e) {
      throw new AssertionError("No answer to " + request, e);
    }
  }

  /** Sends to the node that is set up in another way. */
  final RawResponse sendStrictly(RawRequest request) {
    return send(strict(), request.under(NodeSettings.STRICT.contextPath()));
  }

  final CompletableFuture<RawResponse> later(RawRequest request) {
    return RawHttp.later(server().base(), request);
  }

  static RawResponse answer(Future<RawResponse> future) throws Exception {
    return future.get();
  }

  final URI base() {
    return server().base();
  }

  // ---- requests whose handler waits

  /** Sends a request to the first node, and waits until its handler has been reached. */
  final Running running(EndpointProfile profile) {
    return running(server(), profile);
  }

  final Running running(HttpContractServer node, EndpointProfile profile) {
    Running running = new Running(node, profile);
    running.held.entered();
    return running;
  }

  /** A request whose handler waits, at the latest until this is closed. */
  final class Running implements AutoCloseable {

    final String name = unique();
    final RawRequest request;
    private final ContractScript.Held held = script.hold(name);
    private final CompletableFuture<RawResponse> answer;

    private Running(HttpContractServer node, EndpointProfile profile) {
      request = post(profile, name, unique());
      answer = RawHttp.later(node.base(), request);
    }

    /** The answer to come. */
    CompletableFuture<RawResponse> answer() {
      return answer;
    }

    /** Lets the handler go and waits for the answer. */
    RawResponse end() throws Exception {
      held.letGo();
      return answer.get();
    }

    @Override
    public void close() {
      held.letGo();
    }
  }

  /** What the second node answers once the first has lost its store in the middle of a run. */
  final RawResponse takenOver(Running running) throws Exception {
    return takenOver(List.of(running)).get(0);
  }

  /** The same of several runs, which the first node loses together. */
  final List<RawResponse> takenOver(List<Running> runs) throws Exception {
    List<RawResponse> answers = new ArrayList<>();
    whileStoreIsCut(
        () -> {
          for (Running running : runs) {
            RawResponse[] answer = new RawResponse[1];
            Together.await(
                "the second node does not wait for the first any more",
                () -> {
                  answer[0] = send(second(), running.request);
                  return !answer[0].text().contains("/in-progress\"");
                });
            answers.add(answer[0]);
          }
        });
    return answers;
  }

  final void assertStaysBusy(Running running, Duration time) {
    long end = System.nanoTime() + time.toNanos();
    Together.await(
        "the time is over",
        () -> {
          assertBusy(send(running.request));
          assertBusy(send(second(), running.request));
          return System.nanoTime() - end > 0;
        });
  }

  // ---- answers

  /** Answers 201 with how often it has run, after an effect. */
  final String runs() {
    String name = unique();
    script.on(
        name,
        call -> {
          call.effect(name);
          return ContractResponse.text(201, "run " + script.runs(name));
        });
    return name;
  }

  final void assertRuns(String name, int runs) {
    assertThat(script.runs(name)).as("runs of the handler").isEqualTo(runs);
  }

  final void assertEffects(String name, int effects) {
    assertThat(server().effects(name)).as("effects").isEqualTo(effects);
  }

  static void assertFresh(RawResponse response, int status) {
    assertThat(response.status()).as("status of %s", response).isEqualTo(status);
    assertThat(response.header(REPLAYED)).as("the mark of a replay in %s", response).isEmpty();
  }

  static void assertReplay(RawResponse replay, RawResponse first) {
    assertReplayed(replay);
    assertThat(replay.status()).as("status of %s", replay).isEqualTo(first.status());
    assertThat(replay.body()).as("body of the replay").isEqualTo(first.body());
    assertThat(replay.header("Content-Type")).isEqualTo(first.header("Content-Type"));
  }

  static void assertReplayed(RawResponse response) {
    assertThat(response.header(REPLAYED))
        .as("the mark of a replay in %s", response)
        .containsExactly("true");
  }

  /** A problem as RFC 9457 has it, of a type that is a stable path, and with {@code retryable}. */
  static void assertProblem(RawResponse response, int status, String type, boolean retryable) {
    String text = response.text();
    assertThat(response.status()).as("status of %s", response).isEqualTo(status);
    assertThat(response.header("Content-Type"))
        .allSatisfy(media -> assertThat(media).startsWith("application/problem+json"))
        .hasSize(1);
    assertThat(typeOf(response)).endsWith("/" + type);
    assertThat(text)
        .contains("\"status\":" + status, "\"retryable\":" + retryable)
        .containsPattern("\"title\":\"[^\"]+\"")
        .containsPattern("\"detail\":\"[^\"]+\"");
    assertThat(response.header("Cache-Control")).as("caching").containsExactly("no-store");
    assertThat(response.header(REPLAYED)).as("the mark of a replay").isEmpty();
    assertThat(response.header("Set-Cookie")).isEmpty();
  }

  static String typeOf(RawResponse problem) {
    return member("type", problem);
  }

  static String member(String name, RawResponse problem) {
    Matcher member = Pattern.compile('"' + name + "\":\"([^\"]+)\"").matcher(problem.text());
    assertThat(member.find()).as("a %s in %s", name, problem).isTrue();
    return member.group(1);
  }

  /** The type of a problem leads to a page about problems of its title. */
  static void assertDocumented(HttpContractServer node, RawResponse problem) {
    String place = node.base().resolve(typeOf(problem)).getPath();
    RawResponse page = send(node, RawRequest.of("GET", place));
    assertThat(page.status()).as("status of %s", place).isEqualTo(200);
    assertThat(page.text()).contains(member("title", problem));
  }

  static void assertBusy(RawResponse response) {
    assertProblem(response, 409, "in-progress", true);
    assertThat(response.header("Retry-After"))
        .as("seconds to wait")
        .hasSize(1)
        .allSatisfy(seconds -> assertThat(Integer.parseInt(seconds)).isPositive());
  }

  /** A form of one file and one field, as a browser sends it. */
  static RawRequest upload(RawRequest request, String boundary, String content) {
    return request.body(
        "multipart/form-data; boundary=" + boundary,
        String.join(
            "\r\n",
            List.of(
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
                "")));
  }
}
