//! Queries other pods: for people by their diaspora* IDs, and for posts. People are found by WebFinger, then the
//! hCard ([Discovery](https://diaspora.github.io/diaspora_federation/discovery/webfinger.html)).
//!
//! Many people of many pods are looked up at once, and a third of the pods may be dead: the first request that fails
//! to reach a host fails all others there, and a time budget limits the whole search.

mod posts;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::domain::{DiasporaId, Guid, Profile, PublicKey, web_address};
use crate::federation::{HCard, HCardError, LegacyTemplate, WebFinger, WebFingerError};
use crate::http::{Answer, Client, HttpError, place};

pub use posts::{FetchError, PostName, WantedPost};

/// Number of hosts queried at a time.
const HOSTS_AT_ONCE: usize = 20;
/// Largest number of hosts queried in all, unless specified.
const MAX_HOSTS: usize = 1_000;
/// Number of concurrent requests to one host.
const REQUESTS_PER_HOST: usize = 2;

/// A person who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredPerson {
    /// The person's diaspora* ID.
    pub id: DiasporaId,
    /// The person's GUID.
    pub guid: Guid,
    /// The key that signs the person's messages.
    pub public_key: PublicKey,
    /// The person's pod.
    pub pod: Url,
    /// The public part of the person's profile.
    pub profile: Profile,
}

