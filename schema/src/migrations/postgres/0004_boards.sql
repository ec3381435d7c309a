-- Boards of periods, and who wants to be on boards. The same columns stand in ../sqlite/0004_boards.sql.

-- Sums of a period read this alone. Entries come nearly in the order of their moments, so that it grows at its end.
CREATE INDEX user_points_by_time ON user_points (occurred_at, user_id, points) WHERE points <> 0 AND kind <> 'adjusted';

-- Those who have said whether they want to be on boards; own_change_at is when they last did so themselves.
CREATE TABLE user_preferences (
    user_id       bigint     NOT NULL PRIMARY KEY REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    leaderboard   varchar(8) NOT NULL CHECK (leaderboard IN ('in', 'out')),
    own_change_at timestamptz
);

COMMENT ON TABLE user_preferences IS 'Who has said whether they want to be on boards';
