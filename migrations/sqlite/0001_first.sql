-- The first tables. Times are microseconds since 1970-01-01T00:00Z, JSON is text.

CREATE TABLE inbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    source      TEXT NOT NULL,
    key         TEXT NOT NULL,
    kind        TEXT NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    settled_at  BIGINT,
    owner       TEXT,
    lease_until BIGINT,
    attempts    BIGINT NOT NULL DEFAULT 0,
    error       TEXT,
    UNIQUE (source, key)
);
CREATE INDEX inbox_ready ON inbox (kind, seq) WHERE state = 'ready';
CREATE INDEX inbox_claimed ON inbox (lease_until) WHERE state = 'claimed';
CREATE INDEX inbox_settled ON inbox (settled_at) WHERE settled_at IS NOT NULL;

-- One row for each message on its way; settled_at is set once it is posted or given up.
CREATE TABLE outbox (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    lane         TEXT NOT NULL,
    key          TEXT NOT NULL UNIQUE,
    card_key     TEXT,
    place        TEXT NOT NULL,
    payload      TEXT NOT NULL,
    state        TEXT NOT NULL,
    doubt        BIGINT NOT NULL DEFAULT 0,
    not_before   BIGINT NOT NULL,
    owner        TEXT,
    epoch        BIGINT NOT NULL DEFAULT 0,
    lease_until  BIGINT,
    attempts     BIGINT NOT NULL DEFAULT 0,
    first_try_at BIGINT,
    parts        TEXT,
    error        TEXT,
    created_at   BIGINT NOT NULL,
    settled_at   BIGINT
);
CREATE INDEX outbox_open ON outbox (lane, seq) WHERE settled_at IS NULL;
CREATE INDEX outbox_card ON outbox (card_key, lane) WHERE card_key IS NOT NULL AND state = 'ready';
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE state = 'leased';
CREATE INDEX outbox_doubtful ON outbox (seq) WHERE state = 'ambiguous';
CREATE INDEX outbox_done ON outbox (settled_at) WHERE state = 'done';
CREATE INDEX outbox_dead ON outbox (seq) WHERE state = 'dead';

-- One row for each destination with something to do. head is its first open row; next_at, when that may be tried, is
-- empty while it is on its way.
CREATE TABLE lane (
    lane          TEXT PRIMARY KEY,
    head          BIGINT,
    next_at       BIGINT,
    blocked_until BIGINT
);
CREATE INDEX lane_due ON lane (next_at) WHERE next_at IS NOT NULL;

-- The messages that a card consists of where it was posted.
CREATE TABLE card (
    card_key   TEXT NOT NULL,
    lane       TEXT NOT NULL,
    parts      TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (card_key, lane)
);

CREATE TABLE alert (
    fingerprint TEXT PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    state       TEXT NOT NULL,
    version     BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    body        TEXT NOT NULL
);
CREATE INDEX alert_state ON alert (state, updated_at);
CREATE INDEX alert_changed ON alert (updated_at);
CREATE INDEX alert_name ON alert (name);

-- Append-only: hash covers the row and the hash before it; audit_head holds the last one.
CREATE TABLE audit_log (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    name    TEXT NOT NULL,
    place   TEXT NOT NULL,
    line    TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail  TEXT NOT NULL,
    hash    TEXT NOT NULL
);
CREATE INDEX audit_log_at ON audit_log (at);
CREATE TABLE audit_head (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '');

CREATE TABLE record (
    collection TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (collection, key)
);

CREATE TABLE schedule (
    id      TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL,
    last_at BIGINT,
    body    TEXT NOT NULL
);
CREATE INDEX schedule_next ON schedule (next_at);

CREATE TABLE usage_count (
    hour   BIGINT NOT NULL,
    what   TEXT NOT NULL,
    which  TEXT NOT NULL,
    done   BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (hour, what, which)
);

CREATE TABLE link (
    id         TEXT PRIMARY KEY,
    store      TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    TEXT,
    made_by    TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    uses       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX link_expires ON link (expires_at);

CREATE TABLE approval (
    id          TEXT PRIMARY KEY,
    invoke      TEXT NOT NULL,
    hash        TEXT NOT NULL,
    owner       TEXT NOT NULL,
    place       TEXT NOT NULL,
    line        TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    taken_by    TEXT,
    taken_at    BIGINT
);
CREATE INDEX approval_expires ON approval (expires_at);

CREATE TABLE api_key (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- Processes that run the bot on this database.
CREATE TABLE instance (
    id         TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    beat_at    BIGINT NOT NULL
);

-- Own events. A person's number stands for the distinct_id, so that counting people compares numbers.
CREATE TABLE person (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    distinct_id TEXT NOT NULL UNIQUE,
    properties  TEXT NOT NULL DEFAULT '{}',
    updated_at  BIGINT NOT NULL
);
CREATE TABLE event_name (
    name     TEXT PRIMARY KEY,
    first_at BIGINT NOT NULL
);
CREATE TABLE event_property (
    name     TEXT NOT NULL,
    property TEXT NOT NULL,
    PRIMARY KEY (name, property)
);
CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    insert_id  TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    person     BIGINT,
    revenue    DOUBLE,
    is_key     BIGINT NOT NULL,
    properties TEXT NOT NULL
);
CREATE INDEX event_by_name ON event (name, at, person, revenue);
CREATE INDEX event_by_time ON event (at, person);
CREATE INDEX event_key ON event (at, person) WHERE is_key = 1;
