//! The HTTP client for the arguments: it reaches only the public internet and allowed hosts.

use std::time::Duration;

use pappus_engine::discovery::Discovery;
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};
use pappus_engine::pod::config::PodUrl;

use crate::arguments::NetworkArguments;
use crate::error::Failure;

/// Total time limit for an import's lookups of people and posts.
const LOOKUP_TIME: Duration = Duration::from_mins(2);

/// Returns the client, which reaches the public internet and the allowed hosts.
pub(crate) fn client(arguments: &NetworkArguments) -> Result<Client, Failure> {
    client_for(&arguments.allow_host)
}

/// Returns a client that also reaches the pod itself: on the pod's machine, its name may resolve to a private address.
pub(crate) fn client_with_own_pod(pod: &PodUrl, arguments: &NetworkArguments) -> Result<Client, Failure> {
    let scheme = if pod.as_str().starts_with("https:") { "https" } else { "http" };
    let own_pod = format!("{scheme}://{}", pod.diaspora_host());
    client_for(&[arguments.allow_host.as_slice(), &[own_pod]].concat())
}

fn client_for(hosts: &[String]) -> Result<Client, Failure> {
    let allowed = AllowedNetworks::new(hosts)?;
    Ok(Client::new(ClientOptions { allowed, ..ClientOptions::default() })?)
}

/// Returns the lookups of people and posts.
pub(crate) fn discovery(arguments: &NetworkArguments) -> Result<Discovery, Failure> {
    Ok(Discovery::new(client(arguments)?, LOOKUP_TIME))
}
