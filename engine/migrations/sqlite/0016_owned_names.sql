-- What tells one campaign's files from another's, and what later campaigns compare. Times are milliseconds since 1970,
-- UTC.
--
-- In the names of its archives, and in its list: two campaigns may have the same name, time and place.
ALTER TABLE pappus_campaigns ADD COLUMN tag TEXT;
-- What the folder of the archives says of itself: another folder at that path is not the place.
ALTER TABLE pappus_campaigns ADD COLUMN place TEXT;
-- The list it has written, without its ending.
ALTER TABLE pappus_campaigns ADD COLUMN list_name TEXT;
-- By the clock of this database; the time in the archives may be any.
ALTER TABLE pappus_campaigns ADD COLUMN begun_at INTEGER;
-- SHA-256 of the names on the podmin's list.
ALTER TABLE pappus_campaigns ADD COLUMN names_sha256 TEXT;
-- What of an account leaves no time when it changes, in short.
ALTER TABLE pappus_campaign_accounts ADD COLUMN traits TEXT;
-- The campaign that has the archive of an account that has not changed.
ALTER TABLE pappus_campaign_accounts ADD COLUMN kept_by INTEGER;
-- How long the lease is: one that ends later than that from now was given before the clock was set back.
ALTER TABLE pappus_campaign_workers ADD COLUMN lease_millis INTEGER;
