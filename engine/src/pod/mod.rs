//! A diaspora* pod: where its data lies, and the way out of its database.
//!
//! Reading never writes to the pod. Everything an export sees comes from one read-only snapshot.

pub mod config;
pub mod database;

pub mod people;
pub mod reader;
pub mod schema;
pub mod survey;
pub mod uploads;
