package io.idem.spring;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.PointcutAdvisor;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.annotation.AnnotationAwareOrderComparator;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.util.ClassUtils;
import org.springframework.web.method.HandlerMethod;

/**
 * The rules of method security on one protected handler, which are asked before its key is looked
 * up: a repeat that is given a stored answer never comes to the handler, and who may no longer call
 * it is not to learn the answer, nor what became of the key.
 *
 * <p>Spring Security's own interceptors decide, with a call of the handler that ends where the
 * handler would begin. On a first request they decide once more at the call itself. Spring Security
 * is known by name only, because it need not be there. Immutable and thread-safe.
 */
public final class MethodSecurityRules {

  private static final String PACKAGE = "org.springframework.security.";
  private static final String ADVISOR = PACKAGE + "authorization.method.AuthorizationAdvisor";
  private static final String EXPRESSIONS =
      PACKAGE + "access.expression.method.MethodSecurityExpressionHandler";
  private static final String PRE_AUTHORIZE = PACKAGE + "access.prepost.PreAuthorize";

  /** Rules that are asked before the method. */
  private static final List<String> BEFORE =
      List.of(
          PRE_AUTHORIZE,
          PACKAGE + "access.annotation.Secured",
          "jakarta.annotation.security.RolesAllowed",
          "jakarta.annotation.security.DenyAll");

  /** Rules about the result, or about what the method is given in place of its arguments. */
  private static final List<String> NOT_BEFORE =
      List.of(
          PACKAGE + "access.prepost.PostAuthorize",
          PACKAGE + "access.prepost.PreFilter",
          PACKAGE + "access.prepost.PostFilter",
          PACKAGE + "authorization.method.HandleAuthorizationDenied",
          PACKAGE + "authorization.method.AuthorizeReturnObject");

  private static final List<String> NOT_BEFORE_ADVISORS =
      List.of(
          PACKAGE + "authorization.method.AuthorizationManagerAfterMethodInterceptor",
          PACKAGE + "authorization.method.PostFilterAuthorizationMethodInterceptor",
          PACKAGE + "authorization.method.PreFilterAuthorizationMethodInterceptor",
          PACKAGE + "authorization.method.AuthorizationManagerAfterReactiveMethodInterceptor",
          PACKAGE + "authorization.method.PostFilterAuthorizationReactiveMethodInterceptor",
          PACKAGE + "authorization.method.PreFilterAuthorizationReactiveMethodInterceptor");

  private final IdempotentMethod method;
  private final List<MethodInterceptor> interceptors;
  private final boolean readArguments;

  private MethodSecurityRules(
      IdempotentMethod method, List<MethodInterceptor> interceptors, boolean readArguments) {
    this.method = method;
    this.interceptors = interceptors;
    this.readArguments = readArguments;
  }

  /**
   * The rules on a handler.
   *
   * @param method the handler
   * @param beans where the interceptors of method security are
   * @return its rules, or nothing for a handler without
   * @throws IdempotencySetupException if one of them cannot be asked before the method, or nothing
   *     asks it
   */
  public static Optional<MethodSecurityRules> of(
      IdempotentMethod method, ListableBeanFactory beans) {
    for (String name : NOT_BEFORE) {
      if (isPresent(method, name)) {
        throw notBefore(method, "@" + ClassUtils.getShortName(name));
      }
    }
    List<MethodInterceptor> rules = rulesOf(method, beans);
    for (MethodInterceptor rule : rules) {
      if (NOT_BEFORE_ADVISORS.contains(rule.getClass().getName())) {
        throw notBefore(method, "a " + ClassUtils.getShortName(rule.getClass()));
      }
    }
    if (!rules.isEmpty()) {
      return Optional.of(
          new MethodSecurityRules(method, rules, readsArguments(method, rules, beans)));
    }
    for (String name : BEFORE) {
      if (isPresent(method, name)) {
        throw new IdempotencySetupException(
            method
                + " is an @Idempotent endpoint with @"
                + ClassUtils.getShortName(name)
                + ", but nothing in this application asks that rule.",
            "Switch it on with @EnableMethodSecurity (securedEnabled and jsr250Enabled for @Secured"
                + " and @RolesAllowed; @EnableReactiveMethodSecurity with WebFlux, for"
                + " @PreAuthorize), or authorize the path in the security filter chain.");
      }
    }
    return Optional.empty();
  }

  private static List<MethodInterceptor> rulesOf(
      IdempotentMethod method, ListableBeanFactory beans) {
    ClassLoader loader = MethodSecurityRules.class.getClassLoader();
    if (!ClassUtils.isPresent(ADVISOR, loader)) {
      return List.of();
    }
    Class<?> type = ClassUtils.resolveClassName(ADVISOR, loader);
    return BeanFactoryUtils.beansOfTypeIncludingAncestors(beans, type, true, true).values().stream()
        .sorted(AnnotationAwareOrderComparator.INSTANCE)
        .filter(advisor -> applies((PointcutAdvisor) advisor, method))
        .map(MethodInterceptor.class::cast)
        .toList();
  }

