-- Pod keys that podmins trust for that pod's own people, added on the board. Numbers are not used again: a form that
-- was opened before must not remove another key.
CREATE TABLE pappus_trusted_pods (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    pod TEXT NOT NULL,
    -- The host as in diaspora* IDs.
    host TEXT NOT NULL,
    -- SHA256: and hexadecimal digits.
    fingerprint TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    UNIQUE (pod, host, fingerprint)
) STRICT;
