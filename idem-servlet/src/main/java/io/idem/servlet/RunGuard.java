package io.idem.servlet;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Stands between the threads of an asynchronous handler and what belongs to the container. The
 * container uses its request and response again for other clients, and a handler that timed out may
 * still hold on to them. A call that has begun before the end is waited for; one that comes later
 * is refused with an {@link IllegalStateException} and reaches nothing. Thread-safe.
 */
final class RunGuard {

  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private @Nullable Thread only;
  private boolean over;

  /** The same object for as long as the run goes on. It cannot be unwrapped. */
  <T> T guarded(Class<T> type, T target) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              lock.readLock().lock();
              try {
                check();
                return detached(method.invoke(target, arguments));
              } catch (InvocationTargetException e) {
                throw e.getCause();
              } finally {
                lock.readLock().unlock();
              }
            }));
  }

  private void check() {
    if (over || (only != null && only != Thread.currentThread())) {
      throw new IllegalStateException(
          "The handling of this request is over: it was completed, failed or timed out, and its"
              + " request and response must not be used any more");
    }
  }

  /** What reads on in the container's own memory when it is looked at later is copied. */
  private static @Nullable Object detached(@Nullable Object result) {
    if (result instanceof Enumeration<?> elements) {
      return Collections.enumeration(Collections.list(elements));
    }
    return result instanceof Map<?, ?> map
        ? Collections.unmodifiableMap(new LinkedHashMap<>(map))
        : result;
  }

  /** From now on the calling thread alone is let pass. */
  void keepToThisThread() {
    lock.writeLock().lock();
    try {
      only = Thread.currentThread();
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** From now on nobody is let pass. */
  void close() {
    lock.writeLock().lock();
    try {
      over = true;
    } finally {
      lock.writeLock().unlock();
    }
  }
}
