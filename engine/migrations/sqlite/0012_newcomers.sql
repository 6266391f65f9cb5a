-- When the move is announced by itself: the end of the pause in which it can be undone. Null in a move that waits for
-- somebody, whatever its state.
ALTER TABLE pappus_newcomers ADD COLUMN announce_at INTEGER;
