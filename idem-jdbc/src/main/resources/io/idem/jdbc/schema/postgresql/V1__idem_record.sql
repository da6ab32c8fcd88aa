-- Idem's records: one row for each idempotency key. Schema version 1 for PostgreSQL.
--
-- Instants are milliseconds since 1970-01-01T00:00:00Z by the database's clock: no time zone and no driver can shift
-- them. Columns stand in the order that wastes no padding. A row of an operation without an answer holds neither
-- labels nor lease, token or created_at.
CREATE TABLE idem_record (
    -- When the owner's lease runs out. Null in a row whose lease is a transaction.
    lease_until     bigint,
    -- When a row with an outcome counts as absent. Set by the claim, so that completing a row changes no index.
    expires_at      bigint   NOT NULL,
    created_at      bigint,
    attempt         integer  NOT NULL,
    -- 1: running or abandoned, 2: completed.
    state           smallint NOT NULL,
    -- A digest of namespace, operation, source and key. 16 bytes compared byte by byte; uuid has no length header.
    id              uuid     PRIMARY KEY,
    owner_token     uuid,
    fingerprint     bytea,
    -- For operators only: nothing is looked up by these.
    namespace       text,
    operation       text,
    source          text,
    idempotency_key text,
    -- Null in a completed row: done, without an answer.
    outcome         bytea
) WITH (fillfactor = 95);

-- The only index besides the key, for the purge. On a column that a completion leaves alone, so that updates stay HOT.
CREATE INDEX idem_record_expires_at ON idem_record (expires_at);

COMMENT ON TABLE idem_record IS 'Idem schema 1';
