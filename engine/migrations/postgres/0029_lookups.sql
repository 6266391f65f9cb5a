-- When somebody who could not be looked up during the import is looked up again, once their pod has taken the move.
ALTER TABLE pappus_move_people ADD COLUMN next_lookup_at BIGINT NOT NULL DEFAULT 0;
