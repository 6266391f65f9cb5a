-- Contacts on the pod who get no delivery of their own, as a list in JSON: to be told by hand when this one does not arrive.
ALTER TABLE pappus_deliveries ADD COLUMN people TEXT;

-- What was tried less comes first, whatever it is: one that never gets an answer must not hold up those of another kind.
DROP INDEX pappus_deliveries_open;
CREATE INDEX pappus_deliveries_open ON pappus_deliveries (pod, attempts, kind, id)
    WHERE state IN ('queued', 'sending');
