package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.http.Part;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Point 36: the request the handler sees. */
class RequestBodyTest extends ServerTest {

  @Test
  void p36_theHandlerReadsTheWholeBody() throws Exception {
    server.protect(
        "/stream",
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));
    server.protect(
        "/reader",
        (request, response) -> {
          response.setCharacterEncoding("UTF-8");
          response.getWriter().print(request.getReader().readLine());
        });
    String body = "{\"a\":\"" + "x".repeat(100_000) + "\"}";

    assertThat(text(server.post("/stream", "k", JSON, body))).isEqualTo(body);
    assertThat(text(server.post("/reader", "k", "text/plain;charset=UTF-8", "é€"))).isEqualTo("é€");
  }

  @Test
  void p36_theHandlerReadsTheBodyInPartsAndAgain() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          InputStream in = request.getInputStream();
          assertThat(in.readNBytes(2)).isEqualTo("01".getBytes(StandardCharsets.US_ASCII));
          in.mark(10);
          assertThat(in.read()).isEqualTo('2');
          in.reset();
          assertThat(in.skip(1)).isEqualTo(1);
          byte[] part = new byte[4];
          assertThat(in.readNBytes(part, 1, 3)).isEqualTo(3);
          response.getOutputStream().write(part, 1, 3);
          in.transferTo(response.getOutputStream());
          assertThat(in.readAllBytes()).isEmpty();
          assertThat(request.getInputStream().isFinished()).isTrue();
        });

    assertThat(text(server.post("/pay", "k", "text/plain", "0123456789"))).isEqualTo("3456789");
  }

  @Test
  void p36_aChunkedBodyIsReadAlike() throws Exception {
    server.protect(
        "/pay",
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));

    String answer = server.raw(chunkedPost("application/json", "[1,", "2]"));

    assertThat(answer).startsWith("HTTP/1.1 200 ").endsWith("[1,2]");
    assertReplayed(server.post("/pay", "k", JSON, "[1, 2]"));
  }

  @Test
  void p36_aRequestOverTheBoundIsRefusedAndConsumesNoKey() throws Exception {
    server.protect("/pay", endpoint -> endpoint.maxRequestBytes(10), (request, response) -> {});

    assertProblem(server.post("/pay", "k", "text/plain", "0123456789x"), 413, "request-too-large");
    String chunked = server.raw(chunkedPost("text/plain", "0123456789x"));
    assertThat(chunked).startsWith("HTTP/1.1 413 ");
    assertThat(server.runs).hasValue(0);

    assertThat(server.post("/pay", "k", "text/plain", "0123456789").statusCode()).isEqualTo(200);
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p36_formsStayParametersAndCountByFields() throws Exception {
    server.protect(
        "/pay",
        (request, response) ->
            response
                .getWriter()
                .print(
                    request.getParameter("a")
                        + Arrays.toString(request.getParameterValues("b"))
                        + request.getParameter("q")));
    String form = "application/x-www-form-urlencoded";

    HttpResponse<byte[]> first = server.post("/pay?q=1", "k", form, "a=x+y&b=1&b=2");

    assertThat(text(first)).isEqualTo("x y[1, 2]1");
    assertSame(first, server.post("/pay?q=1", "k", form, "b=1&b=2&a=x%20y"));
    assertProblem(server.post("/pay?q=1", "k", form, "b=2&b=1&a=x+y"), 422, "key-reused");
  }

  @Test
  void p36_aFormReadByAFilterInFrontStillCounts() throws Exception {
    server.before((request, response) -> assertThat(request.getParameter("a")).isNotNull());
    server.protect(
        "/pay", (request, response) -> response.getWriter().print(request.getParameter("a")));
    String form = "application/x-www-form-urlencoded";

    assertThat(text(server.post("/pay", "k", form, "a=1"))).isEqualTo("1");
    assertReplayed(server.post("/pay", "k", form, "a=1"));
    assertProblem(server.post("/pay", "k", form, "a=2"), 422, "key-reused");
  }

  @Test
  void p36_theFormOfAPatchIsReadFromTheBody() throws Exception {
    server.protect(
        "/pay",
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));
    HttpRequest.Builder request =
        server
            .request("/pay")
            .header("Idempotency-Key", "k")
            .header("Content-Type", "application/x-www-form-urlencoded");

    assertThat(text(server.send(request.method("PATCH", body("a=1&b=2"))))).isEqualTo("a=1&b=2");
    assertReplayed(server.send(request.method("PATCH", body("b=2&a=1"))));
    assertProblem(server.send(request.method("PATCH", body("a=1&b=3"))), 422, "key-reused");
  }

  @Test
  void p36_multipartStaysPartsAndCountsByThem() throws Exception {
    server.protect(
        "/upload",
        (request, response) -> {
          for (Part part : request.getParts()) {
            response
                .getOutputStream()
                .write(
                    (part.getName() + "=" + part.getSubmittedFileName() + ":")
                        .getBytes(StandardCharsets.UTF_8));
            response.getOutputStream().write(part.getInputStream().readAllBytes());
          }
        });

    HttpResponse<byte[]> first = upload("/upload", "boundary1", "content");

    assertThat(text(first)).isEqualTo("file=a.txt:content");
    assertSame(first, upload("/upload", "boundary2", "content"));
    assertProblem(upload("/upload", "boundary1", "other"), 422, "key-reused");
    String large = "x".repeat(50_000);
    server.protect("/large", (request, response) -> response.getWriter().print("ok"));
    assertThat(text(upload("/large", "boundary1", large))).isEqualTo("ok");
    assertReplayed(upload("/large", "boundary2", large));
  }

  @Test
  void p36_multipartThatTheContainerDoesNotTakeApartIsReadFromTheBody() throws Exception {
    server.protect(
        "/plain/upload",
        (request, response) ->
            response
                .getWriter()
                .print(
                    new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                        .contains("content")));

    assertThat(text(upload("/plain/upload", "boundary1", "content"))).isEqualTo("true");
    assertReplayed(upload("/plain/upload", "boundary2", "content"));
    assertProblem(upload("/plain/upload", "boundary1", "other"), 422, "key-reused");
  }

  @Test
  void p10_partsWithoutABoundaryAreRefusedAndTheKeyIsFree() throws Exception {
    server.protect("/upload", (request, response) -> response.getWriter().print("ok"));

    assertProblem(
        server.post("/upload", "k", "multipart/form-data", "content"), 400, "request-malformed");
    assertThat(server.runs).hasValue(0);
    assertThat(text(upload("/upload", "boundary1", "content"))).isEqualTo("ok");
  }

  @Test
  void p36_anUploadOverTheContainersBoundConsumesNoKey() throws Exception {
    server.protect("/upload", (request, response) -> response.getWriter().print("ok"));

    assertThat(upload("/upload", "boundary1", "x".repeat(150_000)).statusCode()).isEqualTo(413);
    assertThat(server.runs).hasValue(0);
    assertThat(text(upload("/upload", "boundary1", "small"))).isEqualTo("ok");
  }
}
