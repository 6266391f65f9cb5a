-- The age keys that exports of whole pods are encrypted to: only what may be known by everybody. What opens the
-- archives lies in a file. Times are milliseconds since 1970, UTC.
CREATE TABLE pappus_campaign_keys (
    pod TEXT NOT NULL,
    -- Counted from 1; archives are encrypted to the newest.
    generation BIGINT NOT NULL,
    recipient TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (pod, generation)
);
