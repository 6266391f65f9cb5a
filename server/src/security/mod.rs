//! What protects the service and those who use it, whatever the room: where a request comes from, how many one address
//! may make, and what browsers are told to refuse.

mod address;
mod headers;
mod limit;

pub use address::{Address, note};
pub(crate) use headers::guard;
pub use limit::Limits;
pub(crate) use limit::limit;
