package io.idem.spring;

import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletResponse;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A response that goes nowhere and remembers nothing. */
final class NoResponse {

  private NoResponse() {}

  static HttpServletResponse create() {
    return (HttpServletResponse)
        Proxy.newProxyInstance(
            NoResponse.class.getClassLoader(),
            new Class<?>[] {HttpServletResponse.class},
            (proxy, method, arguments) -> answer(proxy, method, arguments));
  }

  private static @Nullable Object answer(
      Object proxy, Method method, @Nullable Object @Nullable [] arguments) {
    Class<?> type = method.getReturnType();
    if (type == ServletOutputStream.class) {
      return new Nowhere();
    } else if (type == PrintWriter.class) {
      return new PrintWriter(Writer.nullWriter());
    } else if (type == Collection.class) {
      return List.of();
    } else if (type == int.class) {
      return method.getName().equals("hashCode") ? System.identityHashCode(proxy) : 200;
    } else if (type == boolean.class) {
      return method.getName().equals("equals") && arguments != null && arguments[0] == proxy;
    } else if (method.getName().equals("getCharacterEncoding")) {
      return "ISO-8859-1";
    }
    return method.getName().equals("toString") ? "NoResponse" : null;
  }

  private static final class Nowhere extends ServletOutputStream {

    @Override
    public void write(int b) {
      // nobody listens
    }

    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setWriteListener(WriteListener listener) {
      throw new IllegalStateException(
          "The arguments of a handler are found out here: nothing is written");
    }
  }
}
