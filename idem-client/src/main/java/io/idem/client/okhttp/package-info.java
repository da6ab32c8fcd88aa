/** Safe calls by OkHttp. */
@NullMarked
package io.idem.client.okhttp;

import org.jspecify.annotations.NullMarked;
