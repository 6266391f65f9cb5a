-- What podmins decide on the board. Times are milliseconds since 1970, UTC; days are YYYY-MM-DD.
CREATE TABLE pappus_closing (
    pod TEXT NOT NULL PRIMARY KEY,
    stage TEXT NOT NULL CHECK (stage IN ('announced', 'read-only', 'exporting', 'downloads-open', 'closed')),
    read_only_on TEXT,
    switch_off_on TEXT,
    downloads_until TEXT,
    -- Whether everybody may see how far it is.
    is_public INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What the pod itself said last, for when it is gone.
CREATE TABLE pappus_pod_numbers (
    pod TEXT NOT NULL PRIMARY KEY,
    accounts INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pappus_moved_away (
    pod TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    moved_at INTEGER,
    PRIMARY KEY (pod, user_id)
) STRICT, WITHOUT ROWID;

-- Campaigns begun on the board: the service works on these by itself.
CREATE TABLE pappus_board_campaigns (
    campaign_id INTEGER NOT NULL PRIMARY KEY REFERENCES pappus_campaigns (id) ON DELETE CASCADE
) STRICT;

-- Mails of the podmin to many people.
CREATE TABLE pappus_notices (
    id INTEGER PRIMARY KEY NOT NULL,
    pod TEXT NOT NULL,
    audience TEXT NOT NULL CHECK (audience IN ('all', 'year', 'half-year', 'month', 'not-fetched')),
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    written_by TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    -- The account up to which mails are in the outbox, and how many that were.
    reached INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('queueing', 'stopped', 'queued')),
    finished_at INTEGER
) STRICT;

CREATE INDEX pappus_notices_open ON pappus_notices (id) WHERE state = 'queueing';
