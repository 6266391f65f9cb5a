-- Each time somebody began, or began again, with the IP address, for a day: nobody begins too often.
CREATE TABLE pappus_newcomer_starts (
    pod TEXT NOT NULL,
    address TEXT NOT NULL,
    started_at INTEGER NOT NULL
) STRICT;
CREATE INDEX pappus_newcomer_starts_pod ON pappus_newcomer_starts (pod, started_at);

INSERT INTO pappus_newcomer_starts (pod, address, started_at)
    SELECT pod, address, begun_at FROM pappus_newcomers WHERE address IS NOT NULL;
ALTER TABLE pappus_newcomers DROP COLUMN address;
