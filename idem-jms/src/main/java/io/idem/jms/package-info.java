/** Messages of Jakarta Messaging (JMS) consumed once. */
@NullMarked
package io.idem.jms;

import org.jspecify.annotations.NullMarked;
