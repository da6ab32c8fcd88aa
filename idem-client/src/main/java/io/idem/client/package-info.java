/**
 * Outgoing calls that are safe to repeat: which key a call has, when it is sent again, and what its
 * answer says. Knows no client library; the packages inside adapt one each.
 */
@NullMarked
package io.idem.client;

import org.jspecify.annotations.NullMarked;
