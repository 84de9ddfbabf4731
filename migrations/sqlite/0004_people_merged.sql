-- People who are known by several ids. `root` is the row that stands for the person, null where that is the row itself;
-- `alias` is 1 for an id that was merged into another.
ALTER TABLE person ADD COLUMN root BIGINT;
ALTER TABLE person ADD COLUMN alias BIGINT NOT NULL DEFAULT 0;
CREATE INDEX person_root ON person (root) WHERE root IS NOT NULL;
-- `person` of an event is the root, `who` the row of the id that it came with.
ALTER TABLE event ADD COLUMN who BIGINT;
UPDATE event SET who = person;
CREATE INDEX event_by_person ON event (person, at);
-- Payments by time, and by person.
CREATE INDEX event_paid ON event (at, person, revenue) WHERE revenue IS NOT NULL;
CREATE INDEX event_payer ON event (person, at, revenue) WHERE revenue IS NOT NULL;
-- Profiles of groups of people, such as companies.
CREATE TABLE event_group (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    properties TEXT NOT NULL DEFAULT '{}',
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
-- Cohorts: with a definition (JSON), or with the list of their members.
CREATE TABLE event_cohort (
    name       TEXT PRIMARY KEY,
    definition TEXT,
    made_at    BIGINT NOT NULL
);
CREATE TABLE event_cohort_member (
    name   TEXT NOT NULL,
    person BIGINT NOT NULL,
    PRIMARY KEY (name, person)
);
