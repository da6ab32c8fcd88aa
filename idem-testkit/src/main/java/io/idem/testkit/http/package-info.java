/**
 * The contract of a protected HTTP endpoint, as a client sees it: an adapter exposes a script of
 * handlers, and the cases speak with it over sockets.
 */
@org.jspecify.annotations.NullMarked
package io.idem.testkit.http;
