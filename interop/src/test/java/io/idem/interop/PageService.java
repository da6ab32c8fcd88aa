package io.idem.interop;

import io.idem.spring.Idempotent;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.DelegatingFilterProxyRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;

/** A shop whose pages are templates, behind Spring Security with its protection against CSRF. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableWebSecurity
@Import(PageService.Shop.class)
class PageService {

  @Bean
  SecurityFilterChain security(HttpSecurity http) {
    return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
        .httpBasic(Customizer.withDefaults())
        .build();
  }

  @Bean
  UserDetailsService users() {
    return new InMemoryUserDetailsManager(
        User.withUsername("alice").password("{noop}secret").authorities("USER").build(),
        User.withUsername("bob").password("{noop}secret").authorities("USER").build());
  }

  @Bean
  DelegatingFilterProxyRegistrationBean securityRegistration() {
    DelegatingFilterProxyRegistrationBean registration =
        new DelegatingFilterProxyRegistrationBean("springSecurityFilterChain");
    registration.setOrder(-100);
    return registration;
  }

  @Controller
  static class Shop {

    private final Desk desk;

    Shop(Desk desk) {
      this.desk = desk;
    }

    @GetMapping("/thymeleaf")
    String thymeleaf() {
      return "order";
    }

    @GetMapping("/jsp")
    String jsp() {
      return "order.jsp";
    }

    /** What a script sends with what it posts. */
    @GetMapping(path = "/csrf", produces = MediaType.TEXT_PLAIN_VALUE)
    @ResponseBody
    String csrf(CsrfToken token) {
      return token.getHeaderName() + ": " + token.getToken();
    }

    @PostMapping(path = "/orders", produces = MediaType.TEXT_PLAIN_VALUE)
    @ResponseBody
    @Idempotent(operation = "orders.create", keyFrom = "token")
    String order(@RequestParam String item) {
      return "order " + desk.run(item) + " of " + item;
    }
  }
}
