package io.idem.examples.payments;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.stereotype.Component;

/**
 * Compares passwords as they are, for {@link Users} whose passwords are no secret.
 *
 * <p>HTTP Basic checks a password with every request, and a deliberately slow hash would be all
 * that a storm of requests measures. Spring's delegating encoder with {@code {noop}} passwords is
 * not enough: the provider still prepares a slow hash with it, in every request that arrives before
 * the first is done.
 */
@Component
final class PlainPasswords implements PasswordEncoder {

  @Override
  public @Nullable String encode(@Nullable CharSequence password) {
    return password == null ? null : password.toString();
  }

  @Override
  public boolean matches(@Nullable CharSequence password, @Nullable String stored) {
    return password != null
        && stored != null
        && MessageDigest.isEqual(
            password.toString().getBytes(StandardCharsets.UTF_8),
            stored.getBytes(StandardCharsets.UTF_8));
  }
}
