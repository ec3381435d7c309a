-- The start of every Homeroom database on Postgres and its relatives.
-- The same tables and columns, in the same order, stand in ../sqlite/0001_start.sql; a test compares them.

CREATE TABLE settings (
    name  varchar(64) NOT NULL PRIMARY KEY,
    value text        NOT NULL
);

-- The name of this history: positions that clients remember hold only inside one epoch.
INSERT INTO settings (name, value)
    VALUES ('epoch', substr(md5(random()::text || clock_timestamp()::text || random()::text), 1, 16));
-- Which node writes. Several nodes on one database have several numbers.
INSERT INTO settings (name, value) VALUES ('writer', '1');

-- The journal. The writer gives event_id, rising in commit order.
CREATE TABLE events (
    event_id    bigint      NOT NULL PRIMARY KEY,
    stream_kind smallint    NOT NULL CHECK (stream_kind BETWEEN 1 AND 3),
    stream_id   bigint      NOT NULL CHECK (stream_id > 0),
    version     bigint      NOT NULL CHECK (version > 0),
    event_type  varchar(64) NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    writer      bigint      NOT NULL,
    batch_no    bigint      NOT NULL,
    body        jsonb       NOT NULL
);

CREATE UNIQUE INDEX events_by_stream ON events (stream_kind, stream_id, version);

-- Free text that belongs to an event, beside the journal so that it can be erased.
CREATE TABLE event_notes (
    event_id bigint       NOT NULL PRIMARY KEY REFERENCES events (event_id),
    note     varchar(500) NOT NULL
);

CREATE TABLE learner_heads (
    user_id    bigint NOT NULL PRIMARY KEY CHECK (user_id > 0),
    version    bigint NOT NULL CHECK (version > 0),
    total      bigint NOT NULL CHECK (total >= 0),
    reached_at timestamptz
);

CREATE TABLE users (
    user_id     bigint       NOT NULL PRIMARY KEY CHECK (user_id > 0),
    name        varchar(200) NOT NULL,
    alias       varchar(200),
    role        varchar(16)  NOT NULL CHECK (role IN ('student', 'mentor', 'staff')),
    created_at  timestamptz  NOT NULL,
    archived_at timestamptz
);

CREATE TABLE qualifications (
    qualification_id bigint       NOT NULL PRIMARY KEY CHECK (qualification_id > 0),
    name             varchar(200) NOT NULL,
    created_at       timestamptz  NOT NULL,
    archived_at      timestamptz
);

CREATE TABLE units (
    unit_id          bigint       NOT NULL PRIMARY KEY CHECK (unit_id > 0),
    title            varchar(200) NOT NULL,
    qualification_id bigint REFERENCES qualifications (qualification_id) DEFERRABLE INITIALLY DEFERRED,
    skills           jsonb        NOT NULL DEFAULT '[]',
    created_at       timestamptz  NOT NULL,
    archived_at      timestamptz
);

CREATE TABLE teams (
    team_id     bigint       NOT NULL PRIMARY KEY CHECK (team_id > 0),
    name        varchar(100) NOT NULL,
    mentor_id   bigint REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    created_at  timestamptz  NOT NULL,
    archived_at timestamptz
);

CREATE TABLE team_members (
    team_id   bigint      NOT NULL REFERENCES teams (team_id) DEFERRABLE INITIALLY DEFERRED,
    user_id   bigint      NOT NULL REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    role      varchar(50),
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, user_id)
);

CREATE TABLE enrolments (
    qualification_id bigint      NOT NULL REFERENCES qualifications (qualification_id) DEFERRABLE INITIALLY DEFERRED,
    user_id          bigint      NOT NULL REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    enrolled_at      timestamptz NOT NULL,
    PRIMARY KEY (qualification_id, user_id)
);

CREATE TABLE user_progress (
    user_id             bigint      NOT NULL REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    unit_id             bigint      NOT NULL REFERENCES units (unit_id) DEFERRABLE INITIALLY DEFERRED,
    progress_percentage smallint    NOT NULL CHECK (progress_percentage BETWEEN 0 AND 100),
    last_accessed       timestamptz NOT NULL,
    completed_at        timestamptz,
    PRIMARY KEY (user_id, unit_id)
);

CREATE TABLE user_achievements (
    user_id          bigint      NOT NULL REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    achievement_type varchar(64) NOT NULL,
    tier             varchar(16) NOT NULL,
    earned_at        timestamptz NOT NULL,
    achievement_data jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (user_id, achievement_type, tier)
);

-- The ledger, refusals included; each entry belongs to the event with its id.
-- reference_id is opaque: it need not be in the catalogue, so it refers to nothing.
CREATE TABLE user_points (
    event_id         bigint      NOT NULL PRIMARY KEY REFERENCES events (event_id),
    user_id          bigint      NOT NULL REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    kind             varchar(16) NOT NULL,
    action_type      varchar(64) NOT NULL,
    points           bigint      NOT NULL,
    reference_id     bigint      NOT NULL CHECK (reference_id > 0),
    unit_id          bigint REFERENCES units (unit_id) DEFERRABLE INITIALLY DEFERRED,
    qualification_id bigint REFERENCES qualifications (qualification_id) DEFERRABLE INITIALLY DEFERRED,
    total            bigint      NOT NULL CHECK (total >= 0),
    reason           varchar(64),
    occurred_at      timestamptz NOT NULL
);

CREATE INDEX user_points_by_qualification ON user_points (qualification_id, event_id)
    WHERE qualification_id IS NOT NULL;

