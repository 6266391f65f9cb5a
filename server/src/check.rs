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
pub struct CheckItem {
    /// The item checked.
    #[serde(rename = "what")]
    pub name: &'static str,
    /// The finding.
    #[serde(rename = "found")]
    pub finding: String,
    /// True if the check passed.
    #[serde(rename = "good")]
    pub is_ok: bool,
}

/// Runs all checks, even after a failed one.
pub async fn check(config: &Config) -> Vec<CheckItem> {
    let mut items = pod(config).await;
    let store = Store::open(&config.store).await;
    items.push(item("Pappus's own database", store.as_ref().map(|_| config.store.to_string())));
    let depot = match &store {
        Ok(store) => item("archives", crate::place::open(config, store).await.map(|depot| depot.location())),
        Err(_) => item("archives", without_store(config).await.map(|depot| depot.location())),
    };
    items.push(depot);
    if let Ok(store) = store {
        let keys = CampaignKeys::new(&config.state, &store, &config.pod_url);
        let state = keys.list().await.map(|keys| match keys.last() {
            None => "none yet; created at the first start".to_owned(),
            Some(newest) if newest.identity_here => format!("{} of them, the newest is here", keys.len()),
            Some(_) => String::new(),
        });
        let is_elsewhere = matches!(&state, Ok(text) if text.is_empty());
        let mut key_item = item("keys of the archives", state);
        if is_elsewhere {
            let finding = "the private key is on another machine: run pappus keys restore".to_owned();
            key_item = CheckItem { finding, is_ok: false, ..key_item };
        }
        items.push(key_item);
        store.close().await;
    }
    let web = &config.web;
    let is_unencrypted = !web.is_secure() && !web.is_local();
    items.push(CheckItem {
        name: "address people see",
        finding: if is_unencrypted {
            format!(
                "{}: passwords would cross the network unencrypted; put a proxy with TLS before it",
                web.public_url
            )
        } else {
            format!("{}, served at {}", web.public_url, web.listen)
        },
        is_ok: !is_unencrypted,
    });
    if let Some(finding) = web.unknown_proxy() {
        items.push(CheckItem { name: "proxy", finding, is_ok: false });
    }
    if let Some(finding) = web.missing_proxy() {
        items.push(CheckItem { name: "proxy", finding, is_ok: true });
    }
    items.push(mail(config));
    if config.newcomers.enabled {
        items.push(item("uploads of newcomers", crate::newcomers::check_upload_disk(config)));
    }
    if config.newcomers.enabled && config.podmin_email.is_none() {
        let finding = "is unknown, so newcomers cannot contact the podmin; set pod.podmin_email".to_owned();
        items.push(CheckItem { name: "podmin's address", finding, is_ok: true });
    }
    items
}

/// Opens the depot when its identity cannot be looked up.
async fn without_store(config: &Config) -> Result<Depot, DepotError> {
    let depot = Depot::open(&config.depot).await?;
    depot.expect_disk(crate::place::RESERVE_BYTES)?;
    Ok(depot)
}

async fn pod(config: &Config) -> Vec<CheckItem> {
    let Some(pod) = &config.pod else {
        let finding = format!("{} is gone; only stored archives can be downloaded", config.pod_url);
        return vec![CheckItem { name: "pod", finding, is_ok: true }];
    };
    let database = async {
        let mut snapshot = Snapshot::open(&pod.database).await.map_err(|error| error.to_string())?;
        let schema = read_schema(&mut snapshot).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(format!("{}, {}", pod.database, schema.software()))
    };
    let uploads = PhotoStore::of_pod(&pod.uploads, &pod.database).await.map(|_| "can be read".to_owned());
    vec![
        CheckItem { name: "pod", finding: pod.url.to_string(), is_ok: true },
        item("pod's database", database.await),
        item("pod's uploads", uploads),
    ]
}

fn mail(config: &Config) -> CheckItem {
    let (finding, is_ok) =
        match (config.mail.server.as_ref().or(config.mail.folder.as_ref()), &config.mail.from) {
            (Some(_), Some(from)) => (format!("is sent from {from}"), true),
            (None, None) => {
                ("is not sent: people who have forgotten their password cannot sign in".to_owned(), true)
            }
            _ => ("needs both mail.server and mail.from".to_owned(), false),
        };
    CheckItem { name: "mail", finding, is_ok }
}

fn item<E: std::fmt::Display>(name: &'static str, finding: Result<String, E>) -> CheckItem {
    match finding {
        Ok(finding) => CheckItem { name, finding, is_ok: true },
        Err(error) => CheckItem { name, finding: error.to_string(), is_ok: false },
    }
}
