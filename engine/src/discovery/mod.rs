//! Queries to other pods: for people by their diaspora* IDs, and for posts. People are found by WebFinger, then the
//! hCard ([Discovery](https://diaspora.github.io/diaspora_federation/discovery/webfinger.html)).
//!
//! Many people of many pods are looked up at once, and a third of the pods may not exist any more. After the first
//! request that does not reach a host, all other requests to it fail at once. A time budget limits the whole search.

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

/// The number of hosts queried at a time.
const CONCURRENT_HOSTS: usize = 20;
/// The default for the maximum number of hosts queried in total.
const DEFAULT_MAX_HOSTS: usize = 1_000;
/// The number of concurrent requests to one host.
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
    /// The pod answers that the person's account does not exist.
    #[error("the pod {0} says that there is no such account; it was closed or never existed")]
    Closed(String),
    /// The pod cannot be reached. Other people there are not looked up.
    #[error("the pod is not reachable: {0}")]
    DeadHost(HttpError),
    /// The request failed, perhaps for this person only: a redirect, an answer that is too long, or an invalid link.
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
    /// The limit of hosts was reached. It is needed because an archive can contain people of any number of hosts.
    #[error("the pod {host} was not contacted, since at most {limit} pods are")]
    TooManyHosts {
        /// The host that was not queried.
        host: String,
        /// The maximum number of hosts.
        limit: usize,
    },
    /// The host was asked often enough for one archive's author.
    #[error("the pod {0} was not asked again: every earlier check of this move has asked it")]
    AskedOften(String),
    /// The time budget is used up.
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

/// A client for queries to other pods. Results and unreachable hosts are cached, so each person is looked up once.
pub struct Discovery {
    client: Client,
    budget: Duration,
    max_hosts: usize,
    /// Hosts that are not asked any more.
    spared: BTreeSet<String>,
    /// The person who is looked up at one of these hosts nevertheless.
    always: Option<DiasporaId>,
    cache: Mutex<Cache>,
}

type Outcome = Result<DiscoveredPerson, DiscoveryError>;

#[derive(Default)]
struct Cache {
    people: HashMap<DiasporaId, Outcome>,
    hosts: HashMap<String, Arc<Host>>,
    /// The hosts that count as asked, including those that earlier clients have asked.
    asked: BTreeSet<String>,
    spent: Duration,
}

/// The state of a host and its request slots.
struct Host {
    slots: Semaphore,
    dead: OnceLock<HttpError>,
    /// The template of an old pod's XRD documents. It is requested once.
    legacy: OnceCell<Option<LegacyTemplate>>,
}

impl Discovery {
    /// Creates a client. `budget` is the time for all searches for people and posts together.
    pub fn new(client: Client, budget: Duration) -> Self {
        let (spared, always) = (BTreeSet::new(), None);
        Self { client, budget, max_hosts: DEFAULT_MAX_HOSTS, spared, always, cache: Mutex::default() }
    }

    /// Sets the maximum number of hosts for people and posts together, including hosts that others redirect to.
    #[must_use]
    pub fn with_hosts(self, max_hosts: usize) -> Self {
        Self { max_hosts, ..self }
    }

    /// Adds the hosts that earlier clients have asked. They count towards the limit, and may be asked again.
    #[must_use]
    pub fn with_asked(self, hosts: BTreeSet<String>) -> Self {
        self.cache().asked = hosts;
        self
    }

    /// Spares hosts, `HOST` or `HOST:PORT`, except for looking up one person there.
    #[must_use]
    pub fn sparing(self, hosts: BTreeSet<String>, always: DiasporaId) -> Self {
        Self { spared: hosts, always: Some(always), ..self }
    }

    /// Returns whether this client has asked a host; earlier ones do not count.
    pub fn has_asked(&self, host: &str) -> bool {
        self.cache().hosts.contains_key(host)
    }

    /// Returns the hosts that count as asked, `HOST` or `HOST:PORT`.
    pub fn asked(&self) -> BTreeSet<String> {
        self.cache().asked.clone()
    }

    /// Looks up people, many at a time and two at each host. Returns a result for each person, at the latest when the
    /// budget is used up.
    pub async fn find_all(&self, ids: impl IntoIterator<Item = DiasporaId>) -> HashMap<DiasporaId, Outcome> {
        let start = Instant::now();
        let mut found = HashMap::new();
        let mut hosts = BTreeMap::<String, BTreeSet<DiasporaId>>::new();
        let deadline = {
            let cache = self.cache();
            for id in ids {
                match cache.people.get(&id) {
                    Some(outcome) => _ = found.insert(id, outcome.clone()),
                    None => _ = hosts.entry(id.host().to_owned()).or_default().insert(id),
                }
            }
            start + self.budget.saturating_sub(cache.spent)
        };
        let searches = stream::iter(hosts.into_values())
            .map(|people| {
                stream::iter(people)
                    .map(|id| self.find_until(id, deadline))
                    .buffer_unordered(REQUESTS_PER_HOST)
            })
            .flatten_unordered(CONCURRENT_HOSTS);
        let outcomes: Vec<_> = searches.collect().await;
        let mut cache = self.cache();
        cache.spent += start.elapsed();
        for (id, outcome) in outcomes {
            if !matches!(outcome, Err(DiscoveryError::OutOfTime(_))) {
                cache.people.insert(id.clone(), outcome.clone());
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

    /// Queries a pod with WebFinger's earlier form; `None` if the pod does not support it.
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

    /// Sends a request as soon as a slot is free, unless the host is known to be unreachable. Only a person's own pod
    /// is marked as unreachable: a pod chooses the links on its pages, and must not prevent queries to other pods.
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
        let mut cache = self.cache();
        if let Some(host) = cache.hosts.get(&name) {
            return Ok(Arc::clone(host));
        }
        if !cache.asked.contains(&name) {
            if cache.asked.len() >= self.max_hosts {
                return Err(DiscoveryError::TooManyHosts { host: name, limit: self.max_hosts });
            }
            cache.asked.insert(name.clone());
        }
        let host = Arc::new(Host {
            slots: Semaphore::new(REQUESTS_PER_HOST),
            dead: OnceLock::new(),
            legacy: OnceCell::new(),
        });
        cache.hosts.insert(name, Arc::clone(&host));
        Ok(host)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the absolute address of a photo in an hCard. `None` for a pod's default picture, which diaspora* does not
/// store either (`Profile#image_url=`), and for addresses that no browser loads.
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
    fn photo_addresses_in_an_hcard_become_absolute() {
        let page = Url::parse("https://pod.example/hcard/users/0123456789abcdef").unwrap();
        let address = |text: &str| photo_address(&page, text);
        assert_eq!(address("http://cdn.example/a b\".webp").unwrap(), "http://cdn.example/a%20b%22.webp");
        assert_eq!(address("/uploads/a.webp").unwrap(), "https://pod.example/uploads/a.webp");
        assert_eq!(address("//cdn.example/a.webp").unwrap(), "https://cdn.example/a.webp");
        for unusable in [
            "/assets/user/default-0123.png",
            "https://pod.example/assets/user/default.png",
            "data:,x",
            "javascript:alert(1)",
        ] {
            assert_eq!(address(unusable), None);
        }
    }
}
