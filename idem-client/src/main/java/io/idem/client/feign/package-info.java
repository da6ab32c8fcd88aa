/** Safe calls by OpenFeign. */
@NullMarked
package io.idem.client.feign;

import org.jspecify.annotations.NullMarked;
