//! Reads the archive and the target pod: everything that is known before a record is written.

pub(super) mod capacity;
pub(super) mod choices;
pub(super) mod column_limits;
pub(super) mod existing;
pub(super) mod names;
pub(super) mod parents;
pub(super) mod people;
pub(super) mod person_profile;
pub(super) mod photo_files;
pub(super) mod reshare_loops;
pub(super) mod source;
pub(super) mod superseded;
pub(super) mod survey;
pub(super) mod text;
pub(super) mod times;
