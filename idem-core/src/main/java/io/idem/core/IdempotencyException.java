package io.idem.core;

import org.jspecify.annotations.Nullable;

/** An answer of the engine other than a result, for callers that want exceptions. */
public abstract sealed class IdempotencyException extends RuntimeException
    permits KeyBusyException,
        KeyReusedException,
        OutcomeUnknownException,
        ResultNotStoredException,
        ResultCodecException {

  private static final long serialVersionUID = 1L;

  IdempotencyException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
