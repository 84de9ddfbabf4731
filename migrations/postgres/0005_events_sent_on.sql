-- Events on their way to the services that are fed with them, one row for each event and service. What was sent is deleted;
-- what a service refused stays for a while with the reason. An event is JSON.
CREATE TABLE feed (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sink       TEXT NOT NULL,
    insert_id  TEXT NOT NULL,
    event      TEXT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    UNIQUE (sink, insert_id)
);
CREATE INDEX feed_ready ON feed (sink, seq) WHERE state = 'ready';
CREATE INDEX feed_refused ON feed (sink, seq) WHERE state = 'refused';

-- One row for each service that is or was fed. One process at a time sends, under a lease; next_at, before which nothing is
-- sent, is when the service wants to be asked again. dropped counts what there was no room for.
CREATE TABLE feed_lane (
    sink        TEXT PRIMARY KEY,
    next_at     BIGINT NOT NULL DEFAULT 0,
    owner       TEXT,
    epoch       BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    attempts    BIGINT NOT NULL DEFAULT 0,
    error       TEXT,
    dropped     BIGINT NOT NULL DEFAULT 0,
    dropped_at  BIGINT
);
