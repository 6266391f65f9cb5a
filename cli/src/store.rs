//! From arguments to Pappus's own folder and database.

use std::path::PathBuf;

use pappus_engine::pod::config::{DatabaseUrl, PodUrl};
use pappus_engine::store::{StateFolder, Store};

use crate::arguments::StoreArguments;
use crate::error::Failure;
use crate::pod;

/// `--state`, or the folder the desktop conventions name.
pub(crate) fn state_root(argument: Option<PathBuf>) -> Result<PathBuf, Failure> {
    argument
        .or_else(|| pod::environment("XDG_STATE_HOME").map(|home| PathBuf::from(home).join("pappus")))
        .or_else(|| pod::environment("HOME").map(|home| PathBuf::from(home).join(".local/state/pappus")))
        .ok_or_else(|| {
            Failure::say("there is no HOME to keep Pappus's own state in: name a folder with --state")
        })
}

/// Opens the store for work on a pod.
pub(crate) async fn open(arguments: &StoreArguments, pod: &PodUrl) -> Result<Store, Failure> {
    let url = match &arguments.store {
        Some(url) => DatabaseUrl::parse(url)?,
        None => StateFolder::open(&state_root(arguments.state.clone())?, pod)?.database()?,
    };
    Ok(Store::open(&url).await?)
}
