package io.idem.spring;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.core.GenericTypeResolver;
import org.springframework.core.ResolvableType;

/** How the result of a service method comes to its caller. */
enum Returned {
  /** When the method returns. */
  VALUE,

  /** When a stage ends that the method has returned. */
  STAGE,

  /** When a {@code Mono} ends that the method has returned, each time it is subscribed to. */
  MONO;

  /** By name, because Reactor need not be there. */
  private static final String MONO_TYPE = "reactor.core.publisher.Mono";

  /** By the declared type alone: what a class of the application's own does nobody knows. */
  static Returned by(IdempotentMethod method) {
    Class<?> raw = declared(method).toClass();
    if (raw == CompletableFuture.class || raw == CompletionStage.class) {
      return STAGE;
    }
    return raw.getName().equals(MONO_TYPE) ? MONO : VALUE;
  }

  /** The declared type of the result itself; null if the declaration does not say. */
  @Nullable Type resultType(IdempotentMethod method) {
    Type type =
        GenericTypeResolver.resolveType(
            method.method().getGenericReturnType(), method.targetClass());
    if (ResultTypes.isOpen(type)) {
      type = bound(declared(method)); // it binds no variable to what has variables itself
    }
    if (this == VALUE) {
      return type;
    }
    return type instanceof ParameterizedType of ? of.getActualTypeArguments()[0] : null;
  }

  /** A type with all type variables that are bound replaced, those behind others as well. */
  private static Type bound(ResolvableType type) {
    if (type.isArray()) {
      Type component = bound(type.getComponentType());
      return component instanceof Class<?> of ? of.arrayType() : type.getType();
    }
    if (type.hasGenerics()) {
      ResolvableType[] arguments = type.getGenerics();
      for (int i = 0; i < arguments.length; i++) {
        arguments[i] = ResolvableType.forType(bound(arguments[i]));
      }
      return ResolvableType.forClassWithGenerics(type.toClass(), arguments).getType();
    }
    Class<?> raw = type.resolve();
    return raw == null ? type.getType() : raw;
  }

  /** The class of the result itself. */
  Class<?> resultClass(IdempotentMethod method) {
    ResolvableType declared = declared(method);
    return (this == VALUE ? declared : declared.getGeneric(0)).toClass();
  }

  private static ResolvableType declared(IdempotentMethod method) {
    return ResolvableType.forMethodReturnType(method.method(), method.targetClass());
  }
}
