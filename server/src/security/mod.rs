//! What protects the service and those who use it, whatever the room: where a request comes from, how many one address
//! may make, and what browsers are told to refuse.

mod address;
mod bodies;
mod headers;
mod limit;
mod streams;

pub use address::{Address, note};
pub(crate) use bodies::limit_bodies;
pub(crate) use headers::guard;
pub use limit::Limits;
pub(crate) use limit::limit;
pub use streams::Streams;
