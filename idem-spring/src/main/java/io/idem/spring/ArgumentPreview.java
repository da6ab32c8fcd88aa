package io.idem.spring;

import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod;

/**
 * Finds out the arguments of a handler for a request as Spring MVC does, with its resolvers,
 * converters, binders and validators, and does not call the handler. Thread-safe.
 */
final class ArgumentPreview extends RequestMappingHandlerAdapter {

  /** A preview of what an adapter would do. */
  ArgumentPreview(RequestMappingHandlerAdapter adapter, BeanFactory beans) {
    setArgumentResolvers(adapter.getArgumentResolvers());
    setInitBinderArgumentResolvers(adapter.getInitBinderArgumentResolvers());
    setReturnValueHandlers(adapter.getReturnValueHandlers());
    setMessageConverters(adapter.getMessageConverters());
    setWebBindingInitializer(adapter.getWebBindingInitializer());
    setReactiveAdapterRegistry(adapter.getReactiveAdapterRegistry());
    setApplicationContext(adapter.getApplicationContext());
    setBeanFactory(beans);
    afterPropertiesSet();
  }

  /**
   * The arguments.
   *
   * @throws Exception what Spring MVC answers a request with that cannot be bound or is not valid
   */
  @Nullable Object[] argumentsOf(HandlerMethod handler, HttpServletRequest request)
      throws Exception {
    try {
      invokeHandlerMethod(request, NoResponse.create(), handler);
    } catch (Bound bound) {
      return bound.arguments;
    }
    throw new IllegalStateException("Spring MVC has not asked for the arguments of " + handler);
  }

  @Override
  protected ServletInvocableHandlerMethod createInvocableHandlerMethod(HandlerMethod handler) {
    return new Uncalled(handler);
  }

  private static final class Uncalled extends ServletInvocableHandlerMethod {

    Uncalled(HandlerMethod handler) {
      super(handler);
    }

    @Override
    protected @Nullable Object doInvoke(@Nullable Object... arguments) throws Bound {
      throw new Bound(arguments);
    }
  }

  /** Takes the arguments out of the machinery. */
  private static final class Bound extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient @Nullable Object[] arguments;

    Bound(@Nullable Object[] arguments) {
      super(null, null, false, false);
      this.arguments = arguments;
    }
  }
}
