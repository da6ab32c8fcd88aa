/** Messages of Apache RocketMQ consumed once, in the listeners of RocketMQ-Spring. */
@NullMarked
package io.idem.spring.rocketmq;

import org.jspecify.annotations.NullMarked;
