package io.idem.spring;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.context.expression.BeanFactoryResolver;
import org.springframework.expression.EvaluationException;
import org.springframework.expression.Expression;
import org.springframework.expression.ParseException;
import org.springframework.expression.spel.SpelEvaluationException;
import org.springframework.expression.spel.SpelMessage;
import org.springframework.expression.spel.SpelNode;
import org.springframework.expression.spel.ast.VariableReference;
import org.springframework.expression.spel.standard.SpelExpression;
import org.springframework.expression.spel.standard.SpelExpressionParser;
import org.springframework.expression.spel.support.StandardEvaluationContext;

/**
 * An expression of {@link Idempotent} over a message, parsed and held against what it may refer to
 * when it is made. Thread-safe.
 */
public final class MessageExpression {

  /** Problems whose text has names of the expression and of types, and no values. */
  private static final Set<SpelMessage> NAMING_TYPES =
      Set.of(
          SpelMessage.PROPERTY_OR_FIELD_NOT_READABLE,
          SpelMessage.PROPERTY_OR_FIELD_NOT_READABLE_ON_NULL,
          SpelMessage.METHOD_NOT_FOUND,
          SpelMessage.METHOD_CALL_ON_NULL_OBJECT_NOT_ALLOWED);

  private final String attribute;
  private final Expression expression;
  private final BeanFactory beans;

  /**
   * Parses an expression.
   *
   * @param method the listener
   * @param attribute the attribute it stands in, such as {@code key}
   * @param text the expression, in SpEL
   * @param variables what it may refer to, such as {@code record}
   * @param beans the beans it may refer to
   * @throws IdempotencySetupException if it cannot be parsed, or refers to something else
   */
  public MessageExpression(
      IdempotentMethod method,
      String attribute,
      String text,
      Set<String> variables,
      BeanFactory beans) {
    this.attribute = "@Idempotent(" + attribute + " = \"" + text + "\") on " + method;
    this.beans = beans;
    try {
      this.expression = new SpelExpressionParser().parseExpression(text);
    } catch (ParseException e) {
      throw new IdempotencySetupException(
          this.attribute + " is no valid expression: " + e.getSimpleMessage() + ".",
          "Write SpEL, such as #" + variables.iterator().next() + ".",
          e);
    }
    if (expression instanceof SpelExpression spel) {
      checkVariables(spel.getAST(), new TreeSet<>(variables));
    }
  }

  private void checkVariables(SpelNode node, Set<String> variables) {
    if (node instanceof VariableReference) {
      String name = node.toStringAST().substring(1);
      if (!variables.contains(name) && !name.equals("this") && !name.equals("root")) {
        throw new IdempotencySetupException(
            attribute
                + " refers to #"
                + name
                + ", but a listener is protected before the parameters of its method are known: it"
                + " may refer to "
                + variables
                + ".",
            "Name one of them, for example #payload.number in place of #order.number.");
      }
    }
    for (int i = 0; i < node.getChildCount(); i++) {
      checkVariables(node.getChild(i), variables);
    }
  }

  /**
   * The text of the expression's value for a message, as keys have it.
   *
   * @param variables the values of what the expression may refer to
   * @return the text; null for null
   * @throws IllegalArgumentException if the expression cannot be evaluated, or its value has no
   *     text
   */
  public @Nullable String text(Map<String, @Nullable Object> variables) {
    return text(variables, KeyText::of);
  }

  /**
   * The text of the expression's value for a message, as fingerprints have it: parts of the value
   * may be null.
   *
   * @param variables the values of what the expression may refer to
   * @return the text; null for null
   * @throws IllegalArgumentException if the expression cannot be evaluated, or its value has no
   *     text
   */
  public @Nullable String compared(Map<String, @Nullable Object> variables) {
    return text(variables, KeyText::compared);
  }

  private @Nullable String text(
      Map<String, @Nullable Object> variables,
      BiFunction<String, @Nullable Object, @Nullable String> texts) {
    StandardEvaluationContext context = new StandardEvaluationContext();
    context.setVariables(variables);
    context.setBeanResolver(new BeanFactoryResolver(beans));
    try {
      return texts.apply(attribute, expression.getValue(context));
    } catch (EvaluationException e) {
      throw new IllegalArgumentException(
          attribute + " cannot be evaluated for this message: " + e.getSimpleMessage(), e);
    }
  }

  /**
   * Why the expression has no text for a message, without anything of the message.
   *
   * @param thrown what {@link #text} threw, or what reading its variables did
   * @return the end of a sentence that begins with the expression
   */
  public static String problem(RuntimeException thrown) {
    Throwable cause = thrown.getCause();
    String kind;
    if (cause instanceof SpelEvaluationException evaluation) {
      kind = evaluation.getMessageCode().name();
      if (NAMING_TYPES.contains(evaluation.getMessageCode())) {
        kind += ": " + evaluation.getSimpleMessage();
      }
    } else {
      kind = (cause == null ? thrown : cause).getClass().getName();
    }
    return "cannot be evaluated for this message (" + kind + ")";
  }

  /** The expression as it is written, with its attribute and the listener. */
  @Override
  public String toString() {
    return attribute;
  }
}
