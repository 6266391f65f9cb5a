//! The engine of Pappus: exports an account from a diaspora* pod to a signed archive, and imports it into another
//! pod.
//!
//! The modules in the order of the data flow:
//!
//! ```text
//! pod ──read──▶ domain records ──export──▶ archive ──open, verify──▶ validate ──import──▶ another pod
//! ```
//!
//! The engine has no terminal and reads no environment variables; clock and passphrases come from the caller.

pub mod announce;
pub mod archive;
pub mod arrivals;
pub mod backoff;
pub mod campaign;
pub mod clock;
pub mod delivery;
pub mod departures;
pub mod depot;
pub mod discovery;
mod disk;
pub mod domain;
pub mod environment;
pub mod export;
pub mod federation;
pub mod http;
pub mod import;
mod picture;
pub mod pod;
mod production;
pub mod progress;
pub mod repair;
pub mod s3;
pub mod schemas;
pub mod sql;
pub mod store;
pub mod text;
pub mod validate;
pub mod words;
pub mod work_dir;
mod xml;
