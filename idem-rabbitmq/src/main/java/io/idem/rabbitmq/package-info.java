/** Deliveries of RabbitMQ consumed once. */
@NullMarked
package io.idem.rabbitmq;

import org.jspecify.annotations.NullMarked;
