package io.idem.servlet;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The dispatches of one run, and its asynchronous handling in between, by the rules of Servlet 6.1,
 * section 2.3.3.3. The container knows nothing of it: to the container, and to the filters in
 * front, the request is handled synchronously by a thread that takes its time.
 *
 * <ol>
 *   <li>A dispatch, the first of which is the request itself, may start asynchronous handling. What
 *       is asked of that takes effect once the dispatch has returned.
 *   <li>The thread of the run waits until any thread completes or dispatches, or until the timeout
 *       has passed and the listeners were asked what to do about it.
 *   <li>A dispatch takes place on the thread of the run, with whatever the filters in front have
 *       tied to that thread; 1 again.
 *   <li>At the end everybody else is parted from the request and the response, and what the
 *       response has come to is taken over. Whoever is late meets an {@link IllegalStateException}.
 * </ol>
 *
 * <p>A run whose asynchronous handling timed out, or failed while it went on, is {@linkplain
 * #isUncertain() uncertain}: what was started may still have its effect.
 *
 * <p>As {@link AsyncContext}, thread-safe, and one for all cycles of the request; the rest belongs
 * to the thread of the run.
 */
final class AsyncRun implements AsyncContext {

  private static final Logger log = LoggerFactory.getLogger("io.idem.servlet");

  /** What containers give a handler that does not say. */
  private static final long TIMEOUT_MILLIS = 30_000;

  private static final Dispatch COMPLETE = () -> {};

  private final FilterChain chain;
  private final CapturedResponse response;
  private final Executor executor;
  private final @Nullable String refusal;
  private final String uri;
  private final String contextPath;
  private final Thread owner = Thread.currentThread();

  // ---- touched by the thread of the run alone

  /** Whether anything asynchronous was started. Without, nobody but this thread knows the run. */
  private boolean used;

  /** Made with the first of it: most handlers answer at once. */
  private @Nullable RunGuard guard;

  private boolean brokenOff;
  private boolean interrupted;
  private boolean uncertain;

  // ---- guarded by the lock

  private final Lock lock = new ReentrantLock();
  private final Condition asked = lock.newCondition();
  private final List<Registration> listeners = new ArrayList<>();
  private boolean dispatching = true;
  private volatile boolean started; // written under the lock
  private @Nullable Dispatch next;
  private long timeout = TIMEOUT_MILLIS;
  private @Nullable ServletRequest suppliedRequest;
  private @Nullable ServletResponse suppliedResponse;
  private boolean original;
  private @Nullable String target;

  /**
   * A run on the calling thread.
   *
   * @param refusal why nothing asynchronous may be started, or null if it may
   */
  AsyncRun(
      HttpServletRequest request,
      CapturedResponse response,
      FilterChain chain,
      Executor executor,
      @Nullable String refusal) {
    this.uri = request.getRequestURI();
    this.contextPath = request.getContextPath();
    this.response = response;
    this.chain = chain;
    this.executor = executor;
    this.refusal = refusal;
  }

  // ---- the thread of the run

  /** Handles the request, and returns or throws when nothing of it goes on any more. */
  void handle(RunRequest request) throws IOException, ServletException {
    Dispatch dispatch = () -> chain.doFilter(request, response);
    do {
      try {
        dispatch.run();
      } catch (Throwable e) {
        Dispatch remedy = afterFailure(e);
        if (remedy == null) {
          end(request);
          if (!uncertain) {
            throw e;
          }
          // By the operation's rules for exceptions it might free the key.
          log.warn("A handler failed while its asynchronous handling went on, or timed out", e);
          brokenOff = true;
          return;
        }
        dispatch = remedy;
        continue;
      }
      dispatch = afterReturn(request);
    } while (dispatch != COMPLETE);
    end(request);
  }

  private Dispatch afterReturn(RunRequest request) {
    if (!returned()) {
      return COMPLETE;
    }
    request.guard(true);
    try {
      if (!awaitAsked()) {
        uncertain = true;
        brokenOff = response.isCommitted(); // nobody can answer in its place any more
        tell(AsyncListener::onTimeout, null);
      }
    } catch (InterruptedException e) {
      interrupted = true;
      uncertain = true;
      tell(AsyncListener::onError, e);
      Thread.currentThread().interrupt();
      return COMPLETE;
    }
    Dispatch wanted = take();
    if (wanted == null) { // a timeout that no listener had an answer to
      brokenOff = true;
      return COMPLETE;
    }
    return wanted;
  }

  /** What the listeners want after a failure, or null if it is to be thrown on. */
  private @Nullable Dispatch afterFailure(Throwable failure) {
    boolean going = returned();
    if (!used) {
      return null;
    }
    uncertain |= going;
    lock.lock();
    try {
      next = null; // asked by who did not know of the failure
    } finally {
      lock.unlock();
    }
    tell(AsyncListener::onError, failure);
    return take();
  }

  /** Whether the dispatch that has returned has started anything. */
  private boolean returned() {
    if (!used) {
      dispatching = false;
      return false;
    }
    lock.lock();
    try {
      dispatching = false;
      return started;
    } finally {
      lock.unlock();
    }
  }

  /** Whether somebody asked for something before the timeout. */
  private boolean awaitAsked() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = TimeUnit.MILLISECONDS.toNanos(timeout);
      while (next == null) {
        if (timeout <= 0) {
          asked.await();
        } else if (left > 0) {
          left = asked.awaitNanos(left);
        } else {
          return false;
        }
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Dispatch take() {
    lock.lock();
    try {
      Dispatch taken = next;
      next = null;
      if (taken != null) {
        started = false;
        suppliedRequest = null;
        suppliedResponse = null;
        dispatching = taken != COMPLETE;
      }
      return taken;
    } finally {
      lock.unlock();
    }
  }

  private void end(RunRequest request) {
    if (!used) {
      dispatching = false;
      return;
    }
    lock.lock();
    try {
      started = false;
      next = null;
      dispatching = false;
    } finally {
      lock.unlock();
    }
    tell(AsyncListener::onComplete, null);
    request.guard(true);
    guard().keepToThisThread();
    AsyncAttributes.remove(request);
  }

  /** What the response has come to, in the hands of this thread alone. */
  CapturedResponse settled() {
    if (!used) {
      return response;
    }
    CapturedResponse settled = response.settle();
    if (interrupted) {
      settled.replaceByError(HttpServletResponse.SC_SERVICE_UNAVAILABLE);
    } else if (brokenOff) {
      // Servlet 6.1, section 2.3.3.3: a timeout without an answer is an error 500. What had been
      // sent by then, were it not held back, is half a response.
      settled.replaceByError(HttpServletResponse.SC_INTERNAL_SERVER_ERROR);
    }
    return settled;
  }

  /** Whether what was started may still go on, so that its outcome is not known. */
  boolean isUncertain() {
    return uncertain;
  }

  /** Whether the thread of the run was interrupted while it waited. */
  boolean isInterrupted() {
    return interrupted;
  }

  RunGuard guard() {
    RunGuard made = guard;
    if (made == null) {
      made = new RunGuard();
      guard = made;
    }
    return made;
  }

  /** Lets nobody at the request and the response any more, which the container gets back. */
  void close() {
    if (guard != null) {
      guard.close();
    }
  }

  private void tell(Notification what, @Nullable Throwable cause) {
    for (Registration registered : registrations()) {
      tell(registered, what, cause);
    }
  }

  private void tell(Registration registered, Notification what, @Nullable Throwable cause) {
    try {
      what.of(
          registered.listener(),
          new AsyncEvent(this, registered.request(), registered.response(), cause));
    } catch (Throwable e) {
      // Not even an Error of a listener's may keep the run from its end.
      log.warn("A listener of an asynchronous request failed", e);
    }
  }

  private List<Registration> registrations() {
    lock.lock();
    try {
      return List.copyOf(listeners);
    } finally {
      lock.unlock();
    }
  }

  // ---- the request

  boolean isSupported() {
    return refusal == null;
  }

  /** Until what was asked for takes effect, so that the dispatch that started it can tell. */
  boolean isStarted() {
    return started;
  }

  /**
   * Starts a cycle.
   *
   * @param where the URI that a dispatch without a path leads to, or null for the request's own
   */
  void start(
      ServletRequest request, ServletResponse response, boolean original, @Nullable String where) {
    if (refusal != null) {
      throw new IllegalStateException(refusal);
    }
    List<Registration> ofBefore;
    lock.lock();
    try {
      if (!dispatching || started || Thread.currentThread() != owner) {
        throw new IllegalStateException(
            "Asynchronous handling can be started once in each dispatch of a request, and by the"
                + " thread of the dispatch");
      }
      started = true;
      timeout = TIMEOUT_MILLIS;
      suppliedRequest = request;
      suppliedResponse = response;
      this.original = original;
      target = where == null || where.equals(uri) ? null : withoutContextPath(where);
      ofBefore = List.copyOf(listeners);
      listeners.clear();
    } finally {
      lock.unlock();
    }
    used = true;
    for (Registration registered : ofBefore) {
      tell(registered, AsyncListener::onStartAsync, null);
    }
  }

  private String withoutContextPath(String where) {
    return where.startsWith(contextPath) ? where.substring(contextPath.length()) : where;
  }

  // ---- the context

  @Override
  public ServletRequest getRequest() {
    lock.lock();
    try {
      return supplied(suppliedRequest);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public ServletResponse getResponse() {
    lock.lock();
    try {
      return supplied(suppliedResponse);
    } finally {
      lock.unlock();
    }
  }

  private <T> T supplied(@Nullable T object) {
    checkGoing();
    if (object == null) {
      throw new IllegalStateException("Asynchronous handling was started without this object");
    }
    return object;
  }

  private void checkGoing() {
    if (!started || next != null) {
      throw new IllegalStateException(
          "The asynchronous handling of this request was completed or dispatched already, failed or"
              + " timed out");
    }
  }

  @Override
  public boolean hasOriginalRequestAndResponse() {
    lock.lock();
    try {
      return original;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void dispatch() {
    lock.lock();
    try {
      String path = target;
      if (path != null) {
        dispatch(path);
        return;
      }
      ServletRequest request = getRequest();
      ServletResponse response = getResponse();
      ask(() -> chain.doFilter(dispatched(request), response));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void dispatch(String path) {
    dispatch(getRequest().getServletContext(), path);
  }

  @Override
  public void dispatch(ServletContext context, String path) {
    ServletRequest request = getRequest();
    ServletResponse response = getResponse();
    RequestDispatcher dispatcher = context.getRequestDispatcher(path);
    if (dispatcher == null) {
      throw new IllegalArgumentException("Nothing can be dispatched to " + path);
    }
    ask(() -> forward(dispatcher, request, response));
  }

  /** A forward clears what was written, which a dispatch of this kind must not. */
  private void forward(
      RequestDispatcher dispatcher, ServletRequest request, ServletResponse response)
      throws IOException, ServletException {
    if (this.response.isBegun()) {
      throw new IllegalStateException(
          "Behind an idempotent endpoint, an asynchronous dispatch to another path is possible only"
              + " as long as nothing was written to the response");
    }
    dispatcher.forward(dispatched(request), response);
  }

  private static ServletRequest dispatched(ServletRequest request) {
    if (!(request instanceof HttpServletRequest httpRequest)) {
      return request;
    }
    AsyncAttributes.set(httpRequest);
    return new DispatchedRequest(httpRequest, DispatcherType.ASYNC);
  }

  @Override
  public void complete() {
    ask(COMPLETE);
  }

  private void ask(Dispatch wanted) {
    lock.lock();
    try {
      checkGoing();
      next = wanted;
      asked.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void start(Runnable task) {
    lock.lock();
    try {
      checkGoing();
    } finally {
      lock.unlock();
    }
    executor.execute(task);
  }

  @Override
  public void addListener(AsyncListener listener) {
    add(new Registration(listener, null, null));
  }

  @Override
  public void addListener(
      AsyncListener listener, ServletRequest request, ServletResponse response) {
    add(new Registration(listener, request, response));
  }

  private void add(Registration registration) {
    lock.lock();
    try {
      checkGoing();
      listeners.add(registration);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public <T extends AsyncListener> T createListener(Class<T> type) throws ServletException {
    try {
      return type.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new ServletException("A listener cannot be made of " + type.getName(), e);
    }
  }

  @Override
  public void setTimeout(long timeout) {
    lock.lock();
    try {
      if (!started || !dispatching) {
        throw new IllegalStateException(
            "A timeout is set in the dispatch that starts the asynchronous handling");
      }
      this.timeout = timeout;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long getTimeout() {
    lock.lock();
    try {
      return timeout;
    } finally {
      lock.unlock();
    }
  }

  /** What is to be done next by the thread of the run. */
  @FunctionalInterface
  private interface Dispatch {
    void run() throws IOException, ServletException;
  }

  @FunctionalInterface
  private interface Notification {
    void of(AsyncListener listener, AsyncEvent event) throws IOException;
  }

  private record Registration(
      AsyncListener listener,
      @Nullable ServletRequest request,
      @Nullable ServletResponse response) {}
}
