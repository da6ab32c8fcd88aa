package io.idem.spring;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.stream.BaseStream;
import org.jspecify.annotations.Nullable;
import org.springframework.core.ReactiveAdapter;
import org.springframework.core.ReactiveAdapterRegistry;
import org.springframework.core.ResolvableType;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;

/** What a method may return so that a repeat can be given it again. */
final class ResultTypes {

  private static final List<String> ASYNC =
      List.of(
          Future.class.getName(),
          CompletionStage.class.getName(),
          Callable.class.getName(),
          Flow.Publisher.class.getName(),
          "org.reactivestreams.Publisher",
          "org.springframework.web.context.request.async.DeferredResult",
          "org.springframework.web.context.request.async.WebAsyncTask",
          "org.springframework.web.servlet.mvc.method.annotation.ResponseBodyEmitter",
          "org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody",
          "io.reactivex.rxjava3.core.Single",
          "io.reactivex.rxjava3.core.Maybe",
          "io.reactivex.rxjava3.core.Completable");

  /** What Spring MVC waits for, and sends one response of, besides what is {@link #isOne}. */
  private static final List<String> AWAITED =
      List.of(
          CompletionStage.class.getName(),
          Callable.class.getName(),
          "org.springframework.web.context.request.async.DeferredResult",
          "org.springframework.web.context.request.async.WebAsyncTask",
          "reactor.core.publisher.Mono");

  /** What Spring MVC waits for as the body of a {@code ResponseEntity} as well; the same. */
  private static final List<String> AWAITED_BODY =
      List.of(CompletionStage.class.getName(), "reactor.core.publisher.Mono");

  private static final List<String> STREAMED =
      List.of(
          "org.springframework.web.servlet.mvc.method.annotation.ResponseBodyEmitter",
          "org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody",
          "reactor.core.publisher.Flux");

  private static final List<String> WEB =
      List.of(
          "org.springframework.http.HttpEntity",
          "org.springframework.web.servlet.ModelAndView",
          "org.springframework.web.servlet.View",
          "org.springframework.ui.Model",
          "org.springframework.web.ErrorResponse",
          "jakarta.servlet.ServletResponse");

  private static final List<String> STREAMS =
      List.of(
          BaseStream.class.getName(),
          "java.io.InputStream",
          "java.io.Reader",
          "java.util.Iterator",
          "org.springframework.core.io.InputStreamSource");

  private ResultTypes() {}

  /**
   * The declared type of a method's results, with the type arguments that the bean's class gives.
   *
   * @throws IdempotencySetupException if such a result cannot be given again
   */
  static Type of(IdempotentMethod method) {
    Returned returned = Returned.by(method);
    Class<?> raw = returned.resultClass(method);
    String returns = method + " is @Idempotent and returns " + raw.getName();
    if (returned == Returned.VALUE) {
      checkSynchronous(method);
    } else {
      checkAwaited(method, raw);
    }
    if (isOneOf(raw, WEB)) {
      throw new IdempotencySetupException(
          returns + ", which is a response and no result.",
          "On a handler method of a controller, leave key away: then the HTTP layer stores the whole"
              + " response. On a service, return the body.");
    }
    if (isOneOf(raw, STREAMS)) {
      throw new IdempotencySetupException(
          returns + ", which can be read only once.",
          "Return a value that holds the content, such as a List or a byte[].");
    }
    if (returned == Returned.VALUE && LateResults.isLate(raw)) {
      throw new IdempotencySetupException(
          returns + ", so that it has returned before its effect has happened.",
          "Do the work in the method, and return the result itself.");
    }
    Type type = returned.resultType(method);
    if (raw == Object.class
        || type == null
        || type instanceof TypeVariable<?>
        || type instanceof WildcardType) {
      throw new IdempotencySetupException(
          returns + ", which does not say how a stored result is read back.",
          "Declare the type that the method really returns.");
    }
    if (isOpen(type)) {
      throw new IdempotencySetupException(
          method
              + " is @Idempotent and returns "
              + method.method().getGenericReturnType().getTypeName()
              + ", of which a type variable is bound neither by it nor by the bean's class: a stored"
              + " result would be read back as something else.",
          "Declare the type that the method really returns.");
    }
    return type;
  }

  /** Whether a type has a type variable without a bound, which would be read back as anything. */
  static boolean isOpen(Type type) {
    if (type instanceof ParameterizedType of) {
      return Arrays.stream(of.getActualTypeArguments()).anyMatch(ResultTypes::isOpen);
    }
    return type instanceof GenericArrayType array
        ? isOpen(array.getGenericComponentType())
        : type instanceof TypeVariable<?> variable && variable.getBounds()[0] == Object.class;
  }

