/**
 * Messages consumed once: from a delivery to its key, through the inbox, to what the broker is to
 * be told. It knows no broker; adapters bring the messages and carry out the decisions.
 */
@NullMarked
package io.idem.messaging;

import org.jspecify.annotations.NullMarked;
