package io.idem.spring;

import io.idem.core.OperationTokens;
import io.idem.http.RequestValue;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What holds for all {@link Idempotent} endpoints that take tokens. Immutable and thread-safe.
 *
 * @param tokens issues and checks them
 * @param header the request header they may come in, or null for that of other keys
 * @param field the form field they may come in
 * @param validFor how long they are valid, or null for {@link
 *     io.idem.http.TokenIssuer#DEFAULT_VALIDITY} or what the retention of the operation admits,
 *     whichever is less
 */
public record TokenSettings(
    OperationTokens tokens,
    @Nullable String header,
    RequestValue.Field field,
    @Nullable Duration validFor) {}
