-- One envelope for one pod each. Times are milliseconds since 1970, UTC.
CREATE TABLE pappus_deliveries (
    id INTEGER PRIMARY KEY NOT NULL,
    import_id TEXT NOT NULL REFERENCES pappus_imports (id),
    account TEXT NOT NULL,
    pod TEXT NOT NULL,
    url TEXT NOT NULL,
    -- In the order of the alphabet they are sent.
    kind TEXT NOT NULL CHECK (kind IN ('account_migration', 'contact', 'profile')),
    recipient TEXT,
    content_type TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'delivered', 'rejected', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    queued_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    failing_since INTEGER,
    last_status INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Last, so that the rest is read without it.
    body BLOB NOT NULL
) STRICT;

-- Nothing is queued twice.
CREATE UNIQUE INDEX pappus_deliveries_once ON pappus_deliveries (import_id, kind, url, COALESCE(recipient, ''));
CREATE INDEX pappus_deliveries_account ON pappus_deliveries (account, state);
CREATE INDEX pappus_deliveries_pod ON pappus_deliveries (pod, state);
-- What is still to be sent, pod by pod, in order.
CREATE INDEX pappus_deliveries_open ON pappus_deliveries (pod, kind, attempts, id)
    WHERE state IN ('queued', 'sending');
-- What the other deliveries of an import wait for.
CREATE INDEX pappus_deliveries_first ON pappus_deliveries (import_id, pod)
    WHERE kind = 'account_migration' AND state IN ('queued', 'sending');

-- What is known of the pods: which are out of reach and until when they are left alone, and which program is
-- sending to them just now.
CREATE TABLE pappus_delivery_pods (
    pod TEXT PRIMARY KEY NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    retry_at INTEGER,
    last_error TEXT,
    lease_owner TEXT,
    lease_until INTEGER
) STRICT;
