package io.idem.spring.boot;

import io.idem.audit.EntryPoint;
import io.idem.audit.EntryPoint.Kind;
import io.idem.audit.EntryPoint.Protection;
import io.idem.audit.EntryPoints;
import io.idem.core.Mode;
import io.idem.http.HttpEndpoint;
import io.idem.http.KeySource;
import io.idem.spring.GuardedTransition;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentMethods;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.util.ClassUtils;

/**
 * Lists what an application exposes: its mutating endpoints with annotated handlers, and its
 * message listeners, each with what protects it. Handlers of {@code GET}, {@code HEAD} and {@code
 * OPTIONS} are listed only if they are {@code @Idempotent}. Thread-safe once the application has
 * started.
 */
public final class EntryPointAudit {

  private static final Set<String> MUTATING = Set.of("POST", "PUT", "PATCH", "DELETE");

  /** RFC 9110, section 9.2.2, without the methods that are safe. */
  private static final Set<String> IDEMPOTENT = Set.of("PUT", "DELETE");

  private static final String ANY = "*";

  /** Where messages carry their keys, unless a listener says otherwise. */
  private static final String MESSAGE_HEADER = "idempotency-key";

  private final IdempotentMethods methods;
  private final List<Handlers> handlers;
  private final MessageListeners listeners;
  private final List<ListenerProtection> protections;
  private final List<String> ignored;

  /** The handlers of one web framework. */
  interface Handlers {

    /** Everything that its mappings lead to. */
    List<Handler> all();
  }

  /**
   * A mapped handler.
   *
   * @param httpMethods none for any
   */
  record Handler(
      Method method,
      Class<?> type,
      Collection<String> httpMethods,
      Collection<String> paths,
      Optional<HttpEndpoint> endpoint) {}

  EntryPointAudit(
      IdempotentMethods methods,
      List<Handlers> handlers,
      MessageListeners listeners,
      List<ListenerProtection> protections,
      List<String> ignoredPackages) {
    this.methods = methods;
    this.handlers = List.copyOf(handlers);
    this.listeners = listeners;
    this.protections = List.copyOf(protections);
    this.ignored =
        Stream.concat(
                Stream.of(
                    "org.springframework.",
                    "org.springdoc.",
                    "io.idem.http.",
                    "io.idem.servlet.",
                    "io.idem.spring.",
                    "io.idem.webflux."),
                ignoredPackages.stream())
            .toList();
  }

  /**
   * What the application exposes now.
   *
   * @return a copy
   */
  public EntryPoints entryPoints() {
    List<EntryPoint> found = new ArrayList<>();
    for (Handlers each : handlers) {
      each.all().stream()
          .filter(handler -> !isIgnored(handler.type()))
          .forEach(handler -> found.addAll(endpoints(handler)));
    }
    listeners.all().stream()
        .filter(listener -> !isIgnored(listener.type()))
        .map(this::listener)
        .forEach(found::add);
    return new EntryPoints(found);
  }

  private boolean isIgnored(Class<?> type) {
    return ignored.stream().anyMatch(type.getName()::startsWith);
  }

  private List<EntryPoint> endpoints(Handler handler) {
    IdempotentMethod annotated = methods.find(handler.method(), handler.type());
    Set<String> httpMethods =
        handler.httpMethods().isEmpty() ? Set.of(ANY) : new TreeSet<>(handler.httpMethods());
    List<EntryPoint> found = new ArrayList<>();
    for (String httpMethod : httpMethods) {
      if (annotated == null && !MUTATING.contains(httpMethod) && !httpMethod.equals(ANY)) {
        continue;
      }
      for (String path : handler.paths().isEmpty() ? Set.of("") : handler.paths()) {
        found.add(endpoint(handler, httpMethod, path, annotated));
      }
    }
    return found;
  }