  private static boolean applies(PointcutAdvisor advisor, IdempotentMethod method) {
    return advisor.getPointcut().getClassFilter().matches(method.targetClass())
        && advisor.getPointcut().getMethodMatcher().matches(method.method(), method.targetClass());
  }

  /**
   * Whether a rule may look at the arguments, which then have to be bound for it. Where it is
   * certain that none does, that is saved: role names and expressions without variables, as
   * {@code @EnableMethodSecurity} asks them.
   */
  private static boolean readsArguments(
      IdempotentMethod method, List<MethodInterceptor> rules, ListableBeanFactory beans) {
    boolean standard =
        rules.stream().allMatch(rule -> rule.getClass().getName().startsWith(PACKAGE + "config."));
    return !standard || hasVariables(method) || hasExpressionsOfItsOwn(beans);
  }

  /** A brace may be a place in a template, which another annotation fills in. */
  private static boolean hasVariables(IdempotentMethod method) {
    return annotations(method, PRE_AUTHORIZE).stream()
        .map(rule -> rule.getString(MergedAnnotation.VALUE))
        .anyMatch(expression -> expression.contains("#") || expression.contains("{"));
  }

  private static boolean hasExpressionsOfItsOwn(ListableBeanFactory beans) {
    ClassLoader loader = MethodSecurityRules.class.getClassLoader();
    return ClassUtils.isPresent(EXPRESSIONS, loader)
        && BeanFactoryUtils.beansOfTypeIncludingAncestors(
                beans, ClassUtils.resolveClassName(EXPRESSIONS, loader), true, false)
            .values()
            .stream()
            .anyMatch(handler -> !handler.getClass().getName().startsWith(PACKAGE));
  }

  private static boolean isPresent(IdempotentMethod method, String annotation) {
    return !annotations(method, annotation).isEmpty();
  }

  private static List<MergedAnnotation<?>> annotations(IdempotentMethod method, String name) {
    return List.of(
            MergedAnnotations.from(method.method(), SearchStrategy.TYPE_HIERARCHY).get(name),
            MergedAnnotations.from(method.targetClass(), SearchStrategy.TYPE_HIERARCHY).get(name))
        .stream()
        .filter(MergedAnnotation::isPresent)
        .<MergedAnnotation<?>>map(annotation -> annotation)
        .toList();
  }

  private static IdempotencySetupException notBefore(IdempotentMethod method, String rule) {
    return new IdempotencySetupException(
        method
            + " is an @Idempotent endpoint with "
            + rule
            + ", which needs the run that a repeat does not have: it could not be asked before a"
            + " stored answer is replayed.",
        "Decide before the method, with @PreAuthorize, @Secured or @RolesAllowed; or move the rule"
            + " to the service that the handler calls and guard the path in the security filter"
            + " chain.");
  }

  /**
   * What decides.
   *
   * @return the interceptors, in their order; at least one
   */
  public List<MethodInterceptor> interceptors() {
    return interceptors;
  }

  /**
   * Whether a rule may look at the arguments of the call, which then have to be there.
   *
   * @return false if it is certain that none does
   */
  public boolean readArguments() {
    return readArguments;
  }

  /**
   * A call of the handler for an interceptor to decide about.
   *
   * @param handler the handler that the request would come to
   * @param arguments the arguments, asked for when a rule does
   * @param arrived called where the handler would be; what it returns is what the call returns
   * @return a call
   */
  public MethodInvocation call(
      HandlerMethod handler,
      Supplier<@Nullable Object[]> arguments,
      Supplier<@Nullable Object> arrived) {
    return new Call(method.method(), handler, arguments, arrived);
  }

  /**
   * What a rule has done that has neither let the call pass nor denied it.
   *
   * @return the failure
   */
  public IllegalStateException notDenied() {
    return new IllegalStateException(
        "A rule of method security answers in place of "
            + method
            + ". At an @Idempotent endpoint a denial has to be an exception");
  }

  /** A call of the handler that ends where the handler would begin. */
  private static final class Call implements MethodInvocation {

    private final Method method;
    private final Object target;
    private final Supplier<@Nullable Object[]> arguments;
    private final Supplier<@Nullable Object> arrived;
    private @Nullable Object @Nullable [] known;

    Call(
        Method method,
        HandlerMethod handler,
        Supplier<@Nullable Object[]> arguments,
        Supplier<@Nullable Object> arrived) {
      this.method = method;
      Object behindProxy = AopProxyUtils.getSingletonTarget(handler.getBean());
      this.target = behindProxy == null ? handler.getBean() : behindProxy;
      this.arguments = arguments;
      this.arrived = arrived;
    }

    @Override
    public Method getMethod() {
      return method;
    }

    @Override
    public @Nullable Object[] getArguments() {
      @Nullable Object[] found = known;
      if (found == null) {
        found = arguments.get();
        known = found;
      }
      return found;
    }

    @Override
    public @Nullable Object proceed() {
      return arrived.get();
    }

    @Override
    public Object getThis() {
      return target;
    }

    @Override
    public AccessibleObject getStaticPart() {
      return method;
    }
  }
}
