-- PINs: how a person comes back on another device. The same columns stand in ../sqlite/0009_pins.sql.

-- Only a slow, salted hash is kept (Argon2id, as a PHC string); a new PIN takes the place of the old one.
CREATE TABLE pins (
    user_id bigint       NOT NULL PRIMARY KEY REFERENCES users (user_id) DEFERRABLE INITIALLY DEFERRED,
    hash    varchar(255) NOT NULL,
    set_at  timestamptz  NOT NULL
);

COMMENT ON TABLE pins IS 'Who can come back with a PIN. The hash is Argon2id, as a PHC string';
