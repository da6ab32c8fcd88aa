package io.idem.redis.internal;

import io.idem.redis.RedisCommand;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;

/**
 * A step of the algorithm, carried out by the server as a whole. The comment on top of each script
 * says what it takes and answers.
 */
public enum Script {
  CLAIM,
  COMPLETE,
  RELEASE,
  RENEW;

  private static final int BEFORE_ARGUMENTS = 3;
  private static final byte[] ONE_KEY = {'1'};

  @SuppressWarnings("ImmutableEnumChecker") // the arguments of a command are changed by nobody
  private final byte[] source =
      (read("record") + read(name().toLowerCase(Locale.ROOT))).getBytes(StandardCharsets.UTF_8);

  @SuppressWarnings("ImmutableEnumChecker")
  private final byte[] digest = sha1(source);

  RedisCommand byDigest(byte[] key, byte[][] arguments) {
    return command("EVALSHA", digest, key, arguments);
  }

  RedisCommand bySource(byte[] key, byte[][] arguments) {
    return command("EVAL", source, key, arguments);
  }

  private static RedisCommand command(String name, byte[] script, byte[] key, byte[][] arguments) {
    byte[][] all = new byte[BEFORE_ARGUMENTS + arguments.length][];
    all[0] = script;
    all[1] = ONE_KEY;
    all[2] = key;
    System.arraycopy(arguments, 0, all, BEFORE_ARGUMENTS, arguments.length);
    return new RedisCommand(name, Arrays.asList(all), 2);
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
  private static byte[] sha1(byte[] source) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-1").digest(source);
      return HexFormat.of().formatHex(digest).getBytes(StandardCharsets.US_ASCII);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-1", e);
    }
  }
}
