package io.idem.spring;

import io.idem.http.TokenIssuer;
import io.idem.servlet.CallerResolver;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/**
 * Issues tokens to the caller of the current request, for pages that are rendered on the server. As
 * the bean {@code idempotencyTokens} it is at hand in templates:
 *
 * <pre>{@code
 * <input type="hidden" th:with="token=${@idempotencyTokens.field('orders.create')}"
 *     th:name="${token.name()}" th:value="${token.value()}">
 * <spring:eval expression="@idempotencyTokens.field('orders.create').toHtml()" htmlEscape="false"/>
 * }</pre>
 *
 * <p>A page with a token is its caller's own and must not come out of a cache: a second form with
 * the same token would be a repeat of the first. So the response of the current request becomes
 * {@code Cache-Control: no-store}, unless it has been committed before. Thread-safe.
 */
public final class IdempotencyTokens {

  private static final String CACHE_CONTROL = "Cache-Control";
  private static final String NO_STORE = "no-store";

  private final TokenIssuer issuer;
  private final CallerResolver callers;

  /**
   * Creates the issuer.
   *
   * @param issuer issues the tokens
   * @param callers who the caller of a request is
   */
  public IdempotencyTokens(TokenIssuer issuer, CallerResolver callers) {
    this.issuer = issuer;
    this.callers = callers;
  }

  /**
   * A new token.
   *
   * @param operation the name of the operation that it is for
   * @return the token
   * @throws IllegalArgumentException if no endpoint of that operation takes tokens
   * @throws IllegalStateException if the operation's keys belong to callers and there is none, or
   *     outside of a request
   */
  public String issue(String operation) {
    return issued(operation).token().token();
  }

  /**
   * A new token as a field of a form.
   *
   * @param operation the name of the operation that it is for
   * @return the field
   * @throws IllegalArgumentException if no endpoint of that operation takes tokens
   * @throws IllegalStateException if the operation's keys belong to callers and there is none, or
   *     outside of a request
   */
  public TokenField field(String operation) {
    TokenIssuer.Issued issued = issued(operation);
    return new TokenField(issued.field(), issued.token().token());
  }

  private TokenIssuer.Issued issued(String operation) {
    if (RequestContextHolder.getRequestAttributes()
        instanceof ServletRequestAttributes attributes) {
      TokenIssuer.Issued issued = issuer.issue(operation, callers.resolve(attributes.getRequest()));
      keepOutOfCaches(attributes.getResponse());
      return issued;
    }
    throw new IllegalStateException(
        "A token of operation '"
            + operation
            + "' belongs to the caller of a request, but there is no current request");
  }

  /** Spring Security would do so at commit, which a JSP's is behind its back. */
  private static void keepOutOfCaches(@Nullable HttpServletResponse response) {
    if (response == null) {
      return;
    }
    String given = response.getHeader(CACHE_CONTROL);
    if (given == null || !given.contains(NO_STORE)) {
      response.setHeader(CACHE_CONTROL, NO_STORE);
    }
  }
}
