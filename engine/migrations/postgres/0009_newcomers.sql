-- People who bring their archives. Times are milliseconds since 1970, UTC.
CREATE TABLE pappus_newcomers (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pod TEXT NOT NULL,
    -- They have no account yet: whoever has the secret is the one. Only its digest is kept.
    secret_sha256 TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('uploading', 'checking', 'refused', 'checked', 'waiting', 'declined',
        'importing', 'failed', 'imported', 'announcing', 'announced', 'undoing', 'undone', 'expired')),
    language TEXT NOT NULL,
    -- From where they came, for a day: nobody begins too often.
    address TEXT,
    -- The invitation they came with.
    invitation_id BIGINT,
    begun_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- What they have handed in; gone when it is needed no more.
    archive_bytes BIGINT NOT NULL DEFAULT 0,
    photos_bytes BIGINT NOT NULL DEFAULT 0,
    archive_sha256 TEXT,
    -- What opens the archive, and the key in it, sealed, until they have been used.
    archive_passphrase BYTEA,
    key_passphrase BYTEA,
    key_locked BIGINT NOT NULL DEFAULT 0,
    -- What the archive says, and what would become of it, as JSON.
    old_account TEXT,
    proof TEXT,
    plan TEXT,
    -- What they have chosen.
    username TEXT,
    email TEXT,
    encrypted_password TEXT,
    terms_at BIGINT,
    -- The podmin's yes or no.
    decided_at BIGINT,
    decided_by TEXT,
    approved BIGINT,
    -- What became of it.
    import_id TEXT,
    report TEXT,
    announced TEXT,
    -- Work on it: see pappus_requests.
    pushed_at BIGINT,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    fence TEXT,
    lease_until BIGINT,
    stage TEXT,
    total BIGINT NOT NULL DEFAULT 0,
    advanced BIGINT NOT NULL DEFAULT 0,
    -- Why it does not go on: a stable name, and a sentence.
    problem TEXT,
    reason TEXT,
    changed_at BIGINT NOT NULL,
    -- Whether the files are still there.
    has_files BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX pappus_newcomers_work ON pappus_newcomers (id)
    WHERE state IN ('checking', 'importing', 'announcing', 'undoing');
CREATE INDEX pappus_newcomers_waiting ON pappus_newcomers (pod, id) WHERE state = 'waiting';
CREATE INDEX pappus_newcomers_begun ON pappus_newcomers (pod, begun_at);
CREATE INDEX pappus_newcomers_files ON pappus_newcomers (expires_at) WHERE has_files <> 0;

-- Invitations the podmin has written; only digests of their codes are kept.
CREATE TABLE pappus_invitations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pod TEXT NOT NULL,
    code_sha256 TEXT NOT NULL UNIQUE,
    note TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- How many may still come with it.
    uses_left BIGINT NOT NULL
);

-- Uploads in pieces (tus): how long the file will be. How much is there, the file itself says.
CREATE TABLE pappus_uploads (
    name TEXT PRIMARY KEY NOT NULL,
    newcomer_id BIGINT NOT NULL REFERENCES pappus_newcomers (id) ON DELETE CASCADE,
    part TEXT NOT NULL CHECK (part IN ('archive', 'photos')),
    bytes BIGINT NOT NULL,
    begun_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX pappus_uploads_newcomer ON pappus_uploads (newcomer_id);
