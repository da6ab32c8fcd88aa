package io.idem.spring.boot;

import io.idem.servlet.ErrorPages;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.web.error.ErrorPage;
import org.springframework.boot.web.error.ErrorPageRegistrar;

/**
 * The error pages that the application registers at its container: Spring Boot's own, and those of
 * the user. They are asked for with the first error, when all of them are there. Thread-safe.
 */
final class RegisteredErrorPages implements ErrorPages {

  private final ObjectProvider<ErrorPageRegistrar> registrars;
  private volatile @Nullable List<ErrorPage> pages;

  RegisteredErrorPages(ObjectProvider<ErrorPageRegistrar> registrars) {
    this.registrars = registrars;
  }

  /** The page of the status or, as in a container, the one that is for everything. */
  @Override
  public @Nullable String pathOf(int status) {
    String general = null;
    for (ErrorPage page : pages()) {
      if (page.getStatusCode() == status) {
        return page.getPath();
      }
      if (page.isGlobal()) {
        general = page.getPath();
      }
    }
    return general;
  }

  private List<ErrorPage> pages() {
    List<ErrorPage> known = pages;
    if (known == null) {
      List<ErrorPage> registered = new ArrayList<>();
      registrars
          .orderedStream()
          .forEach(
              registrar ->
                  registrar.registerErrorPages(more -> registered.addAll(Arrays.asList(more))));
      known = List.copyOf(registered);
      pages = known;
    }
    return known;
  }
}
