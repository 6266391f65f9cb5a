//! Protection of the service and its users in all modules: client addresses, limits, and headers for browsers.

mod address;
mod bodies;
mod headers;
mod limit;
mod requests;
mod streams;

pub use address::{Address, add_address};
pub(crate) use bodies::limit_bodies;
pub(crate) use headers::guard;
pub use limit::Limits;
pub(crate) use limit::limit;
pub(crate) use requests::{Requests, limit_requests};
pub use streams::Streams;
