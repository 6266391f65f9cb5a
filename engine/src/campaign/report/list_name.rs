//! Names of campaign lists, unique to each campaign.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::campaign::report::list::{ListHead, ListOf, SIGNATURE_EXTENSION};
use crate::campaign::report::list_reader::{read_head, read_list};
use crate::depot::{Depot, DepotError, Stored};

/// The name of a list without its extension, unless another campaign has it in the same depot.
const DEFAULT_NAME: &str = "campaign";

/// A list under a name that belongs to its campaign.
pub(in crate::campaign) struct ClaimedList {
    /// The name without its extension.
    pub(in crate::campaign) name: String,
    pub(in crate::campaign) json: Stored,
    /// The error in the previous list, if it was damaged.
    pub(in crate::campaign) repaired: Option<String>,
}

/// Stores a list under the first name that is free or the campaign's own. Other campaigns' lists are not replaced.
pub(in crate::campaign) async fn claim(
    depot: &Depot,
    campaign: &ListOf<'_>,
    head: &ListHead,
    json: &Path,
    folder: &Path,
) -> Result<ClaimedList, DepotError> {
    let mut last_file = String::new();
    for name in candidates(campaign) {
        let file = format!("{name}.json");
        let is_own = campaign.list_name == Some(name.as_str());
        let mut owner = owner_of(depot, &file, head, is_own, folder).await?;
        if matches!(owner, NameOwner::Free) {
            match depot.put(&file, json).await {
                Ok(json) => return Ok(ClaimedList { name, json, repaired: None }),
                // Another campaign, or another worker of this one, was faster.
                Err(DepotError::Taken { .. }) => owner = owner_of(depot, &file, head, is_own, folder).await?,
                Err(error) => return Err(error),
            }
        }
        if let NameOwner::Own { error } = owner {
            let json = depot.replace(&file, json).await?;
            return Ok(ClaimedList { name, json, repaired: error });
        }
        last_file = file;
    }
    Err(DepotError::Taken { location: depot.location(), name: last_file })
}

/// Returns the names a list may have, in order of preference.
fn candidates(campaign: &ListOf<'_>) -> Vec<String> {
    let with_name = format!("{DEFAULT_NAME}-{}", file_name(campaign.name));
    let with_tag = campaign.tag.map(|tag| format!("{with_name}-{tag}"));
    let names = campaign
        .list_name
        .map(str::to_owned)
        .into_iter()
        .chain([DEFAULT_NAME.to_owned(), with_name])
        .chain(with_tag);
    names.fold(Vec::new(), |mut names, name| {
        if !names.contains(&name) {
            names.push(name);
        }
        names
    })
}

/// The owner of a name.
enum NameOwner {
    Free,
    /// This campaign, with the error in the existing list.
    Own {
        error: Option<String>,
    },
    /// Another campaign, or the file is unreadable and was not written by this one.
    Other,
}

async fn owner_of(
    depot: &Depot,
    file: &str,
    head: &ListHead,
    is_own: bool,
    folder: &Path,
) -> Result<NameOwner, DepotError> {
    if depot.stat(file).await?.is_none() {
        return Ok(NameOwner::Free);
    }
    let copy = depot.local_copy(file, folder).await?;
    match read_head(copy.path()) {
        Ok(existing) if existing.is_of(head) => {
            let error = read_list(copy.path(), |_| true).err().map(|error| error.to_string());
            Ok(NameOwner::Own { error })
        }
        Err(error) if is_own => Ok(NameOwner::Own { error: Some(error.to_string()) }),
        _ => Ok(NameOwner::Other),
    }
}

/// Converts a campaign's name to a file name. Different names remain different.
pub(in crate::campaign) fn file_name(name: &str) -> String {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if name.chars().all(is_allowed) && (1..=100).contains(&name.len()) {
        return name.to_owned();
    }
    let digest = hex::encode(Sha256::digest(name.as_bytes()));
    let replaced: String =
        name.chars().map(|letter| if is_allowed(letter) { letter } else { '_' }).take(60).collect();
    format!("{replaced}-{}", digest.get(..8).unwrap_or_default())
}

/// Returns whether a file in a depot is a list, by its name.
pub(in crate::campaign) fn is_list(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|name| {
        name == DEFAULT_NAME
            || name
                .strip_prefix(DEFAULT_NAME)
                .is_some_and(|rest| rest.starts_with('-') && is_depot_safe(rest))
    })
}

/// Returns whether a file is the signature or the spreadsheet of a list, by its name.
pub(in crate::campaign) fn belongs_to_list(name: &str) -> bool {
    let json = name.strip_suffix(SIGNATURE_EXTENSION).map_or_else(
        || name.strip_suffix(".csv").map(|name| format!("{name}.json")),
        |name| Some(name.to_owned()),
    );
    json.is_some_and(|json| is_list(&json))
}

fn is_depot_safe(rest: &str) -> bool {
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
