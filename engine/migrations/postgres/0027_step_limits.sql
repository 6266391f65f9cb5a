-- SHA-256 of the files that are being checked, and of the last ones that were too heavy: those are not tried again.
ALTER TABLE pappus_newcomers ADD COLUMN begun_sha256 TEXT;
ALTER TABLE pappus_newcomers ADD COLUMN heavy_sha256 TEXT;

-- The other pods that were asked because of a newcomer's archives.
CREATE TABLE pappus_newcomer_hosts (
    newcomer_id BIGINT NOT NULL REFERENCES pappus_newcomers (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    PRIMARY KEY (newcomer_id, host)
);
