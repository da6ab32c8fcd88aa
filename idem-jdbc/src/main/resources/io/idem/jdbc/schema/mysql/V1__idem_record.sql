-- Idem's records: one row for each idempotency key. Schema version 1 for MySQL.
--
-- Instants are milliseconds since 1970-01-01T00:00:00Z by the database's clock: no time zone and no driver can shift
-- them.
CREATE TABLE idem_record (
    -- When the owner's lease runs out. Null in a row whose lease is a transaction.
    lease_until     BIGINT,
    -- When a row with an outcome counts as absent. Set by the claim, so that completing a row changes no index.
    expires_at      BIGINT     NOT NULL,
    created_at      BIGINT,
    attempt         INTEGER    NOT NULL,
    -- 1: running or abandoned, 2: completed.
    state           SMALLINT   NOT NULL,
    -- A digest of namespace, operation, source and key, compared byte by byte.
    id              BINARY(16) NOT NULL PRIMARY KEY,
    owner_token     BINARY(16),
    fingerprint     VARBINARY(16),
    -- For operators only: nothing is looked up by these.
    namespace       VARCHAR(1024),
    operation       VARCHAR(1024),
    source          VARCHAR(1024),
    idempotency_key VARCHAR(1024),
    -- Null in a completed row: done, without an answer.
    outcome         LONGBLOB,
    -- The only index besides the key, for the purge.
    INDEX idem_record_expires_at (expires_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT = 'Idem schema 1';
