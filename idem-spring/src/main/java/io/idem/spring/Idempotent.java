package io.idem.spring;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Disposition;
import io.idem.core.FailureMapping;
import io.idem.core.StoreDownPolicy;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Makes a method of a Spring bean take effect once for each key: a repeat is given the result of
 * the first call, and nothing runs.
 *
 * <p>On a service, the key comes from the arguments:
 *
 * <pre>{@code
 * @Idempotent(key = "#order.number")
 * public Receipt place(Order order) { … }
 *
 * @Idempotent(key = "{#tenant, #number}", recordFailures = LimitExceeded.class)
 * public void pay(String tenant, String number, BigDecimal amount) { … }
 * }</pre>
 *
 * <p>On a handler method of a controller, without {@link #key()}, it protects the HTTP endpoint:
 * the key comes with the request, and the stored response is replayed.
 *
 * <pre>{@code
 * @PostMapping("/payments")
 * @Idempotent
 * public ResponseEntity<Payment> create(@RequestBody NewPayment payment) { … }
 * }</pre>
 *
 * <p>A service method of a web application may take its key from the request it is called in:
 *
 * <pre>{@code
 * @Idempotent(header = "Idempotency-Key")
 * public Receipt place(Order order) { … }
 * }</pre>
 *
 * <p>On a listener of messages, such as a {@code @KafkaListener}, the key comes with each message:
 * in the header {@code idempotency-key} or another {@link #header()}, or by a {@link #key()}
 * expression over the message. It is scoped by the consumer group, and the effect and the record of
 * a batch are committed together.
 *
 * <pre>{@code
 * @KafkaListener(topics = "orders")
 * @Idempotent(key = "#payload.number")
 * public void book(Order order) { … }
 * }</pre>
 *
 * <p>As an annotation of annotations it names a house rule, with {@code @AliasFor} for what varies:
 *
 * <pre>{@code
 * @Idempotent(retention = "7d", onAbandoned = "RETRY")
 * @Retention(RUNTIME)
 * public @interface OncePerWeek {
 *   @AliasFor(annotation = Idempotent.class) String key();
 * }
 * }</pre>
 *
 * <p>What a caller of a protected method meets besides results and its own exceptions: {@link
 * io.idem.core.KeyBusyException}, {@link io.idem.core.KeyReusedException}, {@link
 * io.idem.core.OutcomeUnknownException}, {@link io.idem.core.ResultNotStoredException}, {@link
 * io.idem.core.ResultCodecException} and {@link io.idem.core.store.StoreUnavailableException};
 * nothing ran for that caller, and {@link MissingKeyException} where there was no key.
 *
 * <p>A call of the object on itself passes by the proxy and is not protected, as with every
 * annotation that Spring applies by proxies. A parameter of type {@link io.idem.core.Attempt} is
 * filled in by Idem, whatever the caller passes; {@code null} is customary. A listener of single
 * messages is given one too. A listener of batches that asks for one is refused at start-up,
 * because each message has its own.
 *
 * <p>Expressions are SpEL, over the parameters by name ({@code #order}), by position ({@code #p0},
 * {@code #a0}), and beans ({@code @clock}). The names need {@code javac -parameters}.
 *
 * @see EnableIdempotency
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface Idempotent {

  // ---- the operation

  /**
   * The operation's name, a part of every key's identity. Two methods never share one.
   *
   * <p>Two beans of one class do share it: a key used with one is answered with the result of the
   * other. The application does not start with two such beans unless this name is written here,
   * which says that it is meant. Beans that do different work are given classes of their own, or
   * told apart by {@link #source()}, as {@code "#root.region"} does with a property of the bean.
   *
   * @return the name, 1 to 200 characters, in which {@code ${…}} is resolved; empty for the simple
   *     name of the bean's class, a dot and the method's name. The default changes when the class
   *     or method is renamed, and with it the identity of all stored keys
   */
  String operation() default "";

  /**
   * The key space that the operation shares with others of the application: a key that was used
   * with one of them is refused at every other, as it is with a different request. All of them have
   * one mode and keep their records in one place, or the application does not start.
   *
   * <p>At an endpoint, another path is then {@link PathScope#MISUSE}. Endpoints share keys that
   * clients choose; a token belongs to its operation all the same, the number of a {@link
   * #sourceFrom() source} to that source, and a {@link Caller#SHARED} key meets none that belongs
   * to a caller.
   *
   * @return the name, 1 to 200 characters, in which {@code ${…}} is resolved; empty for {@code
   *     idem.http.key-space} or that of the dialect at an endpoint without {@link
   *     PathScope#SEPARATE}, and for none at other methods
   */
  String keySpace() default "";

  // ---- the key and the request

  /**
   * The key, as an expression.
   *
   * <p>It gives a text, a number, an enum constant or another value whose {@code toString()} says
   * the same for equal values; a list or an array gives a composite key, whose parts cannot be
   * confused, and so does a set or a map, whose order does not count.
   *
   * @return the expression; empty to take the key from the request's {@link #header()}
   */
  String key() default "";

  /**
   * The caller that the key belongs to, as an expression: what two callers send under one key are
   * two requests. It works on values as {@link #key()} does.
   *
   * <p>By default the key of a service method has no caller: what the expression of the key gives
   * is unique in the operation. A key taken from a {@link #header()} was chosen by a client, and
   * belongs to the {@link #caller()}.
   *
   * @return the expression, or empty
   */
  String source() default "";

  /**
   * The request header that holds the key.
   *
   * <p>On a service method, the header of the request that the call is part of. Together with
   * {@link #key()}, the header tells requests apart, and the key the calls within one. On an
   * endpoint, the header to use in place of the configured one.
   *
   * @return the header's name, in which {@code ${…}} is resolved, or empty
   */
  String header() default "";

  /**
   * Where the key of an endpoint is, in place of a header: {@code json:/order/number} is a member
   * of the JSON body (RFC 6901), {@code form:number} a field of a form, {@code path:number} a
   * variable of the path, {@code header:X-Order-Number} a header.
   *
   * <p>{@code token} is a token that the application issues, in a form field or the header, and
   * {@code token-or-header} either that or a key of the client's own in the header; see {@link
   * IdempotencyTokens}.
   *
   * @return the place, or empty for the {@link #header()}
   */
  String keyFrom() default "";

  /**
   * Where the name of the system is that numbers the operations of an endpoint, written as for
   * {@link #keyFrom()}. Its name and its number are then the key, both are required, and both
   * belong to the authenticated caller: what another caller sends of the same system is not the
   * same key. A bean of type {@code io.idem.http.SourceCheck} says which caller may name which
   * system.
   *
   * @return the place, or empty where a key stands for itself
   */
  String sourceFrom() default "";

  /**
   * What the key of an endpoint is to another path of the same handler.
   *
   * @return {@link PathScope#DEFAULT} by default
   */
  PathScope pathScope() default PathScope.DEFAULT;

  /**
   * How long after its first attempt a request of an endpoint is admitted. The time of the first
   * attempt is told by the header {@code Repeatability-First-Sent} or by a key that is a UUIDv7 or
   * a ULID; a request outside of the window is refused with 412.
   *
   * @return a duration, written as for {@link #retention()} and at most that long; empty for {@code
   *     idem.http.stale-guard.window}
   */
  String notOlderThan() default "";

  /**
   * The fields of the body that count as the request at an endpoint, written as for {@link
   * #keyFrom()}: {@code json:/order/total}, {@code form:total}, {@code header:X-Total}. A repeat
   * that differs in one of them, or in its method, path, query or media type, is refused; whatever
   * else its body says does not count. Where none of them can be in the body, because it is of
   * another media type, the whole body counts.
   *
   * @return the places; empty for the whole body
   */
  String[] comparing() default {};

  /**
   * How the protocol is spelled towards the clients of an endpoint, by the name of an {@link
   * io.idem.http.HttpDialect}: {@code ietf}, {@code stripe}, {@code oasis}, or that of a bean.
   *
   * @return the name, in which {@code ${…}} is resolved; empty for the dialect of the application
   */
  String dialect() default "";

  /**
   * What counts as the request, as an expression: a repeat that differs in it is refused with
   * {@link io.idem.core.KeyReusedException}.
   *
   * <p>By default all arguments count, in the form of canonical JSON; those of the frameworks
   * ({@code ServletRequest}, {@code Principal}, {@code Locale}, {@code InputStream}, {@code
   * BindingResult}, …) do not. An object counts with its class's name and all its fields that are
   * neither static nor {@code transient}, whatever annotations say about its JSON. An argument that
   * cannot be told from another so (a lambda, a proxy, an object without fields, a cycle, more than
   * 16 MiB) is refused, and the call with it. An expression names what counts: {@code
   * "{#order.number, #order.total}"}. A constant, as {@code "''"}, compares nothing.
   *
   * @return the expression, or empty for the arguments
   */
  String fingerprint() default "";

  /**
   * Whether a call without a key is refused.
   *
   * @return true by default; false lets a call run without protection where the header is missing
   *     or the expression of the key gives null
   */
  boolean required() default true;

  /**
   * To whom a key that a client chose belongs: the key of an endpoint, or of a {@link #header()}.
   * Where {@link #source()} is given, only {@link Caller#WITH_SOURCE} counts.
   *
   * @return {@link Caller#AUTHENTICATED} by default
   */
  Caller caller() default Caller.AUTHENTICATED;

  // ---- the record

  /**
   * How long an outcome is kept after completion. It has to outlast the callers' longest retry.
   *
   * @return a duration such as {@code 24h}, {@code 7d} or {@code P1D}, in which {@code ${…}} is
   *     resolved; a bare number is milliseconds; empty for the default of the application, which
   *     for a listener of messages is at least 14 days
   */
  String retention() default "";

  /**
   * How long a claim holds without renewal, in leased mode: the time a crashed owner's key stays
   * locked.
   *
   * @return a duration, written as for {@link #retention()}; empty for the default of the
   *     application
   */
  String lease() default "";

  /**
   * How long a repeat waits for the running call before it meets a {@link
   * io.idem.core.KeyBusyException}.
   *
   * @return a duration, written as for {@link #retention()}; {@code 0} not to wait; empty for the
   *     default of the application
   */
  String waitAtMost() default "";

  /**
   * Where the record of a key is written.
   *
   * @return the mode; {@link Mode#AUTO} by default
   */
  Mode mode() default Mode.AUTO;

  // ---- failures and answers

  /**
   * Exceptions that promise that nothing happened: they free the key.
   *
   * @return the exceptions, subclasses included
   */
  Class<? extends Throwable>[] releaseOn() default {};

  /**
   * Exceptions that are final answers, such as a business rejection: they are stored, and thrown to
   * every repeat. The business change is rolled back all the same.
   *
   * <p>A stored exception is recreated through the {@link FailureMapping} bean for its type or,
   * where there is none, through its public constructor with a {@code String}, the message.
   * Subclasses are recreated as the type named here.
   *
   * @return the exceptions, subclasses included
   */
  Class<? extends Exception>[] recordFailures() default {};

  /**
   * What becomes of the key after any other exception, in leased mode. In transactional mode the
   * rollback frees it.
   *
   * @return {@link Disposition#UNKNOWN}, or {@link Disposition#RELEASE} for methods whose failures
   *     never leave an effect behind
   */
  Disposition onOtherFailure() default Disposition.UNKNOWN;

  /**
   * What happens to a call that meets an abandoned key, in leased mode.
   *
   * @return {@code REFUSE}, {@code RETRY}, or the name of a bean of type {@link
   *     AbandonedPolicy.RecoveryHook}
   */
  String onAbandoned() default "REFUSE";

  /**
   * What happens when the store cannot answer a claim, in leased mode.
   *
   * @return {@link StoreDownPolicy#FAIL_CLOSED} by default
   */
  StoreDownPolicy storeDown() default StoreDownPolicy.FAIL_CLOSED;

  // ---- the answers of an endpoint

  /**
   * The status of a request to an endpoint that meets a running one.
   *
   * @return 400 to 599; 0 for the default of the application
   */
  int busyStatus() default 0;

  /**
   * When a repeat that meets a running call is told to ask again: {@code Retry-After} at an
   * endpoint, else {@link io.idem.core.KeyBusyException#retryAfter()}.
   *
   * @return a duration, written as for {@link #retention()}; empty for the default of the
   *     application
   */
  String retryAfter() default "";

  /**
   * What becomes of the key of an endpoint after a response with a status of 5xx. An exception that
   * no handler of exceptions turns into a response follows {@link #onOtherFailure()}.
   *
   * @return {@link ServerErrors#INHERIT} by default
   */
  ServerErrors serverErrors() default ServerErrors.INHERIT;

  /** What becomes of the key of an endpoint after a response with a status of 5xx. */
  enum ServerErrors {
    /**
     * What the application says for all endpoints; where it says nothing, the same as after an
     * exception ({@link #onOtherFailure()}).
     */
    INHERIT,
    /**
     * Nothing has happened: the key is free. In transactional mode it is made true by a rollback.
     */
    RELEASE,
    /**
     * The response is an outcome: it is stored and replayed. In transactional mode what the handler
     * did is committed with it.
     */
    RECORD,
    /**
     * Nobody knows: in leased mode the key is left abandoned. In transactional mode everything is
     * rolled back and the key is free.
     */
    UNKNOWN
  }

  /** Where the record of a key is written, and so what its guarantee rests on. */
  enum Mode {
    /**
     * Transactional where the application has a transactional store, else leased. An operation with
     * an effect outside that database, which no rollback undoes, or one that goes on after its
     * method has returned, as with a {@code CompletableFuture}, chooses {@link #LEASED}.
     */
    AUTO,
    /** In the same database transaction as the effect. */
    TRANSACTIONAL,
    /** Apart from the effect, under a lease. */
    LEASED
  }

  /** What the key of an endpoint is to another path of the same handler. */
  enum PathScope {
    /** What {@code idem.http.path-scope} says: another operation, unless it is set. */
    DEFAULT,
    /** Another operation. */
    SEPARATE,
    /** A mistake of the client's, which is refused. */
    MISUSE
  }

  /** To whom a key that a client chose belongs. */
  enum Caller {
    /** To the authenticated caller; a request without one is refused. */
    AUTHENTICATED,
    /**
     * To the authenticated caller and the {@link #source()} that it names, for methods that are
     * called with a source and a number: who names the source of another is given an answer of his
     * own. The caller is that of the current request, or what a bean of type {@link CurrentCaller}
     * says; a call without one is refused.
     */
    WITH_SOURCE,
    /** To everybody: who sends the key of another is given the other's answer. */
    SHARED
  }
}
