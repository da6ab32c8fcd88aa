package io.idem.spring;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.BaseStream;
import org.springframework.core.ReactiveAdapterRegistry;
import org.springframework.util.ClassUtils;

/** Types of results that are worked out after the method that returns them has ended. */
final class LateResults {

  /** By name, because none of them need be there. */
  private static final String[] NAMES = {
    "org.reactivestreams.Publisher",
    "org.springframework.web.context.request.async.DeferredResult",
    "org.springframework.web.context.request.async.WebAsyncTask",
    "org.springframework.web.servlet.mvc.method.annotation.ResponseBodyEmitter",
    "org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody"
  };

  private LateResults() {}

  /** Whether a result of a type may come late. */
  static boolean isLate(Class<?> type) {
    return CompletionStage.class.isAssignableFrom(type)
        || Future.class.isAssignableFrom(type)
        || Callable.class.isAssignableFrom(type)
        || isRunLater(type)
        || Flow.Publisher.class.isAssignableFrom(type)
        || BaseStream.class.isAssignableFrom(type)
        || ReactiveAdapterRegistry.getSharedInstance().getAdapter(type) != null
        || isNamed(type);
  }

  /**
   * Whether a type is no more than something to run. A class has state of its own besides, and what
   * has elements, as a page of Spring Data, is a value that supplies another view of itself.
   */
  private static boolean isRunLater(Class<?> type) {
    return type.isInterface()
        && (Supplier.class.isAssignableFrom(type) || Runnable.class.isAssignableFrom(type))
        && !Iterable.class.isAssignableFrom(type);
  }

  private static boolean isNamed(Class<?> type) {
    ClassLoader loader = type.getClassLoader();
    if (loader == null) {
      return false;
    }
    for (String name : NAMES) {
      if (ClassUtils.isPresent(name, loader)
          && ClassUtils.resolveClassName(name, loader).isAssignableFrom(type)) {
        return true;
      }
    }
    return false;
  }
}
