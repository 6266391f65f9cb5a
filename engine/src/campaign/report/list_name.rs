//! Names of campaign lists, unique to each campaign.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::campaign::report::list::{ListHead, ListOf, SIGNATURE};
use crate::campaign::report::list_reader::{read_head, read_list};
use crate::depot::{Depot, DepotError, Stored};

/// The list's name without extension, when no other campaign has one in the same depot.
const NAME: &str = "campaign";

/// A list under a name that belongs to its campaign.
pub(in crate::campaign) struct Claimed {
    /// The name without its extension.
    pub(in crate::campaign) name: String,
    pub(in crate::campaign) json: Stored,
    /// The error in the previous list.
    pub(in crate::campaign) repaired: Option<String>,
}

/// Stores a list under the first name that is free or the campaign's own; another campaign's list remains.
pub(in crate::campaign) async fn claim(
    depot: &Depot,
    campaign: &ListOf<'_>,
    head: &ListHead,
    json: &Path,
    folder: &Path,
) -> Result<Claimed, DepotError> {
    let mut last = String::new();
    for name in candidates(campaign) {
        let file = format!("{name}.json");
        let own = campaign.list_name == Some(name.as_str());
        let mut standing = owner_of(depot, &file, head, own, folder).await?;
        if matches!(standing, NameOwner::Free) {
            match depot.put(&file, json).await {
                Ok(json) => return Ok(Claimed { name, json, repaired: None }),
                // Another campaign, or another worker of this one, was faster.
                Err(DepotError::Taken { .. }) => standing = owner_of(depot, &file, head, own, folder).await?,
                Err(error) => return Err(error),
            }
        }
        if let NameOwner::Own { broken } = standing {
            let json = depot.replace(&file, json).await?;
            return Ok(Claimed { name, json, repaired: broken });
        }
        last = file;
    }
    Err(DepotError::Taken { place: depot.place(), name: last })
}

/// Returns the names a list may have, in order of preference.
fn candidates(campaign: &ListOf<'_>) -> Vec<String> {
    let named = format!("{NAME}-{}", plain(campaign.name));
    let tagged = campaign.tag.map(|tag| format!("{named}-{tag}"));
    let all = campaign.list_name.map(str::to_owned).into_iter().chain([NAME.to_owned(), named]).chain(tagged);
    all.fold(Vec::new(), |mut names, name| {
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
        broken: Option<String>,
    },
    /// Another campaign, or the file is unreadable and was not written by this one.
    Other,
}

async fn owner_of(
    depot: &Depot,
    file: &str,
    head: &ListHead,
    own: bool,
    folder: &Path,
) -> Result<NameOwner, DepotError> {
    if depot.stat(file).await?.is_none() {
        return Ok(NameOwner::Free);
    }
    let copy = depot.local_copy(file, folder).await?;
    match read_head(copy.path()) {
        Ok(there) if there.is_of(head) => {
            let broken = read_list(copy.path(), |_| true).err().map(|error| error.to_string());
            Ok(NameOwner::Own { broken })
        }
        Err(error) if own => Ok(NameOwner::Own { broken: Some(error.to_string()) }),
        _ => Ok(NameOwner::Other),
    }
}

/// Converts a campaign's name to a file name. Different names remain different.
pub(in crate::campaign) fn plain(name: &str) -> String {
    let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if name.chars().all(good) && (1..=100).contains(&name.len()) {
        return name.to_owned();
    }
    let digest = hex::encode(Sha256::digest(name.as_bytes()));
    let kept: String = name.chars().map(|letter| if good(letter) { letter } else { '_' }).take(60).collect();
    format!("{kept}-{}", digest.get(..8).unwrap_or_default())
}

/// Returns whether a file in a depot is a list, by its name.
pub(in crate::campaign) fn is_list(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|name| {
        name == NAME
            || name.strip_prefix(NAME).is_some_and(|rest| rest.starts_with('-') && is_depot_safe(rest))
    })
}

/// Returns whether a file belongs to a list without being one.
pub(in crate::campaign) fn belongs_to_list(name: &str) -> bool {
    let json = name.strip_suffix(SIGNATURE).map_or_else(
        || name.strip_suffix(".csv").map(|name| format!("{name}.json")),
        |name| Some(name.to_owned()),
    );
    json.is_some_and(|json| is_list(&json))
}

fn is_depot_safe(rest: &str) -> bool {
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
