package io.idem.examples.payments;

import java.util.Map;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;
import org.springframework.stereotype.Component;

/**
 * Everyone who may log in: the customers {@code alice} and {@code bob}, and the operator {@code
 * ops}. The password of each is their name, which is fit for a demonstration on one machine and for
 * nothing else.
 */
@Component
class Users implements UserDetailsService {

  private static final String OPERATOR = "OPS";

  private static final Map<String, String> ROLES =
      Map.of("alice", "CUSTOMER", "bob", "CUSTOMER", "ops", OPERATOR);

  /** Whether the caller may see what belongs to others. */
  static boolean isOperator(Authentication caller) {
    return caller.getAuthorities().stream()
        .anyMatch(authority -> ("ROLE_" + OPERATOR).equals(authority.getAuthority()));
  }

  @Override
  public UserDetails loadUserByUsername(String name) {
    String role = ROLES.get(name);
    if (role == null) {
      throw new UsernameNotFoundException("No such user");
    }
    return User.withUsername(name).password(name).roles(role).build();
  }
}
