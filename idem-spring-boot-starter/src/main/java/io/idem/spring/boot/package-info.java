/** Auto-configuration of Idem in a Spring Boot application. */
@NullMarked
package io.idem.spring.boot;

import org.jspecify.annotations.NullMarked;
