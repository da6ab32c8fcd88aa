/** Records of Apache Kafka consumed once. */
@NullMarked
package io.idem.kafka;

import org.jspecify.annotations.NullMarked;
