//! Test support: the tables of a diaspora* pod, an invented sample pod, heavy accounts,
//! throwaway database servers, and running the programs.

pub mod cluster;
pub mod copy;
pub mod heavy;
pub mod program;
pub mod sample;
pub mod schema;
