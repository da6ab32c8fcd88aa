/** Messages of Jakarta Messaging (JMS) consumed once, in the listeners of Spring. */
@NullMarked
package io.idem.spring.jms;

import org.jspecify.annotations.NullMarked;
