-- How many processes have died of the step that is due.
ALTER TABLE pappus_newcomers ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
