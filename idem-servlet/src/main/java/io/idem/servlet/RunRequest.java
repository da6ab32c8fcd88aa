package io.idem.servlet;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.ServletResponseWrapper;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;

/** The request of a run. What it starts asynchronously the run waits for. */
final class RunRequest extends BufferedRequest {

  private final AsyncRun run;
  private final CapturedResponse response;
  private final int wrappers;
  private boolean guarded;

  RunRequest(
      HttpServletRequest request, byte @Nullable [] body, CapturedResponse response, AsyncRun run) {
    super(request, body);
    this.run = run;
    this.response = response;
    this.wrappers = wrappers(request) + 1; // the response, which nothing else can be told from
  }

  @Override
  public boolean isAsyncSupported() {
    return run.isSupported();
  }

  @Override
  public boolean isAsyncStarted() {
    return run.isStarted();
  }

  @Override
  public AsyncContext startAsync() {
    run.start(this, response, true, null);
    guard(false);
    return run;
  }

  /**
   * Servlet 6.1, {@code AsyncContext.dispatch()}: with a request of the caller's choice, a dispatch
   * leads to where that one is, which may be the target of a forward.
   */
  @Override
  public AsyncContext startAsync(ServletRequest request, ServletResponse response) {
    String uri =
        request instanceof HttpServletRequest httpRequest ? httpRequest.getRequestURI() : null;
    run.start(request, response, request == this && response == this.response, uri);
    guard(false);
    return run;
  }

  @Override
  public AsyncContext getAsyncContext() {
    if (!isAsyncStarted()) {
      throw new IllegalStateException("No asynchronous handling was started for this request");
    }
    return run;
  }

  /**
   * Takes the container's objects out of the direct reach of handlers. Tomcat inserts wrappers of
   * its own somewhere below for the time of a forward or include, and looks for them afterwards;
   * there, this waits until the dispatch is over.
   */
  void guard(boolean dispatchIsOver) {
    if (!guarded && (dispatchIsOver || wrappers(getRequest()) + wrappers(response) == wrappers)) {
      guarded = true;
      guardRequest(this);
      guardResponse(response);
    }
  }

  private static int wrappers(ServletRequest request) {
    int count = 0;
    ServletRequest in = request;
    while (in instanceof ServletRequestWrapper wrapper) {
      in = wrapper.getRequest();
      count++;
    }
    return count;
  }

  private static int wrappers(ServletResponse response) {
    int count = 0;
    ServletResponse out = response;
    while (out instanceof ServletResponseWrapper wrapper) {
      out = wrapper.getResponse();
      count++;
    }
    return count;
  }

  private void guardRequest(ServletRequestWrapper wrapper) {
    wrapper.setRequest(
        run.guard().guarded(HttpServletRequest.class, (HttpServletRequest) wrapper.getRequest()));
  }

  private void guardResponse(ServletResponseWrapper wrapper) {
    wrapper.setResponse(
        run.guard()
            .guarded(HttpServletResponse.class, (HttpServletResponse) wrapper.getResponse()));
  }
}
