package io.idem.spring;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeanUtils;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.context.expression.BeanFactoryResolver;
import org.springframework.context.expression.MethodBasedEvaluationContext;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.ParameterNameDiscoverer;
import org.springframework.expression.EvaluationException;
import org.springframework.expression.Expression;
import org.springframework.expression.ParseException;
import org.springframework.expression.spel.SpelNode;
import org.springframework.expression.spel.ast.CompoundExpression;
import org.springframework.expression.spel.ast.Indexer;
import org.springframework.expression.spel.ast.InlineMap;
import org.springframework.expression.spel.ast.Projection;
import org.springframework.expression.spel.ast.PropertyOrFieldReference;
import org.springframework.expression.spel.ast.Selection;
import org.springframework.expression.spel.ast.VariableReference;
import org.springframework.expression.spel.standard.SpelExpression;
import org.springframework.expression.spel.standard.SpelExpressionParser;

/**
 * An expression over the arguments of a call, parsed and held against the parameters when it is
 * made.
 */
final class CallExpression {

  private static final Pattern POSITION = Pattern.compile("[pa](\\d{1,3})");

  private final Method method;
  private final String attribute;
  private final Expression expression;
  private final BeanFactory beans;
  private final ParameterNameDiscoverer names = new DefaultParameterNameDiscoverer();

  CallExpression(IdempotentMethod method, String attribute, String text, BeanFactory beans) {
    this(
        method.method(),
        "@Idempotent(" + attribute + " = \"" + text + "\") on " + method,
        text,
        beans);
  }

  /**
   * An expression of any annotation.
   *
   * @param attribute how a message names it, with its annotation and method
   */
  CallExpression(Method method, String attribute, String text, BeanFactory beans) {
    this.method = method;
    this.attribute = attribute;
    this.beans = beans;
    if (text.isBlank()) {
      throw new IdempotencySetupException(
          attribute + " is empty.", "Write SpEL, such as #order.number.");
    }
    try {
      this.expression = new SpelExpressionParser().parseExpression(text);
    } catch (ParseException e) {
      throw new IdempotencySetupException(
          this.attribute + " is no valid expression: " + e.getSimpleMessage() + ".",
          "Write SpEL, such as #order.number.",
          e);
    }
    if (expression instanceof SpelExpression spel) {
      checkVariables(spel.getAST());
      checkProperties(spel.getAST());
    }
  }

  private void checkVariables(SpelNode node) {
    if (node instanceof VariableReference) {
      String name = node.toStringAST().substring(1);
      if (!isKnown(name)) {
        throw new IdempotencySetupException(
            attribute + " refers to #" + name + ", but the parameters are " + parameters() + ".",
            "Name one of them. If their names are missing, compile with -parameters, or use #p0 for"
                + " the first.");
      }
    }
    for (int i = 0; i < node.getChildCount(); i++) {
      checkVariables(node.getChild(i));
    }
  }

  /** A parameter without its number sign is taken for a property of the bean. */
  private void checkProperties(SpelNode node) {
    if (node instanceof PropertyOrFieldReference property) {
      String name = property.getName();
      if (parameters().contains(name) && !isProperty(name)) {
        throw new IdempotencySetupException(
            attribute
                + " refers to a property "
                + name
                + " of the bean, which has none, but a parameter of that name.",
            "Write #" + name + ".");
      }
    } else if (!changesRoot(node)) {
      for (int i = 0; i < node.getChildCount(); i++) {
        SpelNode child = node.getChild(i);
        // After a dot a name belongs to what is in front of it.
        if (!(node instanceof CompoundExpression
            && i > 0
            && child instanceof PropertyOrFieldReference)) {
          checkProperties(child);
        }
      }
    }
  }

  /** Whether names inside belong to something else than the bean, or are plain keys. */
  private static boolean changesRoot(SpelNode node) {
    return node instanceof Projection
        || node instanceof Selection
        || node instanceof Indexer
        || node instanceof InlineMap;
  }

  private boolean isProperty(String name) {
    Class<?> type = method.getDeclaringClass();
    return BeanUtils.getPropertyDescriptor(type, name) != null
        || Arrays.stream(type.getFields()).anyMatch(field -> field.getName().equals(name));
  }

  private boolean isKnown(String name) {
    Matcher position = POSITION.matcher(name);
    if (position.matches()) {
      return Integer.parseInt(position.group(1)) < method.getParameterCount();
    }
    return name.equals("this") || name.equals("root") || parameters().contains(name);
  }

  private Set<String> parameters() {
    String[] found = names.getParameterNames(method);
    return found == null ? Set.of() : new TreeSet<>(Set.of(found));
  }

  /** The value for a call. */
  @Nullable Object evaluate(@Nullable Object target, @Nullable Object[] arguments) {
    MethodBasedEvaluationContext context =
        new MethodBasedEvaluationContext(target, method, arguments, names);
    context.setBeanResolver(new BeanFactoryResolver(beans));
    try {
      return expression.getValue(context);
    } catch (EvaluationException e) {
      throw new IllegalArgumentException(
          attribute + " cannot be evaluated for this call: " + e.getSimpleMessage(), e);
    }
  }
}
