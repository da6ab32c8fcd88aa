/** The Idempotency-Key protocol on Jakarta Servlet. */
@NullMarked
package io.idem.servlet;

import org.jspecify.annotations.NullMarked;
