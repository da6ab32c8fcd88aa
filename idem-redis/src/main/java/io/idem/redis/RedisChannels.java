package io.idem.redis;

/**
 * The channels that are listened to. Neither method waits for the server; of one channel, calls are
 * carried out in the order they are made. Thread-safe.
 */
public interface RedisChannels {

  /**
   * Listens to a channel.
   *
   * @param channel its name
   * @throws RuntimeException if that cannot be asked for now
   */
  void subscribe(byte[] channel);

  /**
   * Listens to a channel no longer.
   *
   * @param channel its name
   * @throws RuntimeException if that cannot be asked for now
   */
  void unsubscribe(byte[] channel);
}