/// The reason a person was not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The pod answers, and does not know the person (any more).
    #[error("the pod {0} says that there is no such account; it was closed or never existed")]
    Closed(String),
    /// The pod cannot be reached. Nobody else there is looked up.
    #[error("the pod is not reachable: {0}")]
    DeadHost(HttpError),
    /// The request failed, perhaps for this person only: a redirect, an endless answer, an invalid link.
    #[error(transparent)]
    Http(HttpError),
    /// The pod answered with an error.
    #[error("{host} answered with status {status}")]
    Status {
        /// The host that answered.
        host: String,
        /// The status.
        status: u16,
    },
    /// The pod's answer is invalid.
    #[error(transparent)]
    WebFinger(#[from] WebFingerError),
    /// The person's page is invalid.
    #[error(transparent)]
    HCard(#[from] HCardError),
    /// Too many hosts: an archive's author can name any number of them.
    #[error("the pod {host} was not asked: more than {most} pods are named")]
    TooManyHosts {
        /// The host that was not queried.
        host: String,
        /// The largest number queried.
        most: usize,
    },
    /// The host was asked often enough for one archive's author.
    #[error("the pod {0} was not asked again: every earlier check of this move has asked it")]
    AskedOften(String),
    /// The time budget was exhausted.
    #[error("there was no time left to look for this person ({} s for all)", .0.as_secs_f32())]
    OutOfTime(Duration),
}

impl DiscoveryError {
    /// Returns the host whose TLS failed and the reason, if that was the cause.
    pub fn tls(&self) -> Option<String> {
        match self {
            Self::DeadHost(HttpError::Tls { host, reason }) | Self::Http(HttpError::Tls { host, reason }) => {
                Some(format!("{host}: {reason}"))
            }
            _ => None,
        }
    }
}

/// Looks up people, each once: results and dead hosts are cached for the lifetime of this value.
pub struct Discovery {
    client: Client,
    budget: Duration,
    max_hosts: usize,
    /// Hosts that are not asked any more.
    spared: BTreeSet<String>,
    /// The person who is looked up at one of these hosts nevertheless.
    always: Option<DiasporaId>,
    known: Mutex<Known>,
}

type Outcome = Result<DiscoveredPerson, DiscoveryError>;

#[derive(Default)]
struct Known {
    people: HashMap<DiasporaId, Outcome>,
    hosts: HashMap<String, Arc<Host>>,
    /// Hosts that count as asked, also by earlier clients.
    asked: BTreeSet<String>,
    spent: Duration,
}

/// A host's state and its request slots.
struct Host {
    slots: Semaphore,
    dead: OnceLock<HttpError>,
    /// The template of an old pod's XRD documents; requested once.
    legacy: OnceCell<Option<LegacyTemplate>>,
}

impl Discovery {
    /// Creates a client; `budget` is the time for all searches together, for people and posts.
    pub fn new(client: Client, budget: Duration) -> Self {
        let (spared, always) = (BTreeSet::new(), None);
        Self { client, budget, max_hosts: MAX_HOSTS, spared, always, known: Mutex::default() }
    }

    /// Limits the number of hosts, for people and posts together, including those that others redirect to.
    #[must_use]
    pub fn with_hosts(self, max_hosts: usize) -> Self {
        Self { max_hosts, ..self }
    }

    /// Counts hosts as asked that earlier clients have asked: they may be asked again, and leave less for others.
    #[must_use]
    pub fn with_asked(self, hosts: BTreeSet<String>) -> Self {
        self.known().asked = hosts;
        self
    }

    /// Spares hosts, `HOST` or `HOST:PORT`, except for looking up one person there.
    #[must_use]
    pub fn sparing(self, hosts: BTreeSet<String>, always: DiasporaId) -> Self {
        Self { spared: hosts, always: Some(always), ..self }
    }

    /// Returns whether this client has asked a host; earlier ones do not count.
    pub fn has_asked(&self, host: &str) -> bool {
        self.known().hosts.contains_key(host)
    }

    /// Returns the hosts that count as asked, `HOST` or `HOST:PORT`.
    pub fn asked(&self) -> BTreeSet<String> {
        self.known().asked.clone()
    }

    /// Looks up people, many at a time and two at each host. Returns a result for everyone, at the latest when the
    /// budget is exhausted.
    pub async fn find_all(&self, ids: impl IntoIterator<Item = DiasporaId>) -> HashMap<DiasporaId, Outcome> {
        let start = Instant::now();
        let mut found = HashMap::new();
        let mut hosts = BTreeMap::<String, BTreeSet<DiasporaId>>::new();
        let deadline = {
            let known = self.known();
            for id in ids {
                match known.people.get(&id) {
                    Some(outcome) => _ = found.insert(id, outcome.clone()),
                    None => _ = hosts.entry(id.host().to_owned()).or_default().insert(id),
                }
            }
            start + self.budget.saturating_sub(known.spent)
        };
        let searches = stream::iter(hosts.into_values())
            .map(|people| {
                stream::iter(people)
                    .map(|id| self.find_until(id, deadline))
                    .buffer_unordered(REQUESTS_PER_HOST)
            })
            .flatten_unordered(HOSTS_AT_ONCE);
        let new: Vec<_> = searches.collect().await;
        let mut known = self.known();
        known.spent += start.elapsed();
        for (id, outcome) in new {
            if !matches!(outcome, Err(DiscoveryError::OutOfTime(_))) {
                known.people.insert(id.clone(), outcome.clone());
            }
            found.insert(id, outcome);
        }
        found
    }

    async fn find_until(&self, id: DiasporaId, deadline: Instant) -> (DiasporaId, Outcome) {
        let outcome = if Instant::now() >= deadline {
            Err(DiscoveryError::OutOfTime(self.budget))
        } else {
            let search = timeout_at(deadline, self.find(&id)).await;
            search.unwrap_or(Err(DiscoveryError::OutOfTime(self.budget)))
        };
        (id, outcome)
    }

    async fn find(&self, id: &DiasporaId) -> Outcome {
        let base = self.client.base_url(id.host()).map_err(DiscoveryError::Http)?;
        if self.always.as_ref() != Some(id) {
            self.check_spared(&base)?;
        }
        let mut url = with_path(&base, "/.well-known/webfinger");
        url.set_query(Some(&format!("resource=acct:{id}")));
        let web_finger = match self.get(&base, &url, "application/jrd+json, application/json").await {
            Ok(answer) => WebFinger::from_jrd(&answer.body, id)?,
            Err(DiscoveryError::Closed(host)) => {
                self.legacy_web_finger(&base, id).await?.ok_or(DiscoveryError::Closed(host))?
            }
            Err(error) => return Err(error),
        };
        let answer = self.get(&base, &web_finger.hcard_url, "text/html").await?;
        let card = HCard::parse(&answer.body)?;
        let mut profile = card.profile(id.clone());
        for photo in [&mut profile.image_url, &mut profile.image_url_medium, &mut profile.image_url_small] {
            *photo = photo.take().and_then(|address| photo_address(&web_finger.hcard_url, &address));
        }
        Ok(DiscoveredPerson {
            id: id.clone(),
            guid: card.guid.clone(),
            profile,
            public_key: card.public_key,
            pod: web_finger.seed_location,
        })
    }

    /// Queries a pod that supports only WebFinger's earlier form; none if it does not support that.
    async fn legacy_web_finger(
        &self,
        base: &Url,
        id: &DiasporaId,
    ) -> Result<Option<WebFinger>, DiscoveryError> {
        let host = self.host(base)?;
        let template = host
            .legacy
            .get_or_init(|| async {
                let answer =
                    self.get(base, &with_path(base, "/.well-known/host-meta"), "application/xrd+xml").await;
                answer.ok().and_then(|answer| LegacyTemplate::from_host_meta(&answer.body).ok())
            })
            .await;
        let Some(template) = template else { return Ok(None) };
        let answer = self.get(base, &template.url(id)?, "application/xrd+xml").await?;
        Ok(Some(WebFinger::from_xrd(&answer.body, id)?))
    }

    /// Sends one request, once a slot is free and if the host is not known to be dead. Only a person's own pod can be
    /// marked dead: the links on a page are under a stranger's control, and must not cut off other people's pods.
    async fn get(&self, pod: &Url, url: &Url, accept: &str) -> Result<Answer, DiscoveryError> {
        if pod.origin() != url.origin() {
            self.check_spared(url)?;
        }
        let host = self.host(url)?;
        let _slot = host.slots.acquire().await;
        if let Some(error) = host.dead.get() {
            return Err(DiscoveryError::DeadHost(error.clone()));
        }
        let answer = self.client.get(url, accept).await.map_err(|error| {
            if error.is_dead_host() && pod.origin() == url.origin() {
                _ = host.dead.set(error.clone());
                DiscoveryError::DeadHost(error)
            } else {
                DiscoveryError::Http(error)
            }
        })?;
        match answer.status {
            404 | 410 => Err(DiscoveryError::Closed(place(url))),
            _ if answer.is_success() => Ok(answer),
            status => Err(DiscoveryError::Status { host: place(url), status }),
        }
    }

    fn check_spared(&self, url: &Url) -> Result<(), DiscoveryError> {
        let host = place(url);
        if self.spared.contains(&host) { Err(DiscoveryError::AskedOften(host)) } else { Ok(()) }
    }

    fn host(&self, url: &Url) -> Result<Arc<Host>, DiscoveryError> {
        let name = place(url);
        let mut known = self.known();
        if let Some(host) = known.hosts.get(&name) {
            return Ok(Arc::clone(host));
        }
        if !known.asked.contains(&name) {
            if known.asked.len() >= self.max_hosts {
                return Err(DiscoveryError::TooManyHosts { host: name, most: self.max_hosts });
            }
            known.asked.insert(name.clone());
        }
        let host = Arc::new(Host {
            slots: Semaphore::new(REQUESTS_PER_HOST),
            dead: OnceLock::new(),
            legacy: OnceCell::new(),
        });
        known.hosts.insert(name, Arc::clone(&host));
        Ok(host)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the address of a photo in an hCard, which may be relative to the page. None for a pod's default picture,
/// which diaspora* does not store either (`Profile#image_url=`), and for addresses that no browser loads.
fn photo_address(page: &Url, address: &str) -> Option<String> {
    let is_default = address.contains("user/default");
    page.join(address).ok().filter(|_| !is_default).and_then(|url| web_address(url.as_str()))
}

fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_of_an_hcard_have_whole_addresses() {
        let page = Url::parse("https://pod.example/hcard/users/0123456789abcdef").unwrap();
        let address = |text: &str| photo_address(&page, text);
        assert_eq!(address("http://cdn.example/a b\".webp").unwrap(), "http://cdn.example/a%20b%22.webp");
        assert_eq!(address("/uploads/a.webp").unwrap(), "https://pod.example/uploads/a.webp");
        assert_eq!(address("//cdn.example/a.webp").unwrap(), "https://cdn.example/a.webp");
        for nothing in [
            "/assets/user/default-0123.png",
            "https://pod.example/assets/user/default.png",
            "data:,x",
            "javascript:alert(1)",
        ] {
            assert_eq!(address(nothing), None);
        }
    }
}
