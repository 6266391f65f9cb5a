//! The guarded client, and discovery with it, against servers on this machine.

mod discovery;
mod double;
mod http;
mod posts;
