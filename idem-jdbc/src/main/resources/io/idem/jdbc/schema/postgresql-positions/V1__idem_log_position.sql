-- How far readers have come in partitioned logs, such as consumer groups in topics of Kafka: one row for each partition
-- of each reader. Schema version 1 for PostgreSQL.
--
-- The few rows change all the time, so each page has room for new versions beside the old ones.
CREATE TABLE idem_log_position (
    reader           varchar(255) NOT NULL,
    log_name         varchar(255) NOT NULL,
    partition_number integer      NOT NULL,
    -- Which log of this name it is: one that is deleted and made anew counts from 0 again.
    incarnation      varchar(64)  NOT NULL,
    -- What is to be read next: everything before it has had its effect.
    next_offset      bigint       NOT NULL,
    PRIMARY KEY (reader, log_name, partition_number)
) WITH (fillfactor = 50);

COMMENT ON TABLE idem_log_position IS 'Idem positions schema 1';
