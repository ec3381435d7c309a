-- Adjustments of the ledger by changed rules. The same columns stand in ../postgres/0006_point_parts.sql.

-- An adjusted entry of the ledger is one number; this says for which day and qualification each part of it counts, together
-- that number. Sums by time or by qualification count the parts in place of the entry.
CREATE TABLE point_parts (
    event_id         INTEGER NOT NULL,
    part             INTEGER NOT NULL,
    occurred_at      INTEGER NOT NULL,
    qualification_id INTEGER,
    points           INTEGER NOT NULL,
    PRIMARY KEY (event_id, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX point_parts_by_qualification ON point_parts (qualification_id, event_id)
    WHERE qualification_id IS NOT NULL;
