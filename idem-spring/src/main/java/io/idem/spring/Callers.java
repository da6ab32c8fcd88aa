package io.idem.spring;

import io.idem.servlet.CallerResolver;
import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.util.ClassUtils;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/**
 * Tells whose keys the calls of a service method belong to: by the {@link CurrentCaller} of the
 * application, or as its endpoints do, by the current request. Thread-safe.
 */
final class Callers {

  private static final ClassLoader LOADER = Callers.class.getClassLoader();
  private static final boolean WEB =
      ClassUtils.isPresent("jakarta.servlet.http.HttpServletRequest", LOADER)
          && ClassUtils.isPresent(
              "org.springframework.web.context.request.RequestContextHolder", LOADER);
  private static final boolean FILTER =
      ClassUtils.isPresent("io.idem.servlet.CallerResolver", LOADER);

  private final IdempotentMethod method;
  private final BeanFactory beans;

  Callers(IdempotentMethod method, BeanFactory beans) {
    this.method = method;
    this.beans = beans;
  }

  /** The caller, who is known. */
  String current() {
    CurrentCaller own = beans.getBeanProvider(CurrentCaller.class).getIfAvailable();
    String name = own != null ? own.name() : WEB ? OfRequest.name(beans) : null;
    if (name == null || name.isEmpty()) {
      throw new UnknownCallerException(
          "The keys of "
              + method
              + " belong to the authenticated caller, but there is none. Authenticate the request,"
              + " declare a bean of type CurrentCaller where there is no request, name the caller"
              + " with @Idempotent(source = …), or declare caller = SHARED if everybody may be given"
              + " everybody's answers. Nothing ran");
    }
    return name;
  }

  /** Apart, because the web module need not be there. */
  private static final class OfRequest {

    static @Nullable String name(BeanFactory beans) {
      if (!(RequestContextHolder.getRequestAttributes()
          instanceof ServletRequestAttributes attributes)) {
        return null;
      }
      HttpServletRequest request = attributes.getRequest();
      if (FILTER) {
        return OfEndpoints.name(beans, request);
      }
      Principal principal = request.getUserPrincipal();
      return principal == null ? null : principal.getName();
    }
  }

  /** Apart, because idem-servlet need not be there. */
  private static final class OfEndpoints {

    static @Nullable String name(BeanFactory beans, HttpServletRequest request) {
      return beans
          .getBeanProvider(CallerResolver.class)
          .getIfAvailable(CallerResolver::userPrincipal)
          .resolve(request);
    }
  }
}
