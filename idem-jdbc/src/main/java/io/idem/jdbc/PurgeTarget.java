package io.idem.jdbc;

import javax.sql.DataSource;

/** One table of one data source, whichever stores keep their records in it. */
record PurgeTarget(DataSource dataSource, String table) {}
