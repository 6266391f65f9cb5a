-- The rows themselves are the queues: nothing is pushed elsewhere any more.
ALTER TABLE pappus_requests DROP COLUMN pushed_at;
ALTER TABLE pappus_newcomers DROP COLUMN pushed_at;
-- Workers that vanished while they had a request: it may be the cause.
ALTER TABLE pappus_requests ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
-- The next request for a worker.
CREATE INDEX pappus_requests_open ON pappus_requests (pod, id) WHERE state IN ('queued', 'running');
