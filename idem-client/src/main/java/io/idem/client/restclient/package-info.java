/** Safe calls by Spring's RestClient and RestTemplate. */
@NullMarked
package io.idem.client.restclient;

import org.jspecify.annotations.NullMarked;
