//! Test support: the tables of a diaspora* pod, an invented sample pod, heavy accounts,
//! throwaway database servers, and running the programs.

pub mod cluster;
pub mod copy;
pub mod crowd;
pub mod door;
pub mod generated_account;
pub mod heavy;
pub mod hostile;
pub mod innocent;
pub mod integrity;
pub mod network;
pub mod program;
pub mod rows;
pub mod sample;
pub mod schema;
pub mod service;
pub mod twin;
pub mod watched;
