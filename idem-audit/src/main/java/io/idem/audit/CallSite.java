package io.idem.audit;

import java.lang.StackWalker.StackFrame;

/**
 * The place in the application's code that a statement came from. Immutable and thread-safe.
 *
 * @param method the class and the method, which stay when lines move: {@code shop.Orders.pay}
 * @param line the file and the line, for a reader: {@code Orders.java:42}; empty if unknown
 */
public record CallSite(String method, String line) {

  static final CallSite UNKNOWN = new CallSite("unknown", "");

  static CallSite of(StackFrame frame) {
    String name = frame.getMethodName();
    if (name.startsWith("lambda$")) {
      int end = name.lastIndexOf('$');
      name = name.substring("lambda$".length(), Math.max(end, "lambda$".length()));
    }
    String file = frame.getFileName();
    return new CallSite(
        frame.getClassName() + "." + name, file == null ? "" : file + ":" + frame.getLineNumber());
  }

  /** For a reader: {@code shop.Orders.pay(Orders.java:42)}. */
  @Override
  public String toString() {
    return line.isEmpty() ? method : method + "(" + line + ")";
  }
}
