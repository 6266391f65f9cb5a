-- A move that is being announced: whether the new identity answers from outside. Nothing is sent before it does.
CREATE TABLE pappus_moves (
    import_id TEXT PRIMARY KEY NOT NULL REFERENCES pappus_imports (id),
    -- Whom the world must find: diaspora* ID, GUID and public key (PEM) of the new account.
    new_id TEXT,
    guid TEXT,
    public_key TEXT,
    -- `users.id` on the target pod, whose contacts say who is back.
    user_id INTEGER,
    seen_at INTEGER,
    looks INTEGER NOT NULL DEFAULT 0,
    next_look_at INTEGER NOT NULL DEFAULT 0,
    problem TEXT
) STRICT;

-- What one pod has done with one move. Contacts and profiles wait for `opens_at` where a move must be processed first.
CREATE TABLE pappus_move_pods (
    import_id TEXT NOT NULL REFERENCES pappus_imports (id),
    pod TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    opens_at INTEGER NOT NULL,
    -- When the first friend there was back: the move has been processed.
    confirmed_at INTEGER,
    PRIMARY KEY (import_id, pod)
) STRICT;

-- People who know the account. Friends are those who shared both ways; they are back when they share with the new
-- account, as the target pod sees it.
CREATE TABLE pappus_move_people (
    import_id TEXT NOT NULL REFERENCES pappus_imports (id),
    person TEXT NOT NULL,
    pod TEXT NOT NULL,
    is_friend INTEGER NOT NULL,
    back_at INTEGER,
    PRIMARY KEY (import_id, person)
) STRICT;
CREATE INDEX pappus_move_people_pod ON pappus_move_people (pod, import_id);

-- The software of a pod: the order of what it is told depends on it. Null until it was asked.
ALTER TABLE pappus_delivery_pods ADD COLUMN system TEXT;

CREATE TABLE pappus_deliveries_new (
    id INTEGER PRIMARY KEY NOT NULL,
    import_id TEXT NOT NULL REFERENCES pappus_imports (id),
    account TEXT NOT NULL,
    pod TEXT NOT NULL,
    url TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('farewell', 'account_migration', 'contact', 'profile')),
    recipient TEXT,
    content_type TEXT NOT NULL,
    -- `confirmed`: not needed any more, the recipient shares with the new account already.
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'delivered', 'confirmed', 'rejected', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    queued_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    failing_since INTEGER,
    last_status INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Contacts on the pod who get no delivery of their own, a JSON list.
    people TEXT,
    -- Last, so that the rest is read without it.
    body BLOB NOT NULL
) STRICT;
INSERT INTO pappus_deliveries_new (id, import_id, account, pod, url, kind, recipient, content_type, state, attempts,
    queued_at, next_attempt_at, failing_since, last_status, last_error, created_at, updated_at, people, body)
    SELECT id, import_id, account, pod, url, kind, recipient, content_type, state, attempts, queued_at,
    next_attempt_at, failing_since, last_status, last_error, created_at, updated_at, people, body
    FROM pappus_deliveries;
DROP TABLE pappus_deliveries;
ALTER TABLE pappus_deliveries_new RENAME TO pappus_deliveries;
CREATE UNIQUE INDEX pappus_deliveries_once ON pappus_deliveries (import_id, kind, url, COALESCE(recipient, ''));
CREATE INDEX pappus_deliveries_account ON pappus_deliveries (account, state);
CREATE INDEX pappus_deliveries_pod ON pappus_deliveries (pod, state);
-- What is still to be sent, pod by pod, in order.
CREATE INDEX pappus_deliveries_open ON pappus_deliveries (pod, attempts, kind, id)
    WHERE state IN ('queued', 'sending');
-- What others of the same import and pod wait for.
CREATE INDEX pappus_deliveries_before ON pappus_deliveries (import_id, pod, kind)
    WHERE state IN ('queued', 'sending');

-- Announcements of earlier versions go on: nobody looked whether they can be seen, and pods that took the move get
-- the rest after half a day.
INSERT INTO pappus_moves (import_id, seen_at) SELECT DISTINCT import_id, 0 FROM pappus_deliveries;
INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at)
    SELECT import_id, pod, MAX(updated_at), MAX(updated_at) + 43200000 FROM pappus_deliveries
    WHERE kind = 'account_migration' AND state = 'delivered' GROUP BY import_id, pod;
