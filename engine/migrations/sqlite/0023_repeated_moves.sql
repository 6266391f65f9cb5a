-- When the move was sent to a silent pod once more: its workers may have lost it after it was accepted.
ALTER TABLE pappus_move_pods ADD COLUMN repeated_at INTEGER;
