//! The guarded client: the only way Pappus contacts other servers.
//!
//! Addresses come from other people's diaspora* IDs, archives and answers, so they may point anywhere. The client
//! uses https only, follows no redirects, uses no proxy, stops reading at a limit, and connects to public addresses
//! only. Its resolver returns no others, so changing a name's address between check and use gains nothing. Exceptions,
//! such as test networks, are listed in [`AllowedNetworks`].

mod address;
mod allowed;
mod client;
mod error;
mod tls;

pub use allowed::{AllowedNetworks, AllowedNetworksError};
pub(crate) use client::place;
pub use client::{Answer, Client, ClientOptions, RetryAfter};
pub use error::HttpError;
