-- Idem's records: one row for each idempotency key. Schema version 1 for H2.
--
-- Instants are milliseconds since 1970-01-01T00:00:00Z by the database's clock: no time zone and no driver can shift
-- them. Every statement may be repeated, because H2 commits each of them on its own.
CREATE TABLE IF NOT EXISTS idem_record (
    -- When the owner's lease runs out. Null in a row whose lease is a transaction.
    lease_until     BIGINT,
    -- When a row with an outcome counts as absent. Set by the claim, so that completing a row changes no index.
    expires_at      BIGINT     NOT NULL,
    created_at      BIGINT,
    attempt         INTEGER    NOT NULL,
    -- 1: running or abandoned, 2: completed.
    state           SMALLINT   NOT NULL,
    -- A digest of namespace, operation, source and key, compared byte by byte.
    id              BINARY(16) PRIMARY KEY,
    owner_token     BINARY(16),
    fingerprint     VARBINARY(16),
    -- For operators only: nothing is looked up by these.
    namespace       VARCHAR(1024),
    operation       VARCHAR(1024),
    source          VARCHAR(1024),
    idempotency_key VARCHAR(1024),
    -- Null in a completed row: done, without an answer.
    outcome         BINARY LARGE OBJECT
);

-- The only index besides the key, for the purge.
CREATE INDEX IF NOT EXISTS idem_record_expires_at ON idem_record (expires_at);

COMMENT ON TABLE idem_record IS 'Idem schema 1';