  /**
   * Refuses a method that returns before its effect has happened.
   *
   * @throws IdempotencySetupException if it does
   */
  static void checkSynchronous(IdempotentMethod method) {
    Method declared = method.method();
    Class<?> raw = ResolvableType.forMethodReturnType(declared, method.targetClass()).toClass();
    Class<?> body =
        ResolvableType.forMethodReturnType(declared, method.targetClass()).getGeneric(0).toClass();
    boolean wrapped = isOneOf(raw, WEB) && isOneOf(body, ASYNC);
    if (wrapped || isOneOf(raw, ASYNC) || isAsync(declared, method.targetClass())) {
      throw new IdempotencySetupException(
          (isAsync(declared, method.targetClass())
                  ? method + " is @Idempotent and @Async"
                  : method + " is @Idempotent and returns " + (wrapped ? body : raw).getName())
              + ", so that it has returned before its effect has happened: nobody would know what to"
              + " record.",
          raw.getName().equals("reactor.core.publisher.Flux")
              ? "A repeat is given one stored result: return a Mono<List<…>>."
              : "Annotate the method that does the work and returns its result, and call it from the"
                  + " asynchronous one.");
    }
  }

  /**
   * Looks at what a handler method of Spring MVC returns.
   *
   * @return whether it is handled asynchronously
   * @throws IdempotencySetupException if its response is sent piece by piece, or before its effect
   *     has happened
   */
  static boolean isAwaitedByMvc(IdempotentMethod method) {
    ResolvableType declared =
        ResolvableType.forMethodReturnType(method.method(), method.targetClass());
    boolean wrapped = isOneOf(declared.toClass(), WEB);
    ResolvableType returned = wrapped ? declared.getGeneric(0) : declared;
    boolean awaited =
        isOneOf(returned.toClass(), wrapped ? AWAITED_BODY : AWAITED) || isOne(returned.toClass());
    ResolvableType result = awaited ? generic(returned) : returned;
    ResolvableType content = isOneOf(result.toClass(), WEB) ? result.getGeneric(0) : result;
    for (ResolvableType type : List.of(returned, result, content)) {
      if (isOneOf(type.toClass(), STREAMED) || isMany(type.toClass())) {
        throw new IdempotencySetupException(
            method
                + " is an @Idempotent endpoint and returns a "
                + type.toClass().getName()
                + ", whose parts are meant to be sent one by one. What is kept for repeats, and sent"
                + " once it is kept, is one whole response.",
            "Return the whole content, in a Mono<List<…>> or a CompletableFuture if it takes time;"
                + " or let the endpoint start the work, and stream it from another one, mapped to"
                + " GET.");
      }
    }
    if (awaited) {
      checkAwaited(method, result.toClass());
      checkAwaited(method, content.toClass());
    } else {
      checkSynchronous(method);
    }
    return awaited;
  }

  /** What a type is of, which may be said by a type above. */
  private static ResolvableType generic(ResolvableType type) {
    for (Class<?> above : List.of(CompletionStage.class, Callable.class)) {
      if (above.isAssignableFrom(type.toClass())) {
        return type.as(above).getGeneric(0);
      }
    }
    ReactiveAdapter adapter = adapterOf(type.toClass());
    Class<?> reactive = adapter == null ? type.toClass() : adapter.getReactiveType();
    return type.as(reactive).getGeneric(0);
  }

  /** Whether Spring knows a type as one result that comes later, as of RxJava or Mutiny. */
  private static boolean isOne(Class<?> type) {
    ReactiveAdapter adapter = adapterOf(type);
    return adapter != null && !adapter.isMultiValue();
  }

  /** Whether Spring knows a type as results that come one by one. */
  private static boolean isMany(Class<?> type) {
    ReactiveAdapter adapter = adapterOf(type);
    return adapter != null && adapter.isMultiValue();
  }

  private static @Nullable ReactiveAdapter adapterOf(Class<?> type) {
    return ReactiveAdapterRegistry.getSharedInstance().getAdapter(type);
  }

  /** Refuses a method whose stage ends before its effect has happened, or that has many results. */
  private static void checkAwaited(IdempotentMethod method, Class<?> result) {
    boolean async = isAsync(method.method(), method.targetClass());
    if (async || isOneOf(result, ASYNC) || adapterOf(result) != null) {
      throw new IdempotencySetupException(
          method
              + (async
                  ? " is @Idempotent and @Async, so that a thread which Idem does not know runs it."
                  : " is @Idempotent and its result is a "
                      + result.getName()
                      + ", so that it has ended before its effect has happened."),
          async
              ? "Leave @Async away, and start the work on an executor of your own."
              : "Return one stage or Mono of the result itself.");
    }
  }

  private static boolean isAsync(Method method, Class<?> type) {
    String async = "org.springframework.scheduling.annotation.Async";
    return MergedAnnotations.from(method, SearchStrategy.TYPE_HIERARCHY).isPresent(async)
        || MergedAnnotations.from(type, SearchStrategy.TYPE_HIERARCHY).isPresent(async);
  }

  /** By name, because most of these need not be there. */
  private static boolean isOneOf(@Nullable Class<?> type, List<String> names) {
    return type != null
        && (names.contains(type.getName())
            || isOneOf(type.getSuperclass(), names)
            || Arrays.stream(type.getInterfaces()).anyMatch(above -> isOneOf(above, names)));
  }
}
