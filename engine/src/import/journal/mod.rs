//! What imports have written, kept in Pappus's own store: what a killed import goes on from, and what undo removes.

pub(super) mod commit_mark;
pub(super) mod former;
pub(super) mod imports;
pub(super) mod notes;
pub(super) mod pending_moves;
pub(super) mod undo;
pub(super) mod undo_fetched;
pub(super) mod undo_rows;
pub(super) mod undo_shared;
