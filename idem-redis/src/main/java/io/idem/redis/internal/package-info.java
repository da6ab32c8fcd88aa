/** How the store speaks with Redis. Not part of the API. */
@NullMarked
package io.idem.redis.internal;

import org.jspecify.annotations.NullMarked;
