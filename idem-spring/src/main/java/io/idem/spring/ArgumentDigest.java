package io.idem.spring;

import io.idem.core.Attempt;
import io.idem.core.store.Fingerprint;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.io.Writer;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeanUtils;
import org.springframework.util.ClassUtils;

/**
 * Makes fingerprints of what a call asks for: its arguments, or the value of an expression.
 *
 * <p>Each value counts in the form of canonical JSON. Without Jackson, only simple values (texts,
 * numbers, enum constants, dates and the like) can be compared.
 */
final class ArgumentDigest {

  private static final boolean JACKSON =
      ClassUtils.isPresent(
          "tools.jackson.databind.json.JsonMapper", ArgumentDigest.class.getClassLoader());

  /** What frameworks pass in: it differs between two attempts, or is no part of the request. */
  private static final List<Class<?>> FRAMEWORK_TYPES = frameworkTypes();

  private final String where;
  private final int[] counting;
  private final ValueWriter writer;

  private ArgumentDigest(String where, int[] counting, ValueWriter writer) {
    this.where = where;
    this.counting = counting;
    this.writer = writer;
  }

  static ArgumentDigest of(IdempotentMethod method) {
    Class<?>[] types = method.method().getParameterTypes();
    int[] counting =
        IntStream.range(0, types.length).filter(i -> !isFrameworkType(types[i])).toArray();
    if (!JACKSON && method.annotation().fingerprint().isEmpty()) {
      for (int i : counting) {
        if (!BeanUtils.isSimpleValueType(types[i])) {
          throw new IdempotencySetupException(
              method
                  + " takes a "
                  + types[i].getName()
                  + ", which cannot be compared without Jackson.",
              "Add tools.jackson.core:jackson-databind, or declare what counts as the request, for"
                  + " example @Idempotent(fingerprint = \"#order.number\").");
        }
      }
    }
    return new ArgumentDigest(
        method.toString(), counting, JACKSON ? new CanonicalJson() : ArgumentDigest::plain);
  }

  /** The fingerprint of the arguments that count; none if there are none. */
  Fingerprint ofArguments(@Nullable Object[] arguments) {
    if (counting.length == 0) {
      return Fingerprint.NONE;
    }
    List<byte[]> parts = new ArrayList<>(counting.length);
    for (int i : counting) {
      Object argument = arguments[i];
      boolean skipped = argument != null && isFrameworkType(argument.getClass());
      parts.add(skipped ? new byte[0] : write(argument, "its argument " + (i + 1)));
    }
    return Fingerprint.of(parts);
  }

  /** The fingerprint of an expression's value. */
  Fingerprint ofValue(@Nullable Object value) {
    return Fingerprint.of(List.of(write(value, "the value of its fingerprint expression")));
  }

  private byte[] write(@Nullable Object value, String what) {
    try {
      return writer.write(value);
    } catch (RuntimeException | StackOverflowError e) {
      throw new IllegalArgumentException(
          "A call of "
              + where
              + " cannot be told from another, because "
              + what
              + ", a "
              + (value == null ? "null" : value.getClass().getName())
              + ", cannot be written as JSON. Declare what counts as the request, for example"
              + " @Idempotent(fingerprint = \"#order.number\"). Nothing ran",
          e);
    }
  }

  /** What a value counts as where there is no Jackson. */
  static byte[] plain(@Nullable Object value) {
    String text = KeyText.compared("The fingerprint", value);
    if (text == null) {
      return new byte[] {'n'};
    }
    return StandardCharsets.UTF_8.newEncoder().canEncode(text)
        ? ("v" + text).getBytes(StandardCharsets.UTF_8)
        : units(text);
  }

  /** Half a surrogate pair has no UTF-8: two texts would be one. */
  private static byte[] units(String text) {
    ByteBuffer units = ByteBuffer.allocate(1 + 2 * text.length()).put((byte) 'u');
    text.chars().forEach(unit -> units.putChar((char) unit));
    return units.array();
  }

  static boolean isFrameworkType(Class<?> type) {
    return FRAMEWORK_TYPES.stream().anyMatch(known -> known.isAssignableFrom(type));
  }

  /** Where {@link Attempt} is to be filled in, or -1. */
  static int attemptIndex(Method method) {
    return List.of(method.getParameterTypes()).indexOf(Attempt.class);
  }

  private static List<Class<?>> frameworkTypes() {
    List<Class<?>> types =
        new ArrayList<>(
            List.of(
                Attempt.class,
                Principal.class,
                Locale.class,
                TimeZone.class,
                InputStream.class,
                OutputStream.class,
                Reader.class,
                Writer.class));
    ClassLoader loader = ArgumentDigest.class.getClassLoader();
    for (String name :
        List.of(
            "io.idem.guard.Transition",
            "jakarta.servlet.ServletRequest",
            "jakarta.servlet.ServletResponse",
            "jakarta.servlet.http.HttpSession",
            "org.springframework.http.HttpHeaders",
            "org.springframework.http.HttpMethod",
            "org.springframework.ui.Model",
            "org.springframework.ui.ModelMap",
            "org.springframework.validation.Errors",
            "org.springframework.web.bind.support.SessionStatus",
            "org.springframework.web.context.request.WebRequest",
            "org.springframework.web.util.UriComponentsBuilder")) {
      try {
        types.add(ClassUtils.forName(name, loader));
      } catch (ClassNotFoundException | LinkageError e) {
        // Not there, so no parameter has that type.
      }
    }
    return List.copyOf(types);
  }

  /** Writes a value so that equal values give equal bytes. */
  interface ValueWriter {
    byte[] write(@Nullable Object value);
  }
}
