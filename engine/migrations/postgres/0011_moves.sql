-- A move that is being announced: whether the new identity answers from outside. Nothing is sent before it does.
CREATE TABLE pappus_moves (
    import_id TEXT PRIMARY KEY REFERENCES pappus_imports (id),
    -- Whom the world must find: diaspora* ID, GUID and public key (PEM) of the new account.
    new_id TEXT,
    guid TEXT,
    public_key TEXT,
    -- `users.id` on the target pod, whose contacts say who is back.
    user_id BIGINT,
    seen_at BIGINT,
    looks BIGINT NOT NULL DEFAULT 0,
    next_look_at BIGINT NOT NULL DEFAULT 0,
    problem TEXT
);

-- What one pod has done with one move. Contacts and profiles wait for `opens_at` where a move must be processed first.
CREATE TABLE pappus_move_pods (
    import_id TEXT NOT NULL REFERENCES pappus_imports (id),
    pod TEXT NOT NULL,
    told_at BIGINT NOT NULL,
    opens_at BIGINT NOT NULL,
    -- When the first friend there was back: the move has been processed.
    confirmed_at BIGINT,
    PRIMARY KEY (import_id, pod)
);

-- People who know the account. Friends are those who shared both ways; they are back when they share with the new
-- account, as the target pod sees it.
CREATE TABLE pappus_move_people (
    import_id TEXT NOT NULL REFERENCES pappus_imports (id),
    person TEXT NOT NULL,
    pod TEXT NOT NULL,
    is_friend BIGINT NOT NULL,
    back_at BIGINT,
    PRIMARY KEY (import_id, person)
);
CREATE INDEX pappus_move_people_pod ON pappus_move_people (pod, import_id);

-- The software of a pod: the order of what it is told depends on it. Null until it was asked.
ALTER TABLE pappus_delivery_pods ADD COLUMN system TEXT;

ALTER TABLE pappus_deliveries DROP CONSTRAINT pappus_deliveries_kind_check;
ALTER TABLE pappus_deliveries ADD CONSTRAINT pappus_deliveries_kind_check
    CHECK (kind IN ('farewell', 'account_migration', 'contact', 'profile'));
-- `confirmed`: not needed any more, the recipient shares with the new account already.
ALTER TABLE pappus_deliveries DROP CONSTRAINT pappus_deliveries_state_check;
ALTER TABLE pappus_deliveries ADD CONSTRAINT pappus_deliveries_state_check
    CHECK (state IN ('queued', 'sending', 'delivered', 'confirmed', 'rejected', 'dead'));
DROP INDEX pappus_deliveries_first;
-- What others of the same import and pod wait for.
CREATE INDEX pappus_deliveries_before ON pappus_deliveries (import_id, pod, kind)
    WHERE state IN ('queued', 'sending');

-- Announcements of earlier versions go on: nobody looked whether they can be seen, and pods that took the move get
-- the rest after half a day.
INSERT INTO pappus_moves (import_id, seen_at) SELECT DISTINCT import_id, 0 FROM pappus_deliveries;
INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at)
    SELECT import_id, pod, MAX(updated_at), MAX(updated_at) + 43200000 FROM pappus_deliveries
    WHERE kind = 'account_migration' AND state = 'delivered' GROUP BY import_id, pod;
