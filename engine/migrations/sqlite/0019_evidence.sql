-- The keys that speak for and against the archive of somebody who comes, as JSON.
ALTER TABLE pappus_newcomers ADD COLUMN evidence TEXT;
