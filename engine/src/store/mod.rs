//! Pappus's own state between runs: the pod's archive key, signatures of records, and a database with queues of work
//! ([`lease`]).
//!
//! The state is in one folder that only its owner can read; the database can also be on a PostgreSQL server.

mod audit;
mod database;
mod error;
pub mod lease;
mod postgres;
mod row;
mod signatures;
mod state_folder;
mod tables;
mod time;
mod token;

pub use audit::AuditLine;
pub use database::{Pool, Store, Transaction, random_id};
pub use error::StoreError;
pub use row::{Column, StoreRow};
pub use signatures::StoredSignatures;
pub use state_folder::{StateError, StateFolder};
pub use time::{millis, time};
pub use token::{random_token, token_digest};
