/** Records of Apache Kafka consumed once. */
@NullMarked
package io.idem.spring.kafka;

import org.jspecify.annotations.NullMarked;
