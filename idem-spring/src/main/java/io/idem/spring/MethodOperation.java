package io.idem.spring;

import io.idem.core.IdempotentRequest;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.core.store.Fingerprint;
import java.lang.reflect.Type;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.util.ClassUtils;

/** Everything that calls of one service method need: its operation, and how a request is made. */
final class MethodOperation {

  private static final Logger log = LoggerFactory.getLogger("io.idem.spring");

  private static final ClassLoader LOADER = MethodOperation.class.getClassLoader();

  private final IdempotentMethod method;
  private final Operation<@Nullable Object> operation;
  private final ArgumentDigest digest;
  private final @Nullable CallExpression key;
  private final @Nullable CallExpression source;
  private final @Nullable CallExpression fingerprint;
  private final @Nullable RequestKeys requestKeys;
  private final Callers callers;
  private final Returned returned;
  private final int attemptIndex;
  private final boolean mustNotJoin;
  private final boolean beginsTransaction;
  private final AtomicBoolean insideUnwarned;

  MethodOperation(IdempotentMethod method, IdempotentOperations operations, BeanFactory beans) {
    this.method = method;
    Idempotent annotation = method.annotation();
    if (annotation.key().isEmpty() && method.header().isEmpty()) {
      throw new IdempotencySetupException(
          method + " is @Idempotent, but nothing says what its key is.",
          "Declare @Idempotent(key = \"#order.number\") over its parameters, or header = \"…\" if it"
              + " is called within a web request. Without either, only a handler method of a"
              + " @Controller is protected, as an HTTP endpoint.");
    }
    if (annotation.caller() == Idempotent.Caller.WITH_SOURCE && annotation.source().isEmpty()) {
      throw new IdempotencySetupException(
          method + " is @Idempotent(caller = WITH_SOURCE), but nothing says what its source is.",
          "Declare @Idempotent(source = \"#order.system\") over its parameters, or leave caller"
              + " away.");
    }
    refuseEndpointAttributes(method);
    Type resultType = ResultTypes.of(method);
    this.returned = Returned.by(method);
    this.key = expression("key", annotation.key(), beans);
    this.source = expression("source", annotation.source(), beans);
    this.fingerprint = expression("fingerprint", annotation.fingerprint(), beans);
    this.requestKeys = method.header().map(header -> requestKeys(header, beans)).orElse(null);
    this.callers = new Callers(method, beans);
    this.digest = ArgumentDigest.of(method);
    this.attemptIndex = ArgumentDigest.attemptIndex(method.method());
    this.operation = operation(operations, resultType);
    if (returned != Returned.VALUE) {
      checkAsynchronous(beans);
    }
    this.mustNotJoin =
        operation.mode() == Mode.LEASED
            && IdempotentOperations.SPRING_TX
            && new TransactionRules(beans).joinsRunningTransaction(method);
    this.beginsTransaction =
        operation.mode() == Mode.TRANSACTIONAL && IdempotentOperations.SPRING_TX;
    this.insideUnwarned =
        new AtomicBoolean(
            operation.mode() == Mode.LEASED
                && IdempotentOperations.SPRING_TX
                && new TransactionRules(beans).isWithoutTransaction(method));
  }

