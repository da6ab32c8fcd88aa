package io.idem.testkit.http;

import io.idem.testkit.Together;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What the handlers of the application under test do, and who may call them. The cases write it and
 * every node plays it. Thread-safe.
 *
 * <p>A credential is the value of an {@code Authorization} header, {@code Bearer alice.1}: a
 * principal and which of its credentials this is.
 */
public final class ContractScript {

  /** What a handler does. */
  @FunctionalInterface
  public interface Handler {

    /**
     * Handles a request.
     *
     * @param call the request
     * @return the answer
     * @throws Exception if it fails
     */
    ContractResponse answer(ContractCall call) throws Exception;
  }

  /** A source that no caller may name. */
  static final String FOREIGN_SOURCE = "foreign";

  private final Map<String, Handler> handlers = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> runs = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> marks = new ConcurrentHashMap<>();
  private final Map<String, Integer> refused = new ConcurrentHashMap<>();
  private final Set<String> granted = ConcurrentHashMap.newKeySet();

  /** A script without handlers. */
  public ContractScript() {}

  /**
   * For the adapter: what stands in front of the protection, as authentication, authorization and
   * rate limits do.
   *
   * @param authorization the credential, or null
   * @return the status that the request is answered with, without a body, or 0 to let it pass
   */
  public int refusal(@Nullable String authorization) {
    String caller = caller(authorization);
    return caller == null ? 0 : refused.getOrDefault(caller, 0);
  }

  /**
   * For the adapter: the caller whose keys are sent.
   *
   * @param authorization the credential, or null
   * @return the principal, or null
   */
  public static @Nullable String caller(@Nullable String authorization) {
    if (authorization == null || !authorization.startsWith("Bearer ")) {
      return null;
    }
    int dot = authorization.lastIndexOf('.');
    return authorization.substring("Bearer ".length(), dot < 0 ? authorization.length() : dot);
  }

  /**
   * For the adapter: what a rule on a handler method asks.
   *
   * @param caller the principal
   * @return whether the rule admits it
   */
  public boolean isGranted(String caller) {
    return granted.contains(caller);
  }

  /**
   * For the adapter: which caller may name which source.
   *
   * @param caller the principal
   * @param source the source that it sends
   * @return whether it may
   */
  public static boolean mayName(String caller, String source) {
    return !source.equals(FOREIGN_SOURCE);
  }

  /**
   * For the adapter: runs the handler of a name.
   *
   * @param name the last segment of the path
   * @param call the request
   * @return the answer
   * @throws Exception if the handler fails
   */
  public ContractResponse answer(String name, ContractCall call) throws Exception {
    runs.computeIfAbsent(name, unused -> new AtomicInteger()).incrementAndGet();
    Handler handler = handlers.get(name);
    if (handler == null) {
      throw new IllegalStateException("The script has no handler of this name");
    }
    return handler.answer(call);
  }

  /**
   * For an adapter without a database: has an effect that nothing undoes.
   *
   * @param name of the effect
   */
  public void mark(String name) {
    marks.computeIfAbsent(name, unused -> new AtomicInteger()).incrementAndGet();
  }

  /**
   * For an adapter without a database: how often there was an effect.
   *
   * @param name of the effect
   * @return the number
   */
  public int marks(String name) {
    AtomicInteger count = marks.get(name);
    return count == null ? 0 : count.get();
  }

  void on(String name, Handler handler) {
    handlers.put(name, handler);
  }

  int runs(String name) {
    AtomicInteger count = runs.get(name);
    return count == null ? 0 : count.get();
  }

  void refuse(String caller, int status) {
    refused.put(caller, status);
  }

  void admit(String caller) {
    refused.remove(caller);
  }

  void grant(String caller) {
    granted.add(caller);
  }

  void revoke(String caller) {
    granted.remove(caller);
  }

  /**
   * A handler that has its effect, waits in its first run until it is let go, and then answers 201
   * with which of its runs this is.
   */
  Held hold(String name) {
    Held held = new Held();
    on(
        name,
        call -> {
          int run = runs(name);
          call.effect(name);
          if (run == 1) {
            held.pass();
          }
          return ContractResponse.text(201, "run " + run).header("ETag", "\"" + run + "\"");
        });
    return held;
  }

  /** Where a handler waits for its case. */
  static final class Held {

    private final Semaphore entered = new Semaphore(0);
    private final CountDownLatch mayLeave = new CountDownLatch(1);

    /** For the handler. */
    void pass() throws InterruptedException {
      entered.release();
      if (!mayLeave.await(Together.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new IllegalStateException("Nobody let the handler go");
      }
    }

    /** Waits for a handler. */
    void entered() {
      try {
        if (!entered.tryAcquire(Together.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
          throw new AssertionError("The handler was not reached");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("Interrupted", e);
      }
    }

    /** Lets every handler go, now and later. */
    void letGo() {
      mayLeave.countDown();
    }
  }
}
