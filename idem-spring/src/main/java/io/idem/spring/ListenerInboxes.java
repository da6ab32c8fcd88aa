package io.idem.spring;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;

/**
 * Brings the containers of {@link Idempotent} listeners, which are made during start-up or later,
 * together with their operations, which are known at its end. Thread-safe.
 *
 * @param <I> what stands for the inbox of one container
 */
public final class ListenerInboxes<I> {

  private final Map<Method, List<I>> inboxes = new HashMap<>();
  private final Set<I> made = Collections.newSetFromMap(new IdentityHashMap<>());
  private final BeanFactory beans;
  private final Maker<I> maker;
  private @Nullable List<IdempotentMethod> listeners;

  /**
   * Gives an inbox its operation.
   *
   * @param <I> what stands for the inbox of one container
   */
  @FunctionalInterface
  public interface Maker<I> {

    /**
     * Gives an inbox its operation, once.
     *
     * @param inbox the inbox of one container
     * @param listener the container's listener
     * @param operations makes the operation
     */
    void make(I inbox, IdempotentMethod listener, IdempotentOperations operations);
  }

  /**
   * No containers and no listeners yet.
   *
   * @param beans where the operations are found, when they are needed
   * @param maker gives an inbox its operation
   */
  public ListenerInboxes(BeanFactory beans, Maker<I> maker) {
    this.beans = beans;
    this.maker = maker;
  }

  /**
   * Takes the inbox of a container that has been made.
   *
   * @param listener the method that the container calls
   * @param inbox its inbox
   * @throws IdempotencySetupException if the listener's operation is not certain
   */
  public synchronized void add(Method listener, I inbox) {
    inboxes.computeIfAbsent(listener, method -> new ArrayList<>()).add(inbox);
    if (listeners != null) {
      listeners.stream()
          .filter(known -> known.method().equals(listener))
          .forEach(known -> make(inbox, known));
    }
  }

  /**
   * Takes the listeners of the application, at the end of its start-up.
   *
   * @param all all of one broker
   * @throws IdempotencySetupException if the operation of one is not certain
   */
  public synchronized void know(List<IdempotentMethod> all) {
    listeners = List.copyOf(all);
    for (IdempotentMethod listener : all) {
      inboxes.getOrDefault(listener.method(), List.of()).forEach(inbox -> make(inbox, listener));
    }
  }

  private void make(I inbox, IdempotentMethod listener) {
    if (!made.add(inbox)) {
      throw new IdempotencySetupException(
          "Two beans inherit the @Idempotent listener "
              + listener
              + ", so that nobody knows whose operation is meant.",
          "Override the method in each of them, with annotations of its own.");
    }
    maker.make(inbox, listener, beans.getBean(IdempotentOperations.class));
  }

  /**
   * Refuses a listener whose container was never made here, so that its messages would be consumed
   * without an inbox.
   *
   * @param fix what to do about it, as a sentence
   * @throws IdempotencySetupException if there is one
   */
  public synchronized void requireAll(String fix) {
    for (IdempotentMethod listener : listeners == null ? List.<IdempotentMethod>of() : listeners) {
      if (!inboxes.containsKey(listener.method())) {
        throw new IdempotencySetupException(
            listener
                + " is an @Idempotent listener that would run unprotected: Spring's registry of"
                + " listeners has not made its container.",
            fix);
      }
    }
  }
}
