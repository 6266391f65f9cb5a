//! Notes in Pappus's own store on the rows that imports write: a killed import continues from them, and an undo removes
//! the noted rows.

pub(super) mod commit_mark;
pub(super) mod former;
pub(super) mod ignored_by;
pub(super) mod imports;
pub(super) mod missing_contacts;
pub(super) mod notes;
pub(super) mod pending_moves;
pub(super) mod reshare_roots;
pub(super) mod states;
pub(super) mod undo;
pub(super) mod undo_fetched;
pub(super) mod undo_owned;
pub(super) mod undo_rows;
pub(super) mod undo_shared;