CREATE TABLE team_awards (
    team_id      bigint  NOT NULL REFERENCES teams (team_id) DEFERRABLE INITIALLY DEFERRED,
    version      bigint  NOT NULL,
    reference_id bigint  NOT NULL CHECK (reference_id > 0),
    settled      boolean NOT NULL DEFAULT FALSE,
    PRIMARY KEY (team_id, version)
);

CREATE INDEX team_awards_unsettled ON team_awards (team_id, version) WHERE NOT settled;

CREATE TABLE snapshots (
    stream_kind smallint NOT NULL,
    stream_id   bigint   NOT NULL,
    version     bigint   NOT NULL,
    bytes       bytea    NOT NULL,
    PRIMARY KEY (stream_kind, stream_id)
);

CREATE TABLE idempotency_keys (
    key_hash    bytea       NOT NULL PRIMARY KEY,
    fingerprint bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    status      smallint    NOT NULL CHECK (status BETWEEN 100 AND 599),
    stream_kind smallint,
    stream_id   bigint,
    version     bigint,
    total       bigint,
    level       bigint,
    body        text
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE tokens (
    token_id   bigint      NOT NULL PRIMARY KEY CHECK (token_id > 0),
    hash       bytea       NOT NULL,
    role       varchar(16) NOT NULL,
    user_id    bigint REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    label      varchar(200),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);

COMMENT ON TABLE schema_version IS 'The steps that made these tables, each with the SHA-256 of its statements';
COMMENT ON TABLE settings IS 'Settings of the nodes; epoch names this history, writer is the number of the last node that began to write';
COMMENT ON TABLE events IS 'The journal: every fact, in full, in the order of commits. All other tables of learners can be computed from it';
COMMENT ON COLUMN events.event_id IS 'The place in the journal, given by the writer: rising in the order of commits';
COMMENT ON COLUMN events.stream_kind IS 'Whose fact it is: 1 a learners, 2 a teams, 3 the rosters, 4 that of the rules';
COMMENT ON COLUMN events.stream_id IS 'The user_id or team_id; 1 for the roster and the rules';
COMMENT ON COLUMN events.version IS 'The place in its stream, from 1 without a gap';
COMMENT ON COLUMN events.occurred_at IS 'When it happened';
COMMENT ON COLUMN events.recorded_at IS 'When the node took it in';
COMMENT ON COLUMN events.writer IS 'The node that kept it';
COMMENT ON COLUMN events.batch_no IS 'The number of its transaction, rising by one for each writer';
COMMENT ON COLUMN events.body IS 'Everything else about it; no names and no free text of people';
COMMENT ON TABLE event_notes IS 'Free text that belongs to an event (a reason), beside the journal so that it can be erased';
COMMENT ON TABLE learner_heads IS 'Where each learner stands: events, points, and when these points were reached';
COMMENT ON TABLE users IS 'People: students, mentors and staff';
COMMENT ON COLUMN users.alias IS 'The name that peers see; without one a pseudonym';
COMMENT ON TABLE qualifications IS 'Qualifications, which are sets of units';
COMMENT ON TABLE units IS 'Units of learning';
COMMENT ON COLUMN units.skills IS 'The skills that the unit trains: an array of texts';
COMMENT ON TABLE teams IS 'Teams of people';
COMMENT ON COLUMN teams.mentor_id IS 'The person who looks after the team';
COMMENT ON TABLE team_members IS 'Who is in which team';
COMMENT ON COLUMN team_members.role IS 'What the member does in the team, in words';
COMMENT ON TABLE enrolments IS 'Who is enrolled in which qualification';
COMMENT ON TABLE user_progress IS 'Progress of people through units, one row for each person and unit';
COMMENT ON COLUMN user_progress.user_id IS 'Whose';
COMMENT ON COLUMN user_progress.unit_id IS 'In which unit';
COMMENT ON COLUMN user_progress.progress_percentage IS '0 to 100';
COMMENT ON COLUMN user_progress.last_accessed IS 'When it was last touched';
COMMENT ON COLUMN user_progress.completed_at IS 'When it first arrived at 100; null before';
COMMENT ON TABLE user_achievements IS 'Achievements that people have now, one row for each tier';
COMMENT ON COLUMN user_achievements.achievement_type IS 'content_master, quiz_champion, resource_contributor, team_player, or one of the schools own';
COMMENT ON COLUMN user_achievements.tier IS 'bronze, silver or gold';
COMMENT ON COLUMN user_achievements.achievement_data IS 'What it was earned by';
COMMENT ON TABLE user_points IS 'The ledger: every award, refusal, reversal and adjustment; the sum of points is a persons total';
COMMENT ON COLUMN user_points.event_id IS 'The fact that it belongs to';
COMMENT ON COLUMN user_points.kind IS 'awarded, refused, reversed, reinstated or adjusted';
COMMENT ON COLUMN user_points.action_type IS 'read_content, complete_quiz, contribute_resource, community_feedback, team_achievement, manual_award, …';
COMMENT ON COLUMN user_points.points IS 'Below 0 where something was taken back, 0 for a refusal';
COMMENT ON COLUMN user_points.reference_id IS 'What it was for; opaque, so it refers to no table';
COMMENT ON COLUMN user_points.total IS 'The persons total after this entry';
COMMENT ON COLUMN user_points.reason IS 'Why it was refused; null otherwise';
COMMENT ON TABLE team_awards IS 'Team achievements, and whether all members have been given theirs';
COMMENT ON TABLE snapshots IS 'A cache of states: losing it costs time at the next use, nothing else';
COMMENT ON TABLE idempotency_keys IS 'Used keys with their one outcome, kept for two days; keys and requests are hashes';
COMMENT ON TABLE tokens IS 'Access tokens: hashes of their secrets';
