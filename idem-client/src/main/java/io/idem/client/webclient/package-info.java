/** Safe calls by Spring's WebClient. */
@NullMarked
package io.idem.client.webclient;

import org.jspecify.annotations.NullMarked;
