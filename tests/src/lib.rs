//! Test support: the tables of a diaspora* pod, an invented sample pod, heavy accounts and
//! throwaway database servers.

pub mod cluster;
pub mod heavy;
pub mod sample;
pub mod schema;
