//! One archive out of several of the same account: what the newest says of the account, and every record that any of
//! them has, each as the newest that has it.
//!
//! ```text
//! archives ──newest first──▶ index: which archive gives which record
//!          ──oldest first──▶ spools, one for each list ──▶ diaspora.json, extras.json ──▶ archive
//! ```
//!
//! Archives are read twice, a record at a time; in memory is a digest of each record's name.

mod error;
mod index;
mod lists;
mod omissions;
mod output;
mod pages;
mod replies;
mod spools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::MergeError;

use super::encryption::Lock;
use super::manifest::{Manifest, MergedArchive};
use super::open::{AccountSignature, Archive, Origin, Verified};
use crate::domain::{SigningKey, Timestamp};
use crate::work_dir::WorkDir;

/// An archive that is to go into another.
pub struct MergeInput {
    /// The archive.
    pub archive: Archive<Verified>,
    /// SHA-256 of the file as it lies there, in hexadecimal digits.
    pub sha256: String,
    /// What it is called in errors.
    pub path: PathBuf,
}

/// How archives are merged.
pub struct MergeOptions<'a> {
    /// Where the archive goes; the folder must be there.
    pub folder: &'a Path,
    /// Where files in the making are, on the same file system.
    pub work: &'a WorkDir,
    /// The time in the archive and in its name.
    pub created_at: Timestamp,
    /// Program and version, for the manifest.
    pub created_by: String,
    /// What opens a private key under a passphrase; it stays under it.
    pub key_passphrase: Option<&'a str>,
    /// The pod's archive key. Without it the account's own key stands in its place, which vouches for nothing but
    /// that the account has put the archives together.
    pub archive_key: Option<&'a SigningKey>,
    /// Puts the whole archive under age.
    pub lock: Option<Lock>,
}

/// What merging made.
#[derive(Debug)]
pub struct Merged {
    /// The archive.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Whether the pod's archive key has signed.
    pub signed_by_pod: bool,
    /// Records that the newest archive does not have, by kind: they were deleted since, or could not be exported then,
    /// and are back.
    pub only_in_older: BTreeMap<&'static str, u64>,
}

/// Makes one archive out of several.
///
/// # Errors
/// [`MergeError`]; then nothing is left behind.
pub fn merge_archives(mut inputs: Vec<MergeInput>, options: &MergeOptions<'_>) -> Result<Merged, MergeError> {
    inputs.sort_by_key(|input| input.archive.manifest().map(as_of));
    let newest = check_same(&inputs, options)?;
    let index = index::Index::read(&mut inputs)?;
    let lists = lists::write(&mut inputs, &index, options.work.path())?;
    let omissions = omissions::merge(&inputs, &index);
    let merged_from = inputs.iter().filter_map(listed).collect();
    // What an archive only counted may be in another; that of the newest is what the account lacks.
    let mut more_omissions = omissions.more().clone();
    for (code, number) in &newest.more_omissions {
        *more_omissions.entry(*code).or_default() += number;
    }
    let omissions = omissions.listed().to_vec();
    let manifest = Manifest { omissions, more_omissions, merged_from, ..newest };
    output::write(&mut inputs, &index, lists, manifest, options)
}

/// The time whose state an archive shows.
fn as_of(manifest: &Manifest) -> Timestamp {
    manifest.merged_from.iter().map(|from| from.created_at).max().unwrap_or(manifest.created_at)
}

fn listed(input: &MergeInput) -> Option<MergedArchive> {
    let manifest = input.archive.manifest()?;
    Some(MergedArchive { sha256: input.sha256.clone(), created_at: as_of(manifest) })
}

/// All must be archives of one account with one key; gives the manifest of the newest.
fn check_same(inputs: &[MergeInput], options: &MergeOptions<'_>) -> Result<Manifest, MergeError> {
    let Some(last) = inputs.last().filter(|_| inputs.len() > 1) else { return Err(MergeError::TooFew) };
    let unsigned = |input: &MergeInput| MergeError::Unsigned(input.path.clone());
    let newest = last.archive.manifest().ok_or_else(|| unsigned(last))?;
    let pod = match options.archive_key {
        Some(key) => Some(key.public_key()?.fingerprint()),
        None => None,
    };
    for input in inputs {
        let manifest = input.archive.manifest().ok_or_else(|| unsigned(input))?;
        let (one, other) = (&newest.account, &manifest.account);
        if (&one.diaspora_id, &one.guid) != (&other.diaspora_id, &other.guid) {
            return Err(MergeError::AnotherAccount {
                path: input.path.clone(),
                found: other.diaspora_id.to_string(),
                expected: one.diaspora_id.to_string(),
            });
        }
        if one.key_fingerprint != other.key_fingerprint {
            return Err(MergeError::AnotherKey { path: input.path.clone() });
        }
        let Origin::Pappus { account, pod: signed_by } = &input.archive.report().origin else {
            return Err(unsigned(input));
        };
        // The pod would vouch for what it has never seen.
        if let Some(pod) = pod.as_ref().filter(|pod| *pod != signed_by) {
            return Err(MergeError::AnotherPodKey {
                path: input.path.clone(),
                found: signed_by.to_string(),
                expected: pod.to_string(),
            });
        }
        if *account == AccountSignature::Absent && pod.is_none() {
            return Err(MergeError::NobodySigns);
        }
    }
    Ok(newest.clone())
}
