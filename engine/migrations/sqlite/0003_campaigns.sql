-- Exports of whole pods. Times are milliseconds since 1970, UTC.
CREATE TABLE pappus_campaigns (
    id INTEGER PRIMARY KEY NOT NULL,
    pod_url TEXT NOT NULL,
    name TEXT NOT NULL,
    out TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('preparing', 'running', 'paused', 'cancelled', 'finished')),
    -- What was asked for, as JSON.
    options TEXT NOT NULL,
    -- Fingerprint of the key that all archives are signed with.
    archive_key TEXT NOT NULL,
    -- The time in all archives and their names.
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (pod_url, name)
) STRICT;

-- One account of the pod each.
CREATE TABLE pappus_campaign_accounts (
    campaign_id INTEGER NOT NULL REFERENCES pappus_campaigns (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    username TEXT NOT NULL,
    account TEXT NOT NULL,
    -- How much there is to export, about, for the order.
    size INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed', 'skipped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    -- Written before the file gets its name, so that whoever finds the file knows whether it is this one.
    file TEXT,
    bytes INTEGER,
    sha256 TEXT,
    records INTEGER,
    omissions INTEGER,
    millis INTEGER,
    reason TEXT,
    finished_at INTEGER,
    PRIMARY KEY (campaign_id, user_id)
) STRICT, WITHOUT ROWID;

-- Who comes next.
CREATE INDEX pappus_campaign_accounts_pending ON pappus_campaign_accounts (campaign_id, size, user_id)
    WHERE state = 'pending';
-- Who is being exported, and by whom.
CREATE INDEX pappus_campaign_accounts_running ON pappus_campaign_accounts (campaign_id, worker)
    WHERE state = 'running';
CREATE INDEX pappus_campaign_accounts_failed ON pappus_campaign_accounts (campaign_id, user_id)
    WHERE state = 'failed';
CREATE INDEX pappus_campaign_accounts_slow ON pappus_campaign_accounts (campaign_id, millis)
    WHERE state = 'done';

-- Programs that work on a campaign. When a lease has run out, what it had in hand is free again.
CREATE TABLE pappus_campaign_workers (
    id TEXT PRIMARY KEY NOT NULL,
    campaign_id INTEGER NOT NULL REFERENCES pappus_campaigns (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    -- What it waits for, if it does.
    waits_for TEXT
) STRICT;

CREATE INDEX pappus_campaign_workers_lease ON pappus_campaign_workers (campaign_id, lease_until);
