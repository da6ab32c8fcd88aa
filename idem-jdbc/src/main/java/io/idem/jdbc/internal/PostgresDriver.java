package io.idem.jdbc.internal;

import org.jspecify.annotations.Nullable;

/**
 * Types of PostgreSQL's driver, which need not be there, and are looked for by name. That is quick
 * enough to be done each time, and so no class of an application is kept.
 */
final class PostgresDriver {

  private PostgresDriver() {}

  /**
   * Finds a type of the driver.
   *
   * @param name its name
   * @param object what the driver or a pool has made, whose loader is asked first: the driver may
   *     be loaded by another one than this library
   * @return the type; null if it is not to be found
   */
  static @Nullable Class<?> type(String name, Object object) {
    Class<?> own = type(name, object.getClass().getClassLoader());
    return own != null ? own : type(name, PostgresDriver.class.getClassLoader());
  }

  private static @Nullable Class<?> type(String name, @Nullable ClassLoader loader) {
    try {
      return Class.forName(name, false, loader);
    } catch (ClassNotFoundException | LinkageError e) {
      return null;
    }
  }
}
