-- People ask for their archives one by one. Times are milliseconds since 1970, UTC.
CREATE TABLE pappus_requests (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pod TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    username TEXT NOT NULL,
    account TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
    requested_at BIGINT NOT NULL,
    -- When a job was last pushed for it, and not before when it is to be tried (again).
    pushed_at BIGINT,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    -- Whoever has it in hand: a word nobody else knows, good until the lease runs out.
    fence TEXT,
    lease_until BIGINT,
    started_at BIGINT,
    -- Records to export, about, and those done.
    total BIGINT NOT NULL DEFAULT 0,
    advanced BIGINT NOT NULL DEFAULT 0,
    -- Whether the private key is under a passphrase; the passphrase itself, sealed, until it has been used.
    key_locked BIGINT NOT NULL,
    key_passphrase BYTEA,
    -- Where to write when it is done, and in which language; wiped then.
    mail_to TEXT,
    language TEXT NOT NULL,
    told_at BIGINT,
    -- Written before the file gets its name, so that whoever finds the file knows whether it is this one.
    file TEXT,
    bytes BIGINT,
    sha256 TEXT,
    created_at BIGINT,
    -- The manifest without the files, as JSON.
    contents TEXT,
    records BIGINT,
    omissions BIGINT,
    reason TEXT,
    finished_at BIGINT,
    expires_at BIGINT
);

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
    token_sha256 TEXT PRIMARY KEY,
    request_id BIGINT NOT NULL REFERENCES pappus_requests (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Who has fetched an archive.
CREATE TABLE pappus_downloads (
    pod TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (pod, user_id)
);

-- Mails to be sent. Each key once, so nobody gets one twice; address and text are wiped when it is sent.
CREATE TABLE pappus_outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    recipient TEXT,
    subject TEXT,
    body TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
    attempts BIGINT NOT NULL DEFAULT 0,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    fence TEXT,
    lease_until BIGINT,
    last_error TEXT,
    finished_at BIGINT
);

CREATE INDEX pappus_outbox_open ON pappus_outbox (due_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX pappus_outbox_finished ON pappus_outbox (finished_at) WHERE state = 'sent';

-- For scripts: only digests of the tokens are kept.
CREATE TABLE pappus_api_tokens (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pod TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    username TEXT NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    token_sha256 TEXT NOT NULL UNIQUE,
    -- Words with spaces between.
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE INDEX pappus_api_tokens_person ON pappus_api_tokens (pod, user_id, id);
