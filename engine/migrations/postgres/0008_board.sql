-- What podmins decide on the board. Times are milliseconds since 1970, UTC; days are YYYY-MM-DD.
CREATE TABLE pappus_closing (
    pod TEXT NOT NULL PRIMARY KEY,
    stage TEXT NOT NULL CHECK (stage IN ('announced', 'read-only', 'exporting', 'downloads-open', 'closed')),
    read_only_on TEXT,
    switch_off_on TEXT,
    downloads_until TEXT,
    -- Whether everybody may see how far it is.
    is_public BIGINT NOT NULL DEFAULT 0
);

-- What the pod itself said last, for when it is gone.
CREATE TABLE pappus_pod_numbers (
    pod TEXT NOT NULL PRIMARY KEY,
    accounts BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);

CREATE TABLE pappus_moved_away (
    pod TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    moved_at BIGINT,
    PRIMARY KEY (pod, user_id)
);

-- Campaigns begun on the board: the service works on these by itself.
CREATE TABLE pappus_board_campaigns (
    campaign_id BIGINT NOT NULL PRIMARY KEY REFERENCES pappus_campaigns (id) ON DELETE CASCADE
);

-- Mails of the podmin to many people.
CREATE TABLE pappus_notices (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pod TEXT NOT NULL,
    audience TEXT NOT NULL CHECK (audience IN ('all', 'year', 'half-year', 'month', 'not-fetched')),
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    written_by TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    -- The account up to which mails are in the outbox, and how many that were.
    reached BIGINT NOT NULL DEFAULT 0,
    queued BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('queueing', 'stopped', 'queued')),
    finished_at BIGINT
);

CREATE INDEX pappus_notices_open ON pappus_notices (id) WHERE state = 'queueing';
