/** Messages of Apache RocketMQ consumed once, with the plain client. */
@NullMarked
package io.idem.rocketmq;

import org.jspecify.annotations.NullMarked;
