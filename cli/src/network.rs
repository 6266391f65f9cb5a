//! From arguments to the guarded client.

use std::time::Duration;

use pappus_engine::discovery::Discovery;
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};

use crate::arguments::NetworkArguments;
use crate::error::Failure;

/// How long all look-ups of people of an import may take together, and as long again all fetching of posts.
const LOOKING_UP: Duration = Duration::from_mins(1);

/// The client that reaches the public internet and the hosts that are allowed besides.
pub(crate) fn client(arguments: &NetworkArguments) -> Result<Client, Failure> {
    let allowed = AllowedNetworks::new(&arguments.allow_host)?;
    Ok(Client::new(ClientOptions { allowed, ..ClientOptions::default() })?)
}

/// What looks people up.
pub(crate) fn discovery(arguments: &NetworkArguments) -> Result<Discovery, Failure> {
    Ok(Discovery::new(client(arguments)?, LOOKING_UP))
}
