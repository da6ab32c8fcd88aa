package io.idem.examples.payments;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import tools.jackson.databind.json.JsonMapper;

/**
 * Who may call what. Every request carries its own credentials (HTTP Basic) and no cookie exists,
 * so no other site can make a browser send them along: protection against request forgery would
 * guard nothing.
 */
@Configuration(proxyBeanMethods = false)
class SecurityConfiguration {

  /** The page runs its own files only, talks to its own origin only, and cannot be framed. */
  private static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final JsonMapper json;

  SecurityConfiguration(JsonMapper json) {
    this.json = json;
  }

  @Bean
  SecurityFilterChain securityFilterChain(HttpSecurity http) {
    return http.authorizeHttpRequests(
            rules ->
                rules
                    .dispatcherTypeMatchers(DispatcherType.FORWARD, DispatcherType.ERROR)
                    .permitAll()
                    .requestMatchers(
                        "/", "/index.html", "/orders.html", "/problems.html", "/favicon.ico")
                    .permitAll()
                    .requestMatchers("/assets/**", "/idempotency/problems/**")
                    .permitAll()
                    .requestMatchers("/actuator/health", "/actuator/health/**")
                    .permitAll()
                    .requestMatchers("/actuator", "/actuator/**")
                    .hasRole("OPS")
                    .anyRequest()
                    .authenticated())
        .httpBasic(basic -> basic.authenticationEntryPoint((req, res, e) -> unauthorized(req, res)))
        .exceptionHandling(
            handling ->
                handling
                    .authenticationEntryPoint((req, res, e) -> unauthorized(req, res))
                    .accessDeniedHandler((req, res, e) -> forbidden(res)))
        .sessionManagement(
            session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
        .csrf(AbstractHttpConfigurer::disable)
        .logout(AbstractHttpConfigurer::disable)
        .requestCache(AbstractHttpConfigurer::disable)
        .headers(
            headers ->
                headers
                    .contentSecurityPolicy(csp -> csp.policyDirectives(CONTENT_SECURITY_POLICY))
                    .referrerPolicy(referrer -> referrer.policy(ReferrerPolicy.NO_REFERRER)))
        .build();
  }

  /**
   * Asks for credentials. The challenge is left out for a script of the page: a browser would
   * answer it with a dialog of its own.
   */
  private void unauthorized(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    if (!"XMLHttpRequest".equals(request.getHeader("X-Requested-With"))) {
      response.setHeader(
          HttpHeaders.WWW_AUTHENTICATE, "Basic realm=\"payments\", charset=\"UTF-8\"");
    }
    ApiProblems.write(
        json,
        response,
        ApiProblems.problem(
            HttpStatus.UNAUTHORIZED,
            "unauthorized",
            "Unauthorized",
            "Send the name and password of a user with HTTP Basic."));
  }

  private void forbidden(HttpServletResponse response) throws IOException {
    ApiProblems.write(
        json,
        response,
        ApiProblems.problem(
            HttpStatus.FORBIDDEN, "forbidden", "Forbidden", "This user may not do that."));
  }
}
