package io.idem.spring;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationContext;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.method.ControllerAdviceBean;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.method.annotation.ExceptionHandlerMethodResolver;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.mvc.method.annotation.ExceptionHandlerExceptionResolver;
import org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod;

/**
 * Leaves exceptions of the application that wrap a guard's to the application's own
 * {@code @ControllerAdvice}.
 *
 * <p>Spring looks for handlers by the causes of an exception as well, and asks no second advice
 * once it has found one. {@link GuardExceptionHandler} passes such an exception on, and this asks
 * the others.
 */
public final class WrappedGuardExceptions implements WebMvcConfigurer {

  private final ApplicationContext context;

  /**
   * Creates it.
   *
   * @param context where the application's advice is
   */
  public WrappedGuardExceptions(ApplicationContext context) {
    this.context = context;
  }

  @Override
  public void extendHandlerExceptionResolvers(List<HandlerExceptionResolver> resolvers) {
    for (int i = 0; i < resolvers.size(); i++) {
      if (resolvers.get(i) instanceof ExceptionHandlerExceptionResolver all) {
        resolvers.add(i + 1, new Others(all, context));
        return;
      }
    }
  }

  /** Every advice but the guards', with the settings of the resolver that asks all. */
  private static final class Others extends ExceptionHandlerExceptionResolver {

    Others(ExceptionHandlerExceptionResolver all, ApplicationContext context) {
      setApplicationContext(context);
      setMessageConverters(all.getMessageConverters());
      if (all.getArgumentResolvers() != null) {
        setArgumentResolvers(all.getArgumentResolvers().getResolvers());
      }
      if (all.getReturnValueHandlers() != null) {
        setReturnValueHandlers(all.getReturnValueHandlers().getHandlers());
      }
      setOrder(all.getOrder());
      afterPropertiesSet();
    }

    @Override
    protected @Nullable ServletInvocableHandlerMethod getExceptionHandlerMethod(
        @Nullable HandlerMethod handler, Exception thrown, ServletWebRequest request) {
      if (!GuardProblems.isWrapped(thrown)) {
        return null; // has been looked at by all
      }
      Class<?> type = handler == null ? null : handler.getBeanType();
      for (Map.Entry<ControllerAdviceBean, ExceptionHandlerMethodResolver> advice :
          getExceptionHandlerAdviceCache().entrySet()) {
        ControllerAdviceBean bean = advice.getKey();
        if (bean.isApplicableToBeanType(type)
            && !GuardExceptionHandler.class.equals(bean.getBeanType())) {
          var method = advice.getValue().resolveMethodByThrowable(thrown);
          if (method != null) {
            return new ServletInvocableHandlerMethod(
                bean.resolveBean(), method, getApplicationContext());
          }
        }
      }
      return null;
    }
  }
}
