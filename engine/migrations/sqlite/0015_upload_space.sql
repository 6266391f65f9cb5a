-- One row for each pod: whoever counts before adding something writes it first, so that two never count at once.
CREATE TABLE pappus_newcomer_turns (
    pod TEXT NOT NULL PRIMARY KEY,
    counted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Disk space for files of newcomers: reserved before the first byte comes, kept as long as the file is there.
CREATE TABLE pappus_upload_space (
    -- The name of the upload.
    name TEXT NOT NULL PRIMARY KEY,
    pod TEXT NOT NULL,
    newcomer_id INTEGER NOT NULL REFERENCES pappus_newcomers (id) ON DELETE CASCADE,
    -- A form may hold an archive and photos.
    kind TEXT NOT NULL CHECK (kind IN ('archive', 'photos', 'form')),
    -- As announced; for a whole file its size.
    bytes INTEGER NOT NULL,
    -- When an upload that is not continued gives its space back. NULL: the file is whole.
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX pappus_upload_space_newcomer ON pappus_upload_space (newcomer_id);
CREATE INDEX pappus_upload_space_pod ON pappus_upload_space (pod);

INSERT INTO pappus_upload_space (name, pod, newcomer_id, kind, bytes, expires_at)
    SELECT 'n' || id || '-archive', pod, id, 'archive', archive_bytes, NULL
    FROM pappus_newcomers WHERE has_files <> 0 AND archive_bytes > 0;
INSERT INTO pappus_upload_space (name, pod, newcomer_id, kind, bytes, expires_at)
    SELECT 'n' || id || '-photos', pod, id, 'photos', photos_bytes, NULL
    FROM pappus_newcomers WHERE has_files <> 0 AND photos_bytes > 0;
INSERT INTO pappus_upload_space (name, pod, newcomer_id, kind, bytes, expires_at)
    SELECT u.name, n.pod, u.newcomer_id, u.part, u.bytes, u.expires_at
    FROM pappus_uploads u JOIN pappus_newcomers n ON n.id = u.newcomer_id;

-- SHA-256 of the photos that were looked at beside the archive.
ALTER TABLE pappus_newcomers ADD COLUMN photos_sha256 TEXT;
