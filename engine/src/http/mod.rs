//! The guarded client: the only way Pappus asks strangers' servers for anything.
//!
//! Addresses come from other people's diaspora* IDs, archives and answers, so they may point anywhere. The
//! client speaks https only, follows no redirects, uses no proxy, stops reading where a limit is, and
//! connects to public addresses only: the resolver it connects through hands out no others, so a name that
//! changes its address between a check and its use gains nothing. Test networks are named in
//! [`AllowedNetworks`].

mod address;
mod allowed;
mod client;
mod error;
mod tls;

pub use allowed::{AllowedNetworks, AllowedNetworksError};
pub(crate) use client::place;
pub use client::{Answer, Client, ClientOptions, RetryAfter};
pub use error::HttpError;
