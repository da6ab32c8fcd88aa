package io.idem.servlet;

import org.jspecify.annotations.Nullable;

/** Where the application renders the pages of {@code sendError}. Thread-safe. */
@FunctionalInterface
public interface ErrorPages {

  /**
   * The page of a status.
   *
   * @param status the status
   * @return a path below the context path, to which the request is forwarded while its operation
   *     still runs; or null to leave the page to the container, which renders it after the
   *     operation
   */
  @Nullable String pathOf(int status);

  /**
   * Leaves every page to the container.
   *
   * @return the pages
   */
  static ErrorPages none() {
    return status -> null;
  }
}
