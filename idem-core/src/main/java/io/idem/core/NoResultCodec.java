package io.idem.core;

import org.jspecify.annotations.Nullable;

/** The codec of operations without a result. */
enum NoResultCodec implements ResultCodec<@Nullable Void> {
  INSTANCE;

  @Override
  public byte[] encode(@Nullable Void value) {
    return new byte[0];
  }

  @Override
  @SuppressWarnings("NullAway") // a Void is null; the checker does not follow type arguments
  public @Nullable Void decode(byte[] bytes) {
    return null;
  }

  @Override
  public boolean storesResult() {
    return false;
  }
}
