/** Safe calls by the HTTP client of the JDK. */
@NullMarked
package io.idem.client.jdk;

import org.jspecify.annotations.NullMarked;
