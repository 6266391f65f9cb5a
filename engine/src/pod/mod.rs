//! A diaspora* pod: configuration, photo files, and reading from its database.
//!
//! Reading never writes to the pod. An export sees only one read-only snapshot.

pub mod config;
pub mod database;

pub mod people;
pub(crate) mod profile;
pub mod reader;
pub mod schema;
pub mod survey;
pub(crate) mod tables;
pub mod uploads;
