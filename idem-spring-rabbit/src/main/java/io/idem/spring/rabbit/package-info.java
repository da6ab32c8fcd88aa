/** Deliveries of RabbitMQ consumed once, in the listeners of Spring AMQP. */
@NullMarked
package io.idem.spring.rabbit;

import org.jspecify.annotations.NullMarked;