  private static EntryPoint endpoint(
      Handler handler, String httpMethod, String path, @Nullable IdempotentMethod annotated) {
    String name = httpMethod + " " + (path.isEmpty() ? "/" : path);
    String where = describe(handler.type(), handler.method());
    HttpEndpoint endpoint = handler.endpoint().orElse(null);
    if (endpoint != null && endpoint.protects(httpMethod.equals(ANY) ? "POST" : httpMethod)) {
      return new EntryPoint(
          Kind.ENDPOINT,
          name,
          where,
          endpoint.isKeyRequired() ? Protection.PROTECTED : Protection.OPTIONAL,
          "operation '"
              + endpoint.operation().name()
              + "', "
              + nameOf(endpoint.operation().mode())
              + ", key from "
              + placeOf(endpoint.keySource())
              + (endpoint.isKeyRequired() ? "" : ", if there is one"));
    }
    if (annotated != null && !annotated.isEndpoint()) {
      return new EntryPoint(
          Kind.ENDPOINT, name, where, protectionOf(annotated), byAnnotation(annotated));
    }
    String guarded = byGuard(handler.method());
    if (guarded != null) {
      return new EntryPoint(Kind.ENDPOINT, name, where, Protection.PROTECTED, guarded);
    }
    return IDEMPOTENT.contains(httpMethod)
        ? new EntryPoint(
            Kind.ENDPOINT,
            name,
            where,
            Protection.DECLARED,
            httpMethod + " is idempotent by definition; whether the handler is, nobody checks")
        : new EntryPoint(
            Kind.ENDPOINT, name, where, Protection.UNPROTECTED, "its handler is not @Idempotent");
  }

  private EntryPoint listener(MessageListeners.Listener listener) {
    String where = describe(listener.type(), listener.method());
    IdempotentMethod annotated = methods.find(listener.method(), listener.type());
    if (annotated != null && !annotated.isEndpoint()) {
      return new EntryPoint(
          Kind.LISTENER, listener.name(), where, protectionOf(annotated), byAnnotation(annotated));
    }
    String guarded = byGuard(listener.method());
    if (guarded != null) {
      return new EntryPoint(Kind.LISTENER, listener.name(), where, Protection.PROTECTED, guarded);
    }
    for (ListenerProtection each : protections) {
      String how = each.protectionOf(listener.method(), listener.type());
      if (how != null) {
        return new EntryPoint(Kind.LISTENER, listener.name(), where, Protection.PROTECTED, how);
      }
    }
    return new EntryPoint(
        Kind.LISTENER,
        listener.name(),
        where,
        Protection.UNPROTECTED,
        "its method is not @Idempotent, and nothing says that it protects it");
  }

  /** How a state transition before the body tells repeats; null if there is none. */
  private static @Nullable String byGuard(Method method) {
    GuardedTransition guarded =
        AnnotatedElementUtils.findMergedAnnotation(method, GuardedTransition.class);
    return guarded == null
        ? null
        : "state transition of " + guarded.id() + " to '" + guarded.to() + "'";
  }

  private static Protection protectionOf(IdempotentMethod method) {
    return method.annotation().required() ? Protection.PROTECTED : Protection.OPTIONAL;
  }

  private static String byAnnotation(IdempotentMethod method) {
    String key = method.annotation().key();
    String header = method.header().orElse(method.isListener() ? MESSAGE_HEADER : "");
    String place = header.isEmpty() ? "the request" : "header " + header;
    return "operation '" + method.operation() + "', key from " + (key.isEmpty() ? place : key);
  }

  private static String nameOf(Mode mode) {
    return mode.name().toLowerCase(Locale.ROOT);
  }

  private static String placeOf(KeySource source) {
    if (source instanceof KeySource.InHeader header) {
      return "header " + header.syntax().headerName();
    } else if (source instanceof KeySource.InToken) {
      return "a token of the service";
    } else if (source instanceof KeySource.SourceAndNumber) {
      return "a source and its number";
    } else if (source instanceof KeySource.InValue value) {
      return String.valueOf(value.place());
    }
    return "the headers of its dialect";
  }

  static String describe(Class<?> type, Method method) {
    return ClassUtils.getUserClass(type).getName()
        + "."
        + method.getName()
        + Arrays.stream(method.getParameterTypes())
            .map(Class::getSimpleName)
            .collect(Collectors.joining(", ", "(", ")"));
  }
}
