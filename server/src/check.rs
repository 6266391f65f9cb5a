//! Checks that everything the configuration names exists: the output of `pappus serve --check`.

use pappus_engine::depot::{CampaignKeys, Depot, DepotError};
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::schema::read_schema;
use pappus_engine::pod::uploads::PhotoStore;
use pappus_engine::store::Store;
use serde::Serialize;

use crate::config::Config;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The item checked.
    pub what: &'static str,
    /// The finding.
    pub found: String,
    /// True if the check passed.
    pub good: bool,
}

/// Runs all checks, even after a failed one.
pub async fn check(config: &Config) -> Vec<Checked> {
    let mut checked = pod(config).await;
    let store = Store::open(&config.store).await;
    checked.push(item("Pappus's own database", store.as_ref().map(|_| config.store.to_string())));
    let place = match &store {
        Ok(store) => item("archives", crate::place::open(config, store).await.map(|depot| depot.location())),
        Err(_) => item("archives", without_store(config).await.map(|depot| depot.location())),
    };
    checked.push(place);
    if let Ok(store) = store {
        let keys = CampaignKeys::new(&config.state, &store, &config.pod_url);
        let opens = keys.list().await.map(|keys| match keys.last() {
            None => "none yet; made at the first start".to_owned(),
            Some(newest) if newest.identity_here => format!("{} of them, the newest is here", keys.len()),
            Some(_) => String::new(),
        });
        let elsewhere = matches!(&opens, Ok(text) if text.is_empty());
        let mut opens = item("keys of the archives", opens);
        if elsewhere {
            let found = "what opens them is on another machine: pappus keys restore".to_owned();
            opens = Checked { found, good: false, ..opens };
        }
        checked.push(opens);
        store.close().await;
    }
    let web = &config.web;
    let plain = !web.is_secure() && !web.is_local();
    checked.push(Checked {
        what: "address people see",
        found: if plain {
            format!(
                "{}: passwords would cross the network in clear; put a proxy with TLS before it",
                web.public_url
            )
        } else {
            format!("{}, served at {}", web.public_url, web.listen)
        },
        good: !plain,
    });
    if let Some(found) = web.unknown_proxy() {
        checked.push(Checked { what: "proxy", found, good: false });
    }
    if let Some(found) = web.missing_proxy() {
        checked.push(Checked { what: "proxy", found, good: true });
    }
    checked.push(mail(config));
    if config.newcomers.enabled {
        checked.push(item("uploads of newcomers", crate::newcomers::check_upload_disk(config)));
    }
    if config.newcomers.enabled && config.podmin_email.is_none() {
        let found = "is not known: newcomers have nobody to ask; set pod.podmin_email".to_owned();
        checked.push(Checked { what: "podmin's address", found, good: true });
    }
    checked
}

/// Opens the depot when its identity cannot be looked up.
async fn without_store(config: &Config) -> Result<Depot, DepotError> {
    let depot = Depot::open(&config.depot).await?;
    depot.expect_disk(crate::place::RESERVE)?;
    Ok(depot)
}

async fn pod(config: &Config) -> Vec<Checked> {
    let Some(pod) = &config.pod else {
        let found = format!("{} is gone; only what is kept can be fetched", config.pod_url);
        return vec![Checked { what: "pod", found, good: true }];
    };
    let database = async {
        let mut snapshot = Snapshot::open(&pod.database).await.map_err(|error| error.to_string())?;
        let schema = read_schema(&mut snapshot).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(format!("{}, {}", pod.database, schema.software()))
    };
    let uploads = PhotoStore::of_pod(&pod.uploads, &pod.database).await.map(|_| "can be read".to_owned());
    vec![
        Checked { what: "pod", found: pod.url.to_string(), good: true },
        item("pod's database", database.await),
        item("pod's uploads", uploads),
    ]
}

fn mail(config: &Config) -> Checked {
    let (found, good) = match (config.mail.server.as_ref().or(config.mail.folder.as_ref()), &config.mail.from)
    {
        (Some(_), Some(from)) => (format!("comes from {from}"), true),
        (None, None) => {
            ("is not sent: people who have forgotten their password cannot get in".to_owned(), true)
        }
        _ => ("needs both mail.server and mail.from".to_owned(), false),
    };
    Checked { what: "mail", found, good }
}

fn item<E: std::fmt::Display>(what: &'static str, found: Result<String, E>) -> Checked {
    match found {
        Ok(found) => Checked { what, found, good: true },
        Err(error) => Checked { what, found: error.to_string(), good: false },
    }
}
