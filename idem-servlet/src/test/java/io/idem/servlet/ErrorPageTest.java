package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
import java.net.http.HttpResponse;
import java.util.Collections;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Points 26 and 29 where the filter knows the application's error page. */
class ErrorPageTest extends ServerTest {

  /** No two of its bodies are the same. */
  private final AtomicInteger pages = new AtomicInteger();

  @BeforeEach
  void nameThePage() {
    server.errorPage = "/page";
    server.open(
        "/page",
        (request, response) -> {
          response.setContentType("text/html;charset=UTF-8");
          response
              .getWriter()
              .print(
                  "page "
                      + pages.incrementAndGet()
                      + " of "
                      + request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE)
                      + " "
                      + request.getAttribute(RequestDispatcher.ERROR_MESSAGE)
                      + " by "
                      + request.getDispatcherType()
                      + " at "
                      + request.getAttribute(RequestDispatcher.ERROR_METHOD)
                      + " "
                      + request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI));
        });
  }

  @Test
  void p29_anErrorPageIsReplayedByteForByte() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.setHeader("ETag", "\"kept\"");
          response.getOutputStream().print("dropped");
          response.sendError(409, "too late");
          response.setHeader("Link", "<late>");
          response.getOutputStream().print("ignored");
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(text(first)).isEqualTo("page 1 of 409 too late by ERROR at POST /pay");
    assertThat(first.headers().firstValue("ETag")).contains("\"kept\"");
    assertThat(first.headers().firstValue("Link")).isEmpty();
    HttpResponse<byte[]> replay = server.post("/pay", "k");
    assertSame(first, replay);
    assertThat(replay.headers().firstValue("ETag")).contains("\"kept\"");
    assertThat(pages).hasValue(1);
  }

  @Test
  void p21_theStatusOfAnErrorPageDecidesAboutTheKey() throws Exception {
    server.protect("/pay", (request, response) -> response.sendError(429));

    assertThat(text(server.post("/pay", "k"))).startsWith("page 1 of 429");
    assertThat(text(server.post("/pay", "k"))).startsWith("page 2 of 429");
  }

  /** It is no handler: what has become of the run is known before it is rendered. */
  @Test
  void p29_whatAnErrorPageSaysOfTheRunDoesNotCount() throws Exception {
    server.open(
        "/page",
        (request, response) -> {
          IdempotentExchange.nothingHappened(request);
          response.getWriter().print("the page");
        });
    server.protect("/pay", (request, response) -> response.sendError(409, "too late"));

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(text(first)).isEqualTo("the page");
    assertSame(first, server.post("/pay", "k"));
    assertThat(server.runs).as("the handler and its page").hasValue(2);
  }

  /** Then the container renders it, and a repeat has it rendered anew. */
  @Test
  void p29_aPageThatFailsIsLeftToTheContainer() throws Exception {
    server.open(
        "/page",
        (request, response) -> {
          response.getWriter().print("half a page");
          throw new ServletException("no template");
        });
    server.protect("/pay", (request, response) -> response.sendError(409, "too late"));

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(text(first)).isEqualTo("error 409 too late");
    assertSame(first, server.post("/pay", "k"));
  }

  /** The run has ended: what it did is neither undone nor unknown because of a page. */
  @Test
  void p29_pagesThatCannotBeToldAreLeftToTheContainer() throws Exception {
    server.errorPages =
        status -> {
          throw new IllegalStateException("a registrar of the application's");
        };
    server.protect("/pay", (request, response) -> response.sendError(409, "too late"));

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(text(first)).isEqualTo("error 409 too late");
    assertReplayed(server.post("/pay", "k"));
    assertThat(server.thrown).isEmpty();
  }

  @Test
  void p29_aPageThatEndsInAnErrorIsLeftToTheContainer() throws Exception {
    server.errorPages =
        status -> {
          throw new NoClassDefFoundError("a template's");
        };
    server.protect("/pay", (request, response) -> response.sendError(409, "too late"));

    assertThat(text(server.post("/pay", "k"))).isEqualTo("error 409 too late");
    assertReplayed(server.post("/pay", "k"));
  }

  /** A page that was denied, say. The handler's own status decides about the key. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void p29_aPageThatAnswersWithAnotherStatusIsLeftToTheContainer(boolean sent) throws Exception {
    server.open(
        "/page",
        (request, response) -> {
          if (sent) {
            response.sendError(403, "no page for you");
          } else {
            response.setStatus(403);
            response.getWriter().print("no page for you");
          }
        });
    server.protect("/pay", (request, response) -> response.sendError(409, "too late"));

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(text(first)).isEqualTo("error 409 too late");
    assertSame(first, server.post("/pay", "k"));
  }

  @Test
  void p29_aPageThatIsNotThereIsLeftToTheContainer() throws Exception {
    server.errorPage = "not a path";
    server.protect("/pay", (request, response) -> response.sendError(409));

    assertThat(text(server.post("/pay", "k"))).startsWith("error 409");
    assertReplayed(server.post("/pay", "k"));
  }

  /** Filters around the run, such as meters, see the request of the handler. */
  @Test
  void p29_aPageLeavesNoTraceOnTheRequest() throws Exception {
    server.open(
        "/page",
        (request, response) -> {
          request.setAttribute("route", "/page");
          request.setAttribute("page", true);
          request.removeAttribute("removed");
        });
    StringBuilder seen = new StringBuilder();
    server.protect(
        "/pay",
        (request, response) -> {
          request.setAttribute("route", "/pay");
          request.setAttribute("removed", "no");
          response.sendError(409);
        });
    server.after(
        (request, response) -> {
          for (String name : Collections.list(request.getAttributeNames())) {
            if (name.equals("page") || name.startsWith("jakarta.servlet.error")) {
              seen.append(name);
            }
          }
          seen.append(Objects.requireNonNull(request.getAttribute("route")));
          seen.append(request.getAttribute("removed"));
        });

    server.post("/pay", "k");

    assertThat(seen).hasToString("/payno");
  }
}
