package io.idem.redis.internal;

import io.idem.redis.RedisCommand;
import io.idem.redis.RedisPort;
import io.idem.redis.RedisReplyException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A step of the algorithm, carried out by the server as a whole. The comment on top of each script
 * says what it takes and answers.
 */
public enum Script {
  CLAIM,
  COMPLETE,
  RELEASE,
  RENEW;

  private static final byte[] ONE_KEY = {'1'};

  private final String source = read("record") + read(name().toLowerCase(Locale.ROOT));
  private final String digest = sha1(source);

  /**
   * Runs the script: one round trip, or two where the server does not know it yet.
   *
   * <p>A server that says it does not know a script has not run it, so sending it again is safe.
   */
  public @Nullable Object run(RedisPort port, byte[] key, byte[]... arguments) {
    try {
      return port.execute(command("EVALSHA", digest, key, arguments));
    } catch (RedisReplyException e) {
      if (!e.is("NOSCRIPT")) {
        throw e;
      }
      return port.execute(command("EVAL", source, key, arguments));
    }
  }

  private static RedisCommand command(String name, String script, byte[] key, byte[]... rest) {
    List<byte[]> arguments = new ArrayList<>(3 + rest.length);
    arguments.add(script.getBytes(StandardCharsets.UTF_8));
    arguments.add(ONE_KEY);
    arguments.add(key);
    arguments.addAll(List.of(rest));
    return new RedisCommand(name, arguments, 2);
  }

  private static String read(String name) {
    String path = "/io/idem/redis/" + name + ".lua";
    try (InputStream in = Script.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException("The archive of idem-redis lacks " + path);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("The archive of idem-redis cannot be read: " + path, e);
    }
  }

  /** The name Redis gives a script; it protects nothing. */
  private static String sha1(String source) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1").digest(source.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-1", e);
    }
  }
}
