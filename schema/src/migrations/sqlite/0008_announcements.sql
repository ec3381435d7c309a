-- Announcements: what was said to everybody or to one team, newest kept longest. The same columns stand in ../postgres/0008_announcements.sql.

-- One that was taken back keeps its id alone, so that no id is given twice. An erased person leaves the text without its author.
CREATE TABLE announcements (
    announcement_id INTEGER NOT NULL PRIMARY KEY,
    team_id         INTEGER,
    user_id         INTEGER,
    text            TEXT,
    at              INTEGER NOT NULL
) STRICT;
