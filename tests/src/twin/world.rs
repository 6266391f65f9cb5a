//! All pods together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pod::{Echo, Identity, Pod, Software};

/// All pods, and whom anybody can look up. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct World(Arc<Mutex<Inner>>);

/// What is in it.
#[derive(Debug, Default)]
pub struct Inner {
    /// By host and port, as in a diaspora* ID.
    pub pods: BTreeMap<String, Pod>,
    /// People whose pods answer.
    pub identities: HashMap<String, Identity>,
    /// Everything that was posted: pod, path, time.
    pub posts: Vec<(String, String, i64)>,
    outbox: Vec<Echo>,
}

impl World {
    /// Everything, for looking at and changing.
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A POST to a pod; the status that it answers, none when it does not.
    pub fn post(&self, host: &str, path: &str, body: &[u8], now: i64) -> Option<u16> {
        let mut inner = self.inner();
        let Inner { pods, identities, posts, .. } = &mut *inner;
        let pod = pods.get_mut(host).filter(|pod| pod.is_up)?;
        posts.push((host.to_owned(), path.to_owned(), now));
        Some(pod.receive(path, body, now, identities))
    }

    /// A GET: `NodeInfo`, and what says who its users are.
    pub fn get(&self, host: &str, (path, query): (&str, &str), scheme: &str) -> Option<(u16, String)> {
        let inner = self.inner();
        let pod = inner.pods.get(host).filter(|pod| pod.is_up)?;
        let name = match pod.software {
            Software::Diaspora => "diaspora",
            Software::Hubzilla => "hubzilla",
        };
        let document = match path {
            "/.well-known/nodeinfo" => serde_json::json!({ "links": [{
                "rel": "http://nodeinfo.diaspora.software/ns/schema/2.0",
                "href": format!("{scheme}://{host}/nodeinfo/2.0"),
            }] }),
            "/nodeinfo/2.0" => serde_json::json!({ "version": "2.0", "software": { "name": name } }),
            _ => return Some(pod.look_up((path, query), &format!("{scheme}://{host}/"))),
        };
        Some((200, document.to_string()))
    }

    /// Lets all pods work until `now`; gives what they send to the target pod.
    pub fn work(&self, now: i64) -> Vec<Echo> {
        let mut inner = self.inner();
        let Inner { pods, identities, outbox, .. } = &mut *inner;
        for pod in pods.values_mut().filter(|pod| pod.is_up) {
            outbox.extend(pod.work(now, identities));
        }
        let retractions: Vec<String> =
            pods.values_mut().flat_map(|pod| std::mem::take(&mut pod.retractions)).collect();
        for account in &retractions {
            pods.values_mut().filter(|pod| pod.is_up).for_each(|pod| pod.take_retraction(account, now));
        }
        std::mem::take(outbox)
    }

    /// Whether every pod that is up has done its work.
    pub fn is_idle(&self) -> bool {
        self.inner().pods.values().all(|pod| !pod.is_up || pod.is_idle())
    }
}
