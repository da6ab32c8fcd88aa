package io.idem.examples.payments;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings of this service.
 *
 * @param store the database that the service brings along: {@code h2} or {@code postgres}; ignored
 *     when {@code spring.datasource.url} names another one
 * @param dataDir the directory that holds the books between runs
 * @param messages whether payments are also taken by message, from a server in this process
 */
@ConfigurationProperties("payments")
record PaymentsProperties(
    @DefaultValue("h2") String store,
    @DefaultValue("data") Path dataDir,
    @DefaultValue("false") boolean messages) {}
