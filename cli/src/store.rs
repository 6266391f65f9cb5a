//! Opens Pappus's own folder and database.

use std::path::PathBuf;

use pappus_engine::depot::CampaignKeys;
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{StateFolder, Store};

use crate::arguments::StoreArguments;
use crate::error::Failure;
use crate::pod;

/// Returns `--state`, or the default folder of the XDG Base Directory Specification.
pub(crate) fn state_root(argument: Option<PathBuf>) -> Result<PathBuf, Failure> {
    argument
        .or_else(|| pod::environment("XDG_STATE_HOME").map(|home| PathBuf::from(home).join("pappus")))
        .or_else(|| pod::environment("HOME").map(|home| PathBuf::from(home).join(".local/state/pappus")))
        .ok_or_else(|| {
            Failure::message(
                "HOME is not set, so there is no folder for Pappus's own state: specify one with --state",
            )
        })
}

/// Opens the store if it exists: a dry run creates none.
pub(crate) async fn open_existing(
    arguments: &StoreArguments,
    pod: &PodUrl,
) -> Result<Option<Store>, Failure> {
    let url = match &arguments.store {
        Some(url) => DatabaseUrl::parse(url)?,
        None => match find_folder(arguments, pod) {
            Some(folder) => folder.database()?,
            None => return Ok(None),
        },
    };
    Ok(Store::open_existing(&url).await?)
}

/// Returns Pappus's own folder for a pod, if it exists.
fn find_folder(arguments: &StoreArguments, pod: &PodUrl) -> Option<StateFolder> {
    StateFolder::find(&state_root(arguments.state.clone()).ok()?, pod)
}

/// Returns the keys that encrypt secrets in the store; `None` if Pappus's own folder, which contains them, is missing.
pub(crate) fn keys(arguments: &StoreArguments, store: &Store, pod: &PodUrl) -> Option<CampaignKeys> {
    find_folder(arguments, pod).map(|folder| CampaignKeys::new(&folder, store, pod))
}

/// Like [`keys`], but creates the folder if it is missing.
pub(crate) fn new_keys(
    arguments: &StoreArguments,
    store: &Store,
    pod: &PodUrl,
) -> Result<CampaignKeys, Failure> {
    let folder = StateFolder::open(&state_root(arguments.state.clone())?, pod)?;
    Ok(CampaignKeys::new(&folder, store, pod))
}

/// Opens the store for a pod; creates it if it is missing.
pub(crate) async fn open(arguments: &StoreArguments, pod: &PodUrl) -> Result<Store, Failure> {
    Ok(Store::open(&address(arguments, pod)?).await?)
}

/// Returns the address of the store; creates the folder of a database file if it is missing.
pub(crate) fn address(arguments: &StoreArguments, pod: &PodUrl) -> Result<DatabaseUrl, Failure> {
    Ok(match &arguments.store {
        Some(url) => DatabaseUrl::parse(url)?,
        None => StateFolder::open(&state_root(arguments.state.clone())?, pod)?.database()?,
    })
}
