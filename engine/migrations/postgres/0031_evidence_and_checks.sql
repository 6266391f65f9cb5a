-- The keys that an import relied on, as JSON: compared again when the move is announced.
ALTER TABLE pappus_imports ADD COLUMN evidence TEXT;

-- Number of checks of a newcomer that have asked this pod.
ALTER TABLE pappus_newcomer_hosts ADD COLUMN checks BIGINT NOT NULL DEFAULT 0;
