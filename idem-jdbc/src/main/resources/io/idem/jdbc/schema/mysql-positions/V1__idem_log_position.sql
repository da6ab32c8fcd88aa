-- How far readers have come in partitioned logs, such as consumer groups in topics of Kafka: one row for each partition
-- of each reader. Schema version 1 for MySQL.
--
-- Names are compared as they are, spaces at their end included. MySQL 8.0.17 or later: the collation is of that version.
CREATE TABLE idem_log_position (
    reader           VARCHAR(255) NOT NULL,
    log_name         VARCHAR(255) NOT NULL,
    partition_number INTEGER      NOT NULL,
    -- Which log of this name it is: one that is deleted and made anew counts from 0 again.
    incarnation      VARCHAR(64)  NOT NULL,
    -- What is to be read next: everything before it has had its effect.
    next_offset      BIGINT       NOT NULL,
    PRIMARY KEY (reader, log_name, partition_number)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin COMMENT = 'Idem positions schema 1';
