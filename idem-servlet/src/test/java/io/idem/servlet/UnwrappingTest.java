package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import jakarta.servlet.ServletResponse;
import jakarta.servlet.ServletResponseWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

/** Point 29: nothing of a response is sent before it is recorded, however it is unwrapped. */
class UnwrappingTest extends ServerTest {

  @Test
  void p29_theContainersResponseIsNotFoundBehindTheHandlers() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          ServletResponseWrapper captured = (ServletResponseWrapper) response;
          ServletResponse behind = captured.getResponse();

          assertThat(behind).isNotInstanceOf(ServletResponseWrapper.class);
          assertThat(behind.getClass().getName()).doesNotStartWith("org.apache");
          assertThat(captured.getResponse()).isSameAs(behind);
          ((HttpServletResponse) behind).setHeader("Location", "/behind");
          response.getWriter().print("ok");
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(text(first)).isEqualTo("ok");
    assertThat(first.headers().firstValue("Location")).hasValue("/behind");
    assertSame(first, server.post("/pay", "k"));
  }

  @Test
  void p22_nothingIsSentPastTheRecord() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          HttpServletResponse behind =
              (HttpServletResponse) ((ServletResponseWrapper) response).getResponse();

          assertThatIllegalStateException().isThrownBy(behind::getWriter);
          assertThatIllegalStateException().isThrownBy(behind::getOutputStream);
          assertThatIllegalStateException().isThrownBy(behind::flushBuffer);
          assertThatIllegalStateException().isThrownBy(() -> behind.sendError(500));
          assertThatIllegalStateException().isThrownBy(() -> behind.sendRedirect("/elsewhere"));
          response.getWriter().print("ok");
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(text(first)).isEqualTo("ok");
    assertSame(first, server.post("/pay", "k"));
  }

  @Test
  void p29_whatADispatchPutsInBetweenIsFoundAndTakenAwayAgain() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          ServletResponseWrapper captured = (ServletResponseWrapper) response;
          ServletResponse behind = captured.getResponse();
          HttpServletResponseWrapper between =
              new HttpServletResponseWrapper((HttpServletResponse) behind) {
                @Override
                public void setHeader(String name, String value) {
                  super.setHeader(name, value + "?between");
                }
              };

          captured.setResponse(between);
          assertThat(captured.getResponse()).isSameAs(between);
          response.setHeader("Location", "/first");
          captured.setResponse(behind);
          assertThat(captured.getResponse()).isSameAs(behind);
          response.setHeader("Content-Location", "/second");
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.headers().firstValue("Location")).hasValue("/first?between");
    assertThat(first.headers().firstValue("Content-Location")).hasValue("/second");
    assertSame(first, server.post("/pay", "k"));
  }

  @Test
  void p22_whatIsLeftInBetweenHoldsNoResponseBack() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          ServletResponseWrapper captured = (ServletResponseWrapper) response;
          captured.setResponse(
              new HttpServletResponseWrapper((HttpServletResponse) captured.getResponse()));
          response.getWriter().print("ok");
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(text(first)).isEqualTo("ok");
    assertSame(first, server.post("/pay", "k"));
  }
}
