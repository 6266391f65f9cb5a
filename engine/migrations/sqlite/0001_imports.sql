-- Times are milliseconds since 1970, UTC.
CREATE TABLE pappus_imports (
    id TEXT PRIMARY KEY NOT NULL,
    archive_sha256 TEXT NOT NULL,
    old_id TEXT NOT NULL,
    new_username TEXT NOT NULL,
    pod_url TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'importing', 'imported', 'announced', 'undone', 'failed')),
    stage TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    report TEXT
) STRICT;

-- An account comes to a pod once, unless it was sent back or never arrived.
CREATE UNIQUE INDEX pappus_imports_once ON pappus_imports (old_id, pod_url)
    WHERE state NOT IN ('undone', 'failed');

-- What an import has written, in order, so that undoing it removes exactly that.
CREATE TABLE pappus_import_rows (
    import_id TEXT NOT NULL REFERENCES pappus_imports (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    guid TEXT NOT NULL,
    previous TEXT,
    PRIMARY KEY (import_id, seq)
) STRICT, WITHOUT ROWID;
