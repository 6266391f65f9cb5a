//! From arguments to the guarded client.

use std::time::Duration;

use pappus_engine::discovery::Discovery;
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};
use pappus_engine::pod::config::PodUrl;

use crate::arguments::NetworkArguments;
use crate::error::Failure;

/// How long all look-ups of people of an import may take together, and as long again all fetching of posts.
const LOOKING_UP: Duration = Duration::from_mins(1);

/// The client that reaches the public internet and the hosts that are allowed besides.
pub(crate) fn client(arguments: &NetworkArguments) -> Result<Client, Failure> {
    client_to(&arguments.allow_host)
}

/// The same for a pod that also looks at itself from outside: on its own machine its name may lead to a private
/// address.
pub(crate) fn client_of(pod: &PodUrl, arguments: &NetworkArguments) -> Result<Client, Failure> {
    let own = if pod.as_str().starts_with("https:") {
        format!("https://{}", pod.diaspora_host())
    } else {
        pod.diaspora_host()
    };
    client_to(&[arguments.allow_host.as_slice(), &[own]].concat())
}

fn client_to(hosts: &[String]) -> Result<Client, Failure> {
    let allowed = AllowedNetworks::new(hosts)?;
    Ok(Client::new(ClientOptions { allowed, ..ClientOptions::default() })?)
}

/// What looks people up.
pub(crate) fn discovery(arguments: &NetworkArguments) -> Result<Discovery, Failure> {
    Ok(Discovery::new(client(arguments)?, LOOKING_UP))
}
