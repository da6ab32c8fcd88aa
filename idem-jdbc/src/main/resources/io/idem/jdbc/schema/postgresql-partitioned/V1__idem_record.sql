-- Idem's records on PostgreSQL, partitioned by the time inside their keys. Schema version 1.
--
-- The first 32 bits of the id of a UUIDv7 or ULID key are its time in units of 65.536 s, so ranges of ids are ranges
-- of time, and the id alone is the primary key. Idem makes and drops the partitions of the time range that is set
-- aside here: 2024-06-10 to 2074-07-11. The ids of all other keys are spread evenly; 99.4 % of them lie outside it.
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
) PARTITION BY RANGE (id);

-- The only index besides the key, for the purge. On a column that a completion leaves alone, so that updates stay HOT.
CREATE INDEX idem_record_expires_at ON idem_record (expires_at);

-- Keys that carry no time, in two tables because a partition is one range.
CREATE TABLE idem_record_low PARTITION OF idem_record
    FOR VALUES FROM (MINVALUE) TO ('01900000-0000-0000-0000-000000000000') WITH (fillfactor = 95);
CREATE TABLE idem_record_high PARTITION OF idem_record
    FOR VALUES FROM ('03000000-0000-0000-0000-000000000000') TO (MAXVALUE) WITH (fillfactor = 95);

-- Whatever has no partition: late keys of times whose partition is gone, keys of a future that has none yet, and what
-- was still in use when a partition was dropped. New partitions get the storage parameters of this one.
CREATE TABLE idem_record_rest PARTITION OF idem_record DEFAULT WITH (fillfactor = 95);

COMMENT ON TABLE idem_record IS 'Idem schema 1';
