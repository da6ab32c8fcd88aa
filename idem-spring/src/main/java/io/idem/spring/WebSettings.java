package io.idem.spring;

import io.idem.http.KeySyntax;
import io.idem.http.ReplayHeaders;
import io.idem.http.ResponsePolicy;

/**
 * What holds for all {@link Idempotent} endpoints of an application.
 *
 * @param keySyntax where keys come from and what they look like
 * @param maxRequestBytes the most bytes a request's body may have
 * @param maxStoredBytes the most bytes of a response's body that are kept
 * @param responsePolicy what becomes of the key, by status; what it says of 5xx is overridden by
 *     the annotation
 * @param replayHeaders the headers that are kept and replayed
 * @param callersKnown whether requests can tell who sends them; if not, only endpoints of {@link
 *     Idempotent.Caller#SHARED} are accepted
 */
public record WebSettings(
    KeySyntax keySyntax,
    int maxRequestBytes,
    int maxStoredBytes,
    ResponsePolicy responsePolicy,
    ReplayHeaders replayHeaders,
    boolean callersKnown) {}
