-- People ask for their archives one by one. Times are milliseconds since 1970, UTC.
CREATE TABLE pappus_requests (
    id INTEGER PRIMARY KEY NOT NULL,
    pod TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    username TEXT NOT NULL,
    account TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
    requested_at INTEGER NOT NULL,
    -- When a job was last pushed for it, and not before when it is to be tried (again).
    pushed_at INTEGER,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Whoever has it in hand: a word nobody else knows, good until the lease runs out.
    fence TEXT,
    lease_until INTEGER,
    started_at INTEGER,
    -- Records to export, about, and those done.
    total INTEGER NOT NULL DEFAULT 0,
    advanced INTEGER NOT NULL DEFAULT 0,
    -- Whether the private key is under a passphrase; the passphrase itself, sealed, until it has been used.
    key_locked INTEGER NOT NULL,
    key_passphrase BLOB,
    -- Where to write when it is done, and in which language; wiped then.
    mail_to TEXT,
    language TEXT NOT NULL,
    told_at INTEGER,
    -- Written before the file gets its name, so that whoever finds the file knows whether it is this one.
    file TEXT,
    bytes INTEGER,
    sha256 TEXT,
    created_at INTEGER,
    -- The manifest without the files, as JSON.
    contents TEXT,
    records INTEGER,
    omissions INTEGER,
    reason TEXT,
    finished_at INTEGER,
    expires_at INTEGER
) STRICT;

-- However often they click.
CREATE UNIQUE INDEX pappus_requests_active ON pappus_requests (pod, user_id) WHERE state IN ('queued', 'running');
CREATE INDEX pappus_requests_person ON pappus_requests (pod, user_id, id);
CREATE INDEX pappus_requests_queued ON pappus_requests (id) WHERE state = 'queued';
CREATE INDEX pappus_requests_running ON pappus_requests (lease_until) WHERE state = 'running';
CREATE INDEX pappus_requests_expiry ON pappus_requests (expires_at) WHERE state = 'done';
CREATE INDEX pappus_requests_untold ON pappus_requests (id) WHERE told_at IS NULL;
CREATE INDEX pappus_requests_files ON pappus_requests (id)
    WHERE state IN ('failed', 'cancelled', 'expired') AND file IS NOT NULL;

-- Links to an archive for whoever has them; only their digests are kept.
CREATE TABLE pappus_links (
    token_sha256 TEXT PRIMARY KEY NOT NULL,
    request_id INTEGER NOT NULL REFERENCES pappus_requests (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Who has fetched an archive.
CREATE TABLE pappus_downloads (
    pod TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (pod, user_id)
) STRICT, WITHOUT ROWID;

-- Mails to be sent. Each key once, so nobody gets one twice; address and text are wiped when it is sent.
CREATE TABLE pappus_outbox (
    id INTEGER PRIMARY KEY NOT NULL,
    key TEXT NOT NULL UNIQUE,
    recipient TEXT,
    subject TEXT,
    body TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    queued_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    fence TEXT,
    lease_until INTEGER,
    last_error TEXT,
    finished_at INTEGER
) STRICT;

CREATE INDEX pappus_outbox_open ON pappus_outbox (due_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX pappus_outbox_finished ON pappus_outbox (finished_at) WHERE state = 'sent';

-- For scripts: only digests of the tokens are kept.
CREATE TABLE pappus_api_tokens (
    id INTEGER PRIMARY KEY NOT NULL,
    pod TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    username TEXT NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    token_sha256 TEXT NOT NULL UNIQUE,
    -- Words with spaces between.
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX pappus_api_tokens_person ON pappus_api_tokens (pod, user_id, id);
