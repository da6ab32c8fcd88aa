package io.idem.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Makes a method of a Spring bean a part of a state transition: the state of a row is changed
 * first, in the transaction that the method runs in, and the method's body runs if that has changed
 * it.
 *
 * <pre>{@code
 * @GuardedTransition(guard = "orders", id = "#orderId", to = "PAID")
 * public void pay(UUID orderId, Money amount) { … books the payment … }
 * }</pre>
 *
 * <p>Of any number of calls, concurrent or not, one runs the body. A body that throws, whatever it
 * throws, takes the transition back, and the next call makes it again. The answers of the guard
 * mean:
 *
 * <ul>
 *   <li>{@link io.idem.guard.Transition.Applied}: the body runs.
 *   <li>{@link io.idem.guard.Transition.AlreadyThere} and {@link
 *       io.idem.guard.Transition.AlreadyPast}, a repeat: the body does not run.
 *   <li>{@link io.idem.guard.Transition.Illegal}: the caller meets an {@link
 *       io.idem.guard.IllegalTransitionException}.
 *   <li>{@link io.idem.guard.Transition.NotFound}: the caller meets an {@link
 *       io.idem.guard.ObjectNotFoundException}.
 * </ul>
 *
 * <p>What a repeat returns is in the method's type:
 *
 * <ul>
 *   <li>{@code void}: nothing.
 *   <li>{@code Optional}: an empty one.
 *   <li>{@code Transition}: the guard's answer. A body that runs returns {@code new
 *       Transition.Applied<>(PAID)}.
 *   <li>Anything else: the method takes a parameter of type {@code Transition<OrderState>}, and its
 *       body runs for repeats as well. Idem fills the parameter in, whatever the caller passes;
 *       {@code null} is customary.
 * </ul>
 *
 * <p>A method that can do none of these is refused at start-up, as is one that goes on after it has
 * returned ({@code CompletableFuture}, {@code Mono}).
 *
 * <p>The transaction is the one that is running, or one that is begun for the call, with the
 * isolation and the timeout of {@code @Transactional} on the same method. Around it all lies {@link
 * Idempotent} on the same method: a repeat of its key is given the stored result and does not come
 * here. If its records are transactional, they are of the guard's transaction manager, or the
 * application does not start. An illegal or missing row does not mark a transaction of the caller's
 * for rollback; a body that throws does.
 *
 * <p>A call of the object on itself passes by the proxy: no transition is made and the body runs,
 * as with every annotation that Spring applies by proxies. Use the guard itself there, and where a
 * transition sets columns beside the state or leads to a state that varies.
 *
 * @see io.idem.guard.jdbc.StateGuard
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface GuardedTransition {

  /**
   * The bean of type {@link io.idem.guard.jdbc.StateGuard} that knows the rows. It joins Spring's
   * transactions, as those of the starter's {@code JdbcGuards} do.
   *
   * @return the bean's name; empty for the only one that there is
   */
  String guard() default "";

  /**
   * The id of the row, as an expression: SpEL over the parameters by name ({@code #orderId}), by
   * position ({@code #p0}), and beans ({@code @ids}). The names need {@code javac -parameters}.
   *
   * @return the expression; a call for which it gives null is refused with an {@link
   *     IllegalArgumentException}
   */
  String id();

  /**
   * The state that the row is to be in.
   *
   * @return the name of a constant, of the enum of the guard's machine
   */
  String to();
}
