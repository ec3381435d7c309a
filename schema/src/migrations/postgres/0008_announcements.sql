-- Announcements: what was said to everybody or to one team, newest kept longest. The same columns stand in ../sqlite/0008_announcements.sql.

-- One that was taken back keeps its id alone, so that no id is given twice. An erased person leaves the text without its author.
CREATE TABLE announcements (
    announcement_id bigint        NOT NULL PRIMARY KEY,
    team_id         bigint,
    user_id         bigint,
    text            varchar(1000),
    at              timestamptz   NOT NULL
);

COMMENT ON TABLE announcements IS 'What was said to everybody (team_id is null) or to one team. One that was taken back keeps its id alone';