  @SuppressWarnings("unchecked") // the codec is made for the method's own result type
  private Operation<@Nullable Object> operation(IdempotentOperations operations, Type resultType) {
    Operation.Builder<?> begun;
    try {
      begun = operations.engine().operation(method.operation(), resultType);
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "The results of " + method + " cannot be stored. " + e.getMessage() + ".",
          "Give the engine a ResultCodecFactory that knows the type, such as"
              + " JacksonResultCodecFactory (a bean of type ResultCodecFactory with Spring Boot), or"
              + " return a type that can be stored.",
          e);
    }
    return operations.build(method, (Operation.Builder<@Nullable Object>) begun);
  }

  /** What is said of a request's places holds where the request is, and would be passed over. */
  private static void refuseEndpointAttributes(IdempotentMethod method) {
    Idempotent annotation = method.annotation();
    if (!annotation.keyFrom().isEmpty()
        || !annotation.sourceFrom().isEmpty()
        || annotation.comparing().length > 0
        || annotation.pathScope() != Idempotent.PathScope.DEFAULT
        || method.notOlderThan().isPresent()
        || annotation.busyStatus() != 0
        || annotation.serverErrors() != Idempotent.ServerErrors.INHERIT) {
      throw new IdempotencySetupException(
          method
              + " is a service method with attributes of @Idempotent that are an endpoint's: keyFrom,"
              + " sourceFrom, comparing, pathScope, notOlderThan, busyStatus or serverErrors.",
          "Name key, source and fingerprint as expressions over its parameters instead.");
    }
  }

  private void checkAsynchronous(BeanFactory beans) {
    String returns =
        method + " is @Idempotent and returns a " + method.method().getReturnType().getSimpleName();
    if (operation.mode() == Mode.TRANSACTIONAL) {
      throw new IdempotencySetupException(
          returns
              + ", but its operation is transactional: a transaction belongs to the thread that began"
              + " it, and its end cannot be waited for by another.",
          "Declare @Idempotent(mode = LEASED), or return the result itself.");
    }
    if (IdempotentOperations.SPRING_TX
        && !new TransactionRules(beans).isWithoutTransaction(method)) {
      throw new IdempotencySetupException(
          returns
              + " and is @Transactional, so that nobody knows which of the two ends first, its"
              + " transaction or its outcome.",
          "Put @Transactional on a method that it calls, and that returns the result itself.");
    }
  }

  private @Nullable CallExpression expression(String attribute, String text, BeanFactory beans) {
    return text.isEmpty() ? null : new CallExpression(method, attribute, text, beans);
  }

  private RequestKeys requestKeys(String header, BeanFactory beans) {
    if (!ClassUtils.isPresent(
            "org.springframework.web.context.request.RequestContextHolder", LOADER)
        || !ClassUtils.isPresent("jakarta.servlet.http.HttpServletRequest", LOADER)
        || !ClassUtils.isPresent("io.idem.http.KeySyntax", LOADER)
        || isReactive(beans)) {
      throw new IdempotencySetupException(
          method
              + " takes its key from the header '"
              + header
              + "', but this is no servlet application with spring-web and idem-http.",
          "Declare @Idempotent(key = …) over the parameters instead.");
    }
    try {
      return new RequestKeys(method, header, beans);
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "@Idempotent(header = \"" + header + "\") on " + method + " names no header.",
          "Write the name of a header, such as Idempotency-Key.",
          e);
    }
  }

  /** Whether requests come to WebFlux, which tells no thread which request it is at. */
  private static boolean isReactive(BeanFactory beans) {
    // WebHttpHandlerBuilder.WEB_HANDLER_BEAN_NAME, and what every servlet application has.
    return beans.containsBean("webHandler") && !beans.containsBean("servletContext");
  }

  Operation<@Nullable Object> operation() {
    return operation;
  }

  /** How the method's result comes to its caller. */
  Returned returned() {
    return returned;
  }

  int attemptIndex() {
    return attemptIndex;
  }

  /** The request that a call makes; null for one without a key that needs none. */
  @Nullable IdempotentRequest requestOf(@Nullable Object target, @Nullable Object[] arguments) {
    String keyText = keyOf(target, arguments);
    if (keyText == null) {
      return null;
    }
    Fingerprint compared =
        fingerprint == null
            ? digest.ofArguments(arguments)
            : digest.ofValue(fingerprint.evaluate(target, arguments));
    return new IdempotentRequest(sourceOf(target, arguments), keyText, compared);
  }

  private @Nullable String keyOf(@Nullable Object target, @Nullable Object[] arguments) {
    String chosen = requestKeys == null ? null : requestKeys.key();
    if (requestKeys != null && chosen == null) {
      return missing("the request has no header '" + method.header().orElse("") + "'");
    }
    if (key == null) {
      return chosen;
    }
    String text = KeyText.of("@Idempotent(key) on " + method, key.evaluate(target, arguments));
    if (text == null || text.isEmpty()) {
      return missing("the expression '" + method.annotation().key() + "' gives nothing");
    }
    return chosen == null ? text : chosen.length() + ":" + chosen + text;
  }

  private @Nullable String missing(String why) {
    if (!method.annotation().required()) {
      return null;
    }
    throw new MissingKeyException(
        "A call of "
            + method
            + " has no idempotency key: "
            + why
            + ". Send one, or declare @Idempotent(required = false) to let such calls run without"
            + " protection. Nothing ran");
  }

  private String sourceOf(@Nullable Object target, @Nullable Object[] arguments) {
    if (source != null) {
      String what = "@Idempotent(source) on " + method;
      String text = KeyText.of(what, source.evaluate(target, arguments));
      if (text == null) {
        throw new MissingKeyException(
            what
                + " gives null for this call, so that its key would be shared by all callers."
                + " Nothing ran");
      }
      if (method.annotation().caller() != Idempotent.Caller.WITH_SOURCE) {
        return text;
      }
      String caller = callers.current();
      return caller.length() + ":" + caller + text;
    }
    return requestKeys != null && method.annotation().caller() == Idempotent.Caller.AUTHENTICATED
        ? callers.current()
        : "";
  }

  /** Refuses a call whose outcome would be recorded before its effect is committed. */
  void checkCall() {
    if (mustNotJoin && TransactionRules.isTransactionActive()) {
      throw new IllegalStateException(
          "The leased operation '"
              + operation.name()
              + "' of "
              + method
              + " was called inside a running transaction, which it would join: its outcome would be"
              + " recorded before that transaction commits, and survive its rollback. Call it outside"
              + " of a transaction, let it run in its own (Propagation.REQUIRES_NEW), or make it"
              + " transactional with a store in the same database. Nothing ran");
    }
    if (insideUnwarned.get()
        && TransactionRules.holdsConnection()
        && insideUnwarned.compareAndSet(true, false)) {
      log.warn(
          "The leased operation '{}' of {} was called inside a running transaction. Its outcome is"
              + " recorded before that transaction commits, and survives its rollback; and where its"
              + " records are in a database, each call takes a second connection while the"
              + " transaction holds one. Call it outside of the transaction; or, if its effect is in"
              + " the same database, use @Idempotent(mode = TRANSACTIONAL); or give the leased store"
              + " a connection pool of its own. This is logged once for each operation",
          operation.name(),
          method);
    }
  }

  /**
   * Whether a transaction that is there in the body, but not now, is begun for this operation. It
   * has no name yet, and a message about it should have one.
   */
  boolean isToNameTransaction() {
    return beginsTransaction && !TransactionRules.isTransactionActive();
  }
}
