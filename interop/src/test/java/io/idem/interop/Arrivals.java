package io.idem.interop;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.ContentCachingResponseWrapper;

/**
 * What clients really sent and were sent, seen in front of Idem; and a gateway that can lose an
 * answer on its way back. Thread-safe.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
class Arrivals extends OncePerRequestFilter {

  private static final Duration BOUND = Duration.ofSeconds(30);

  private List<Arrival> arrivals = new ArrayList<>();
  private boolean losing;

  /** A request that changes something. Its status is 0 until it is answered. */
  record Arrival(String path, String key, int status, boolean replayed) {}

  /** Begins anew; what is on its way is of no interest any more. */
  synchronized void clear() {
    arrivals = new ArrayList<>();
    losing = false;
  }

  /** Answers the next request with 503 once it has been carried out. */
  synchronized void loseNextAnswer() {
    losing = true;
  }

  /**
   * What has arrived, in its order, once all of it is answered: a client may have its answer a
   * moment before.
   */
  synchronized List<Arrival> all() {
    await(all -> all.stream().noneMatch(arrival -> arrival.status() == 0));
    return List.copyOf(arrivals);
  }

  /** Waits for as many requests, answered or not. */
  void awaitRequests(int count) {
    await(all -> all.size() >= count);
  }

  /** Waits for an answer of that status. */
  void awaitAnswer(int status) {
    await(all -> all.stream().anyMatch(arrival -> arrival.status() == status));
  }

  private synchronized void await(Predicate<List<Arrival>> condition) {
    long deadline = System.nanoTime() + BOUND.toNanos();
    while (!condition.test(arrivals)) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new AssertionError("Not in time; arrived: " + arrivals);
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    return request.getMethod().equals("GET") || request.getMethod().equals("HEAD");
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    Slot slot = arrived(request);
    if (isToBeLost()) {
      // What the wrapper caches and nobody copies is never sent.
      chain.doFilter(request, new ContentCachingResponseWrapper(response));
      response.reset();
      response.setStatus(503);
      answered(slot, response, 503);
      return;
    }
    boolean thrown = true;
    try {
      chain.doFilter(request, response);
      thrown = false;
    } finally {
      answered(slot, response, thrown ? 500 : response.getStatus());
    }
  }

  private synchronized Slot arrived(HttpServletRequest request) {
    String key = request.getHeader("Idempotency-Key");
    arrivals.add(new Arrival(request.getRequestURI(), key == null ? "" : key, 0, false));
    notifyAll();
    return new Slot(arrivals, arrivals.size() - 1);
  }

  private synchronized boolean isToBeLost() {
    boolean lost = losing;
    losing = false;
    return lost;
  }

  private synchronized void answered(Slot slot, HttpServletResponse response, int status) {
    Arrival arrival = slot.list().get(slot.place());
    boolean replayed = "true".equals(response.getHeader("Idempotent-Replayed"));
    slot.list().set(slot.place(), new Arrival(arrival.path(), arrival.key(), status, replayed));
    notifyAll();
  }

  private record Slot(List<Arrival> list, int place) {}
}
