package io.idem.redis.internal;

import io.idem.redis.RedisCommand;
import io.idem.redis.RedisReplyException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A script on its way to one record, named by its digest. A server that says it does not know a
 * script has not run it, so sending it again, as a whole, is safe.
 *
 * @param <R> what the store is to answer
 */
final class ScriptStep<R> implements Step<R> {

  private static final String UNKNOWN = "NOSCRIPT";

  private final Script script;
  private final boolean known;
  private final byte[] key;
  private final byte[][] arguments;
  private final Function<@Nullable Object, R> reader;

  /** The arrays are not copied. */
  ScriptStep(Script script, Function<@Nullable Object, R> reader, byte[] key, byte[]... arguments) {
    this(script, true, reader, key, arguments);
  }

  private ScriptStep(
      Script script,
      boolean known,
      Function<@Nullable Object, R> reader,
      byte[] key,
      byte[]... arguments) {
    this.script = script;
    this.known = known;
    this.reader = reader;
    this.key = key;
    this.arguments = arguments;
  }

  @Override
  public RedisCommand command() {
    return known ? script.byDigest(key, arguments) : script.bySource(key, arguments);
  }

  @Override
  public @Nullable R read(@Nullable Object reply) {
    return known && reply instanceof RedisReplyException e && e.is(UNKNOWN)
        ? null
        : reader.apply(reply);
  }

  @Override
  public Step<R> next() {
    return new ScriptStep<>(script, false, reader, key, arguments);
  }
}
