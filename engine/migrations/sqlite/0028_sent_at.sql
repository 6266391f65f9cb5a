-- Time from which on a delivery may have reached its pod: of one that is being sent, also by a killed program, and of a
-- move that was delivered. Null otherwise.
ALTER TABLE pappus_deliveries ADD COLUMN sent_at INTEGER;
