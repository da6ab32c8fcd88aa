package io.idem.spring.boot;

import io.idem.guard.jdbc.StateGuard;
import io.idem.spring.GuardConfiguration;
import io.idem.spring.IdempotencyProxies;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Import;

/**
 * Keeps {@code @GuardedTransition} working where Idem is switched off, on the guards that the
 * application declares itself: a method whose annotation did nothing would run for every repeat.
 */
@AutoConfiguration
@ConditionalOnBooleanProperty(name = "idem.enabled", havingValue = false)
@ConditionalOnClass(StateGuard.class)
@Import({IdempotencyProxies.class, GuardConfiguration.class})
public final class IdempotencyGuardedMethodsAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyGuardedMethodsAutoConfiguration() {}
}
