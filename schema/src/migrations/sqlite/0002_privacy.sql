-- Erasing people, and who did what. The same columns stand in ../postgres/0002_privacy.sql.

-- Set once, by erasing: the name and the alias are gone, and the id is never given or taken again.
ALTER TABLE users ADD COLUMN erased_at INTEGER;

-- Whose name a kept answer holds, so that erasing that person forgets the answer.
ALTER TABLE idempotency_keys ADD COLUMN about INTEGER;

CREATE INDEX idempotency_keys_by_person ON idempotency_keys (about) WHERE about IS NOT NULL;

-- What is found by person when somebody is erased or wants to know what is kept.
CREATE INDEX tokens_by_person ON tokens (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX team_members_by_person ON team_members (user_id);
CREATE INDEX enrolments_by_person ON enrolments (user_id);

-- Administrative acts, by ids: no names, no free text of people. Entries are only ever added.
CREATE TABLE audit (
    audit_id     INTEGER NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    token_id     INTEGER,
    role         TEXT,
    user_id      INTEGER,
    act          TEXT    NOT NULL,
    subject_kind TEXT,
    subject_id   INTEGER,
    detail       TEXT    NOT NULL DEFAULT '{}'
) STRICT;
