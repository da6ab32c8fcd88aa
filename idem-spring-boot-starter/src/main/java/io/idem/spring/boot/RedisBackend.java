package io.idem.spring.boot;

import io.idem.core.store.StoreUnavailableException;
import io.idem.redis.RedisIdempotencyStore;
import io.idem.redis.RedisSettings;
import io.idem.spring.IdempotencySetupException;
import java.util.Map;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/** The Redis of the records, with its servers checked. */
record RedisBackend(FactoryRedis redis, RedisSettings settings, RedisIdempotencyStore store)
    implements StoreBackend, AutoCloseable {

  static RedisBackend find(IdemRedisProperties properties, ListableBeanFactory beans) {
    FactoryRedis redis = new FactoryRedis(factory(properties, beans), properties.getTimeout());
    try {
      RedisSettings settings =
          new RedisSettings(
              properties.getPrefix(),
              properties.getForgetUnfinishedAfter(),
              properties.isWakeWaiters(),
              properties.isRequireNoEviction());
      return new RedisBackend(redis, settings, new RedisIdempotencyStore(redis, settings));
    } catch (RuntimeException e) {
      redis.close();
      throw refusal(e);
    }
  }

  private static RuntimeException refusal(RuntimeException e) {
    if (e instanceof IllegalArgumentException) {
      return new IdempotencySetupException(
          e.getMessage() + ".",
          "Correct idem.redis.prefix, idem.redis.forget-unfinished-after or idem.redis.timeout.",
          e);
    }
    if (e instanceof IllegalStateException) {
      return new IdempotencySetupException(
          e.getMessage() + ".",
          "Let spring.data.redis.* name a primary, Sentinel or a cluster that can hold the records, or"
              + " set idem.store to jdbc or memory.",
          e);
    }
    if (e instanceof StoreUnavailableException) {
      return new IdempotencySetupException(
          e.getMessage() + ". Nobody can check whether it can hold idempotency records.",
          "Start Redis, correct spring.data.redis.*, or set idem.store to jdbc or memory.",
          e);
    }
    return e;
  }

  private static LettuceConnectionFactory factory(
      IdemRedisProperties properties, ListableBeanFactory beans) {
    if (properties.getConnectionFactory() != null) {
      return NamedBeans.get(
          beans,
          LettuceConnectionFactory.class,
          "idem.redis.connection-factory",
          properties.getConnectionFactory());
    }
    LettuceConnectionFactory found =
        beans.getBeanProvider(LettuceConnectionFactory.class).getIfUnique();
    if (found == null) {
      throw new IdempotencySetupException(
          "The application has several Redis connection factories, and none of them is primary: "
              + String.join(", ", beans.getBeanNamesForType(LettuceConnectionFactory.class))
              + ".",
          "Name the one that holds the records with idem.redis.connection-factory, or set idem.store"
              + " to jdbc or memory.");
    }
    return found;
  }

  @Override
  public Map<String, Object> details() {
    return Map.of("prefix", settings.prefix());
  }

  @Override
  public void check() {
    store.check();
  }

  @Override
  public void close() {
    redis.close();
  }
}
