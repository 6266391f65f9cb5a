-- The GUID of the account on the pod; the import's own name where earlier versions have begun it.
ALTER TABLE pappus_imports ADD COLUMN person_guid TEXT;
-- Fingerprint of the old account's key, where the archive shows it.
ALTER TABLE pappus_imports ADD COLUMN old_key TEXT;
-- The last batch that is known to be on the pod. What the pod says itself counts while an import is under way.
ALTER TABLE pappus_imports ADD COLUMN settled_batch BIGINT NOT NULL DEFAULT 0;
-- Version 1 did not note everything, and no batches.
ALTER TABLE pappus_imports ADD COLUMN journal_version BIGINT NOT NULL DEFAULT 1;

-- The transaction on the pod that wrote the row, counted from 1; 0 for what needs none.
ALTER TABLE pappus_import_rows ADD COLUMN batch BIGINT NOT NULL DEFAULT 0;
CREATE INDEX pappus_import_rows_record ON pappus_import_rows (kind, guid, import_id);

-- Whom other pods may know by a name of this pod, although the import was taken back. Times are milliseconds since
-- 1970, UTC.
CREATE TABLE pappus_former_identities (
    pod_url TEXT NOT NULL,
    username TEXT NOT NULL,
    person_guid TEXT NOT NULL,
    -- Whose it was.
    old_id TEXT NOT NULL,
    old_key TEXT,
    archive_sha256 TEXT NOT NULL,
    -- The private key under age; none when the account never got one.
    sealed_key BYTEA,
    undone_at BIGINT NOT NULL,
    PRIMARY KEY (pod_url, username)
);
