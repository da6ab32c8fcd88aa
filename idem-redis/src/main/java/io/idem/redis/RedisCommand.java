package io.idem.redis;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/**
 * One command on its way to a server. Arguments are bytes and are not changed by anybody.
 *
 * @param name the command's name
 * @param arguments what follows the name, in order
 * @param keyAt which argument is the key, whose slot names the node of a cluster; -1 for a command
 *     without a key, which any node may answer
 */
public record RedisCommand(String name, List<byte[]> arguments, int keyAt) {

  /**
   * A command without a key.
   *
   * @param name the command's name
   * @param arguments what follows the name
   * @return the command
   */
  public static RedisCommand keyless(String name, String... arguments) {
    return new RedisCommand(
        name, Stream.of(arguments).map(text -> text.getBytes(StandardCharsets.UTF_8)).toList(), -1);
  }
}
