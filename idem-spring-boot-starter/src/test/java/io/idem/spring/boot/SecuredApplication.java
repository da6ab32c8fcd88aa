package io.idem.spring.boot;

import io.idem.spring.Idempotent;
import jakarta.annotation.security.RolesAllowed;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.DelegatingFilterProxyRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.access.annotation.Secured;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.config.annotation.method.configuration.EnableMethodSecurity;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.server.ResponseStatusException;

/** A web application with Spring Security, whose users lose and get roles while it runs. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableWebSecurity
@EnableMethodSecurity(securedEnabled = true, jsr250Enabled = true)
@Import({SecuredApplication.Endpoints.class, SecuredApplication.Answering.class})
class SecuredApplication {

  /** Who has which roles. */
  static final class Roles {

    private final Map<String, Set<String>> byUser = new ConcurrentHashMap<>();

    void grant(String user, String... roles) {
      byUser.put(user, Set.of(roles));
    }

    List<GrantedAuthority> of(String user) {
      return AuthorityUtils.createAuthorityList(
          byUser.getOrDefault(user, Set.of()).stream().map(role -> "ROLE_" + role).toList());
    }
  }

  @Bean
  Roles roles() {
    return new Roles();
  }

  @Bean
  SecurityFilterChain security(HttpSecurity http, Roles roles) {
    return http.csrf(csrf -> csrf.disable())
        .addFilterBefore(new ByHeader(roles), AnonymousAuthenticationFilter.class)
        .authorizeHttpRequests(
            requests ->
                requests
                    .dispatcherTypeMatchers(DispatcherType.FORWARD)
                    .denyAll()
                    .requestMatchers("/by-path")
                    .hasRole("PAYER")
                    .anyRequest()
                    .permitAll())
        .build();
  }

  @Bean
  DelegatingFilterProxyRegistrationBean securityRegistration() {
    DelegatingFilterProxyRegistrationBean registration =
        new DelegatingFilterProxyRegistrationBean("springSecurityFilterChain");
    registration.setOrder(-100);
    return registration;
  }

  /** Whoever the header names is authenticated: enough for a test. */
  private static final class ByHeader extends OncePerRequestFilter {

    private final Roles roles;

    ByHeader(Roles roles) {
      this.roles = roles;
    }

    @Override
    protected void doFilterInternal(
        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws ServletException, IOException {
      String user = request.getHeader("X-User");
      if (user != null) {
        SecurityContextHolder.getContext()
            .setAuthentication(
                UsernamePasswordAuthenticationToken.authenticated(user, null, roles.of(user)));
      }
      chain.doFilter(request, response);
    }
  }

  record Transfer(String from, int amount) {}

  @RestController
  static class Endpoints {

    private final AtomicInteger runs = new AtomicInteger();

    /** How often any of them ran; asked through the proxy. */
    public int runs() {
      return runs.get();
    }

    @PostMapping("/by-path")
    @Idempotent
    String byPath() {
      return run();
    }

    @PostMapping("/by-role")
    @Idempotent
    @PreAuthorize("hasRole('PAYER')")
    String byRole() {
      return run();
    }

    @PostMapping("/secured")
    @Idempotent
    @Secured("ROLE_PAYER")
    String secured() {
      return run();
    }

    @PostMapping("/roles-allowed")
    @Idempotent
    @RolesAllowed("PAYER")
    String rolesAllowed() {
      return run();
    }

    @PostMapping("/by-variable/{role}")
    @Idempotent
    @PreAuthorize("hasRole(#role)")
    String byVariable(@PathVariable String role) {
      return run();
    }

    @PostMapping("/by-body")
    @Idempotent
    @PreAuthorize("#transfer.from == authentication.name and hasRole('PAYER')")
    String byBody(@RequestBody Transfer transfer) {
      return transfer.amount() + " " + run();
    }

    @PostMapping("/shared")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    @PreAuthorize("hasRole('PAYER')")
    String shared() {
      return run();
    }

    @PostMapping("/too-late")
    @Idempotent
    String tooLate() {
      run();
      throw new ResponseStatusException(HttpStatus.CONFLICT, "too late");
    }

    @PostMapping("/with-cookie")
    @Idempotent
    @PreAuthorize("hasRole('PAYER')")
    String withCookie(HttpServletResponse response) {
      response.addCookie(new Cookie("session", "1"));
      return run();
    }

    private String run() {
      runs.incrementAndGet();
      return UUID.randomUUID().toString();
    }
  }

  /** A controller that answers denials itself. */
  @RestController
  static class Answering {

    @PostMapping("/answering")
    @Idempotent
    @PreAuthorize("hasRole('PAYER')")
    String run() {
      return UUID.randomUUID().toString();
    }

    @ExceptionHandler
    ResponseEntity<String> on(AccessDeniedException e) {
      return ResponseEntity.status(403).body("ask your bank");
    }
  }
}
