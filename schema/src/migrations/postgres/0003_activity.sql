-- What analytics are computed from: the facts of the journal, packed. The same columns stand in ../sqlite/0003_activity.sql.

-- A block holds the facts of learners up to its last event, and behind those of the block before it. All of it can be
-- computed from the events again: an empty table is filled anew.
CREATE TABLE activity_blocks (
    last_event_id bigint      NOT NULL PRIMARY KEY,
    from_at       timestamptz NOT NULL,
    to_at         timestamptz NOT NULL,
    facts         bigint      NOT NULL CHECK (facts > 0),
    bytes         bytea       NOT NULL
);

COMMENT ON TABLE activity_blocks IS 'A cache of facts, packed for analytics: computed from the journal again when it is empty';
