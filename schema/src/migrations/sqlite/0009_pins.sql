-- PINs: how a person comes back on another device. The same columns stand in ../postgres/0009_pins.sql.

-- Only a slow, salted hash is kept (Argon2id, as a PHC string); a new PIN takes the place of the old one.
CREATE TABLE pins (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    hash    TEXT    NOT NULL,
    set_at  INTEGER NOT NULL
) STRICT;
