-- The keys that an import relied on, as JSON: compared again when the move is announced.
ALTER TABLE pappus_imports ADD COLUMN evidence TEXT;
