package io.idem.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.context.annotation.Import;

/**
 * Makes {@link Idempotent} and {@link GuardedTransition} work in a Spring application without
 * Spring Boot.
 *
 * <p>The application declares the engine, and for transactional operations the store as a bean of
 * its own, so that {@code @Transactional} can be held against it:
 *
 * <pre>{@code
 * @Configuration
 * @EnableIdempotency
 * @EnableTransactionManagement
 * class IdempotencyConfig {
 *
 *   @Bean
 *   SpringTransactionalStore transactionalStore(
 *       PlatformTransactionManager transactions, DataSource dataSource) {
 *     return new SpringTransactionalStore(
 *         transactions, dataSource, Dialect.of(dataSource), JdbcSettings.defaults());
 *   }
 *
 *   @Bean(destroyMethod = "close")
 *   Idempotency idempotency(SpringTransactionalStore transactionalStore, DataSource dataSource) {
 *     return Idempotency.builder()
 *         .transactionalStore(transactionalStore)
 *         .store(new JdbcIdempotencyStore(dataSource))
 *         .codecs(new JacksonResultCodecFactory())
 *         .build();
 *   }
 * }
 * }</pre>
 *
 * <p>Beans of type {@link IdempotencyDefaults} and {@link io.idem.core.FailureMapping} are used
 * where there are any.
 */
@Documented
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Import({IdempotencyProxies.class, IdempotencyConfiguration.class})
public @interface EnableIdempotency {

  /**
   * Whether beans are proxied by subclasses even where they implement interfaces. It holds for all
   * annotations of the application that are applied by proxies.
   *
   * @return false by default
   */
  boolean proxyTargetClass() default false;
}
