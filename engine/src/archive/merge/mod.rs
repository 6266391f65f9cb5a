//! Merges several archives of one account: the settings of the newest, and every record of any of them, each from the
//! newest archive that has it.
//!
//! ```text
//! archives ──newest first──▶ index: the archive that supplies each record
//!          ──oldest first──▶ spools, one for each list ──▶ diaspora.json, extras.json ──▶ archive
//! ```
//!
//! Archives are read twice, a record at a time; only a digest of each record's name is kept in memory.

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

use super::encryption::EncryptTo;
use super::manifest::{Manifest, MergedArchive};
use super::open::{AccountSignature, Archive, Origin, Verified};
use crate::domain::{SigningKey, Timestamp};
use crate::work_dir::WorkDir;

/// An archive to be merged.
pub struct MergeInput {
    /// The archive.
    pub archive: Archive<Verified>,
    /// SHA-256 of the file on disk, in hexadecimal digits.
    pub sha256: String,
    /// Its path, for errors.
    pub path: PathBuf,
}

/// Options of a merge.
pub struct MergeOptions<'a> {
    /// The output folder, which must exist.
    pub folder: &'a Path,
    /// The folder for temporary files, on the same file system.
    pub work: &'a WorkDir,
    /// The creation time, in the archive and in its name.
    pub created_at: Timestamp,
    /// The program, with version, for the manifest.
    pub created_by: String,
    /// The passphrase of an encrypted private key, which stays encrypted.
    pub key_passphrase: Option<&'a str>,
    /// The pod's archive key. Without it, the account's own key signs in its place, which proves only that the
    /// account merged the archives.
    pub archive_key: Option<&'a SigningKey>,
    /// Encrypts the whole archive with age.
    pub encrypt_to: Option<EncryptTo>,
}

/// The result of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The archive.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The manifest.
    pub manifest: Manifest,
    /// True if the pod's archive key signed it.
    pub signed_by_pod: bool,
    /// The number of records by kind that the newest archive lacks: deleted in the meantime, or no longer
    /// exportable; the merge restores them.
    pub only_in_older: BTreeMap<&'static str, u64>,
}

/// Merges several archives into one.
///
/// # Errors
/// [`MergeError`]; no files are left behind.
pub fn merge_archives(mut inputs: Vec<MergeInput>, options: &MergeOptions<'_>) -> Result<Merged, MergeError> {
    inputs.sort_by_key(|input| input.archive.manifest().map(state_time));
    let newest = check_compatible(&inputs, options)?;
    let index = index::Index::read(&mut inputs)?;
    let lists = lists::write(&mut inputs, &index, options.work.path())?;
    let omissions = omissions::merge(&inputs, &index);
    let merged_from = inputs.iter().filter_map(merged_archive).collect();
    // Omissions that older archives only counted may be in another archive, so only the newest one's counts remain.
    let mut more_omissions = omissions.unlisted().clone();
    for (code, count) in &newest.more_omissions {
        *more_omissions.entry(*code).or_default() += count;
    }
    let omissions = omissions.listed().to_vec();
    let manifest = Manifest { omissions, more_omissions, merged_from, ..newest };
    output::write(&mut inputs, &index, lists, manifest, options)
}

/// Returns the time of the account's state in an archive.
fn state_time(manifest: &Manifest) -> Timestamp {
    manifest.merged_from.iter().map(|from| from.created_at).max().unwrap_or(manifest.created_at)
}

fn merged_archive(input: &MergeInput) -> Option<MergedArchive> {
    let manifest = input.archive.manifest()?;
    Some(MergedArchive { sha256: input.sha256.clone(), created_at: state_time(manifest) })
}

/// Checks that all are archives of one account with one key; returns the manifest of the newest.
fn check_compatible(inputs: &[MergeInput], options: &MergeOptions<'_>) -> Result<Manifest, MergeError> {
    let Some(last) = inputs.last().filter(|_| inputs.len() > 1) else { return Err(MergeError::TooFew) };
    let unsigned = |input: &MergeInput| MergeError::Unsigned(input.path.clone());
    let newest = last.archive.manifest().ok_or_else(|| unsigned(last))?;
    let pod = match options.archive_key {
        Some(key) => Some(key.public_key()?.fingerprint()),
        None => None,
    };
    for input in inputs {
        let manifest = input.archive.manifest().ok_or_else(|| unsigned(input))?;
        let (expected, found) = (&newest.account, &manifest.account);
        if (&expected.diaspora_id, &expected.guid) != (&found.diaspora_id, &found.guid) {
            return Err(MergeError::AnotherAccount {
                path: input.path.clone(),
                found: found.diaspora_id.to_string(),
                expected: expected.diaspora_id.to_string(),
            });
        }
        if expected.key_fingerprint != found.key_fingerprint {
            return Err(MergeError::AnotherKey { path: input.path.clone() });
        }
        let Origin::Pappus { account, pod: signed_by } = &input.archive.report().origin else {
            return Err(unsigned(input));
        };
        // Otherwise the pod would vouch for an archive that it never signed.
        if let Some(pod) = pod.as_ref().filter(|pod| *pod != signed_by) {
            return Err(MergeError::AnotherPodKey {
                path: input.path.clone(),
                found: signed_by.to_string(),
                expected: pod.to_string(),
            });
        }
        if *account == AccountSignature::Absent && pod.is_none() {
            return Err(MergeError::NoSigningKey);
        }
    }
    Ok(newest.clone())
}
