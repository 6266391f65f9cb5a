//! Opens the pod specified in the arguments.

use std::collections::BTreeMap;
use std::path::Path;

use pappus_engine::pod::config::{PodConfig, PodUrl, Uploads, read_pod_directory, reserved_names};
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::schema::{SchemaVersion, read_schema};
use pappus_engine::pod::uploads::{PhotoStore, UploadsError};
use pappus_engine::sql::DatabaseUrl;

use crate::arguments::PodArguments;
use crate::error::Failure;

/// Returns the pod's configuration: arguments override its files.
pub(crate) fn configuration(arguments: &PodArguments) -> Result<PodConfig, Failure> {
    let database = arguments.database_url.as_deref().map(DatabaseUrl::parse).transpose()?;
    let url = arguments.pod_url.as_deref().map(PodUrl::parse).transpose()?;
    let uploads =
        arguments.uploads.as_deref().map(|location| Uploads::parse(location, &environment)).transpose()?;
    match (&arguments.pod, database, url, uploads) {
        (None, Some(database), Some(url), Some(uploads)) => {
            Ok(PodConfig { database, url, uploads, reserved_names: reserved_names(), podmin_email: None })
        }
        (Some(folder), database, url, uploads) => {
            let config = read_pod_directory(folder, &environment)?;
            Ok(PodConfig {
                database: database.unwrap_or(config.database),
                url: url.unwrap_or(config.url),
                uploads: uploads.unwrap_or(config.uploads),
                reserved_names: config.reserved_names,
                podmin_email: config.podmin_email,
            })
        }
        (None, database, url, uploads) => {
            let options = [
                ("--database-url", database.is_some()),
                ("--pod-url", url.is_some()),
                ("--uploads", uploads.is_some()),
            ];
            let missing: Vec<&str> =
                options.into_iter().filter(|(_, is_given)| !is_given).map(|(option, _)| option).collect();
            Err(Failure::usage(format!(
                "specify the pod with --pod DIR, or with all of --database-url, --pod-url and --uploads; missing: {}",
                if missing.len() == options.len() { "--pod".to_owned() } else { missing.join(", ") }
            )))
        }
    }
}

/// Returns only the pod's address, for commands that also work when the pod is gone.
pub(crate) fn address(folder: Option<&Path>, url: Option<&str>) -> Result<PodUrl, Failure> {
    match (url, folder) {
        (Some(url), _) => Ok(PodUrl::parse(url)?),
        (None, Some(folder)) => Ok(read_pod_directory(folder, &environment)?.url),
        (None, None) => Err(Failure::message("specify the pod with --pod, or its address with --pod-url")),
    }
}

/// Reads a variable of the environment. All reads of the environment go through this function.
#[expect(clippy::disallowed_methods, reason = "the program passes the environment to the engine")]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Describes accounts whose IDs have another host than the pod's address; `None` if all IDs match.
pub(crate) fn other_hosts(url: &PodUrl, hosts: &BTreeMap<String, u64>) -> Option<String> {
    let accounts: u64 = hosts.values().sum();
    let domains: Vec<String> = hosts.keys().take(5).map(|host| format!("@{host}")).collect();
    let domains = domains.join(", ");
    let domains = if hosts.len() > 5 { format!("{domains} and others") } else { domains };
    let (noun, verb) = if accounts == 1 { ("ID", "ends") } else { ("IDs", "end") };
    (accounts > 0).then(|| {
        format!(
            "The {noun} of {} {verb} in {domains}, not in @{} as the pod's address gives. If the pod has changed its \
             address, this is correct: people keep their IDs. If not, correct --pod-url or the pod's configuration \
             first.",
            match accounts {
                1 => "one account".to_owned(),
                count => format!("{} accounts", crate::commands::thousands(count)),
            },
            url.diaspora_host()
        )
    })
}

/// Opens the pod's photo files.
pub(crate) async fn uploads(config: &PodConfig) -> Result<PhotoStore, UploadsError> {
    PhotoStore::of_pod(&config.uploads, &config.database).await
}

/// Opens a snapshot of the pod, and reads its schema version.
pub(crate) async fn open(config: &PodConfig) -> Result<(Snapshot, SchemaVersion), Failure> {
    let mut snapshot = Snapshot::open(&config.database).await?;
    let schema = read_schema(&mut snapshot).await?;
    Ok((snapshot, schema))
}
