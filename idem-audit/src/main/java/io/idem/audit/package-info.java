/**
 * Finds what needs protection: classifies SQL as naturally idempotent or not, watches an
 * application's statements for those that ran outside any operation, and reports the endpoints and
 * listeners that nothing protects. For tests, staging and start-up; nothing here is needed to be
 * protected.
 */
@NullMarked
package io.idem.audit;

import org.jspecify.annotations.NullMarked;
