-- Adjustments of the ledger by changed rules. The same columns stand in ../sqlite/0006_point_parts.sql.

-- The rules in force have a stream of their own, number 4.
ALTER TABLE
    events DROP CONSTRAINT events_stream_kind_check;
ALTER TABLE
    events ADD CONSTRAINT events_stream_kind_check CHECK (stream_kind BETWEEN 1 AND 4);

-- An adjusted entry of the ledger is one number; this says for which day and qualification each part of it counts, together
-- that number. Sums by time or by qualification count the parts in place of the entry.
CREATE TABLE point_parts (
    event_id         bigint      NOT NULL,
    part             bigint      NOT NULL,
    occurred_at      timestamptz NOT NULL,
    qualification_id bigint,
    points           bigint      NOT NULL,
    PRIMARY KEY (event_id, part)
);

CREATE INDEX point_parts_by_qualification ON point_parts (qualification_id, event_id)
    WHERE qualification_id IS NOT NULL;

COMMENT ON TABLE point_parts IS 'For which day and qualification each part of an adjusted entry of the ledger counts';
