//! The steps of a verification, in their order.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek};

use super::archive::{Archive, Originals, Unverified, Verified};
use super::content::Container;
use super::photo_names::PhotoNames;
use super::progress::{ByteCount, CountingReader};
use super::report::{AccountSignature, FindingCode, Findings, KeyOrigin, Origin, Verification};
use super::shape::{DocumentShape, Strictness, Tally};
use super::signatures::{self, KeyFinder};
use super::zip::{Entry, Zip};
use super::{VerifyError, digests, manifest};
use crate::archive::EXTRAS_FORMAT;
use crate::archive::document::{DocumentError, read_document, read_extras};
use crate::archive::limits::Limits;
use crate::archive::manifest::{CountKind, Manifest};
use crate::archive::names;
use crate::domain::DiasporaId;
use crate::progress::Progress;

pub(super) fn verify(
    archive: Archive<Unverified>,
    progress: &dyn Progress,
) -> Result<Archive<Verified>, VerifyError> {
    let Archive { mut container, mut photos, limits, state: Unverified { total_bytes } } = archive;
    let progress = ByteCount::begin(progress, total_bytes);
    let state = if let Container::Pappus(zip) = &mut container {
        let (manifest, origin) = check_integrity(zip, &limits, &progress)?;
        let mut shape = read_shape(&mut container, &limits, Tally::new(Strictness::Signed), &progress)?;
        check_owner(&shape, &manifest)?;
        let mut for_stock_pods = false;
        if let Container::Pappus(zip) = &mut container {
            check_extras(zip, &limits, &mut shape, &progress)?;
            for_stock_pods = manifest::is_for_stock_pods(zip);
        }
        count_photo_files(&manifest, &mut shape.tally);
        check_counts(&manifest, &shape.tally)?;
        let report = signed_report(origin, &manifest, shape.tally, for_stock_pods);
        Verified { report, manifest: Some(manifest), photo_names: HashMap::new() }
    } else {
        if let Some(zip) = &mut photos {
            digests::check_whole(zip, &progress).map_err(|error| match error {
                VerifyError::Io(error) => VerifyError::Io(error),
                other => VerifyError::Photos(Box::new(other)),
            })?;
        }
        if let Container::StockZip(zip, _) = &mut container {
            digests::check_whole(zip, &progress)?;
        }
        let mut tally = Tally::new(Strictness::Stock);
        tally.photo_names = photo_names(photos.as_ref().into_iter().chain(container.stock_zip()));
        let mut shape = read_shape(&mut container, &limits, tally, &progress)?;
        let zips = photos.as_ref().into_iter().chain(container.stock_zip());
        report_photos(&mut shape.tally.findings, zips);
        let photo_names = std::mem::take(&mut shape.tally.photo_names).into_differing();
        Verified { report: stock_report(shape), manifest: None, photo_names }
    };
    Ok(Archive { container, photos, limits, state })
}

/// Checks the list of entries, the digests and the signatures.
fn check_integrity(
    zip: &mut Zip,
    limits: &Limits,
    progress: &ByteCount<'_>,
) -> Result<(Manifest, Origin), VerifyError> {
    let (manifest, bytes) = manifest::read(zip, limits)?;
    digests::restore_names(zip, &manifest, progress)?;
    manifest::check_entries(zip, &manifest)?;
    digests::check(zip, &manifest, progress)?;
    let missing = || VerifyError::EntryMissing { path: names::DOCUMENT.to_owned() };
    let document = zip.position(names::DOCUMENT).ok_or_else(missing)?;
    let mut finder = KeyFinder::default();
    read_document(zip.read(document)?, limits, &mut finder).map_err(document_error)?;
    let private = finder.0.ok_or(VerifyError::FieldMissing { field: "user.private_key" })?;
    let (account, pod) = signatures::check(zip, &manifest, &bytes, &private)?;
    Ok((manifest, Origin::Pappus { account, pod }))
}

fn document_error(error: DocumentError) -> VerifyError {
    VerifyError::from_document(error, VerifyError::Document)
}

/// Validates the whole document, record by record.
fn read_shape(
    container: &mut Container,
    limits: &Limits,
    tally: Tally,
    progress: &ByteCount<'_>,
) -> Result<DocumentShape, VerifyError> {
    let is_signed = !tally.is_lenient();
    let mut shape = DocumentShape::new(tally);
    let reader = CountingReader(container.document(limits).map_err(VerifyError::from_io)?, progress);
    let result = read_document(reader, limits, &mut shape);
    match shape.version.as_deref() {
        Some("2.0") => {}
        Some(other) => return Err(DocumentShape::of_version(other)),
        None if result.is_ok() => return Err(shape.without_version()),
        None => {}
    }
    result.map_err(document_error)?;
    if shape.others_posts > 0 {
        let message = format!("{} posts by others are not imported", shape.others_posts);
        shape.tally.findings.add(FindingCode::OthersPosts, "others_data.posts".to_owned(), message);
    }
    let fields = [
        ("user.username", shape.username.is_some()),
        ("user.email", shape.has_email || !is_signed),
        ("user.private_key", shape.has_key || !is_signed),
        ("user.profile", shape.profile.is_some() || !is_signed),
    ];
    match fields.into_iter().find(|(_, is_present)| !is_present) {
        Some((field, _)) => Err(VerifyError::FieldMissing { field }),
        None => Ok(shape),
    }
}

/// Checks that everything belongs to the manifest's account.
fn check_owner(shape: &DocumentShape, manifest: &Manifest) -> Result<(), VerifyError> {
    let account = &manifest.account.diaspora_id;
    let mismatch = |field, found: &str| {
        let found = crate::archive::document::shortened(found);
        Err(VerifyError::AccountMismatch { field, found, expected: account.to_string() })
    };
    let username = shape.username.as_deref().unwrap_or_default();
    if username != account.username() {
        return mismatch("user.username in diaspora.json", username);
    }
    let author = shape.profile.as_ref().map_or("", |profile| profile.author.as_str());
    if author != account.as_str() {
        return mismatch("the profile's author in diaspora.json", author);
    }
    let pod = &manifest.pod;
    let host = match &pod.id_host {
        Some(host) => Some(host.clone()),
        None => url::Url::parse(&pod.url).ok().and_then(|url| DiasporaId::host_of_pod(&url)),
    };
    match host {
        Some(host) if host == account.host() => Ok(()),
        _ => mismatch("the pod's address in the manifest", pod.id_host.as_ref().unwrap_or(&pod.url)),
    }
}

fn check_extras(
    zip: &mut Zip,
    limits: &Limits,
    shape: &mut DocumentShape,
    progress: &ByteCount<'_>,
) -> Result<(), VerifyError> {
    let Some(position) = zip.position(names::EXTRAS) else { return Ok(()) };
    let result = read_extras(CountingReader(zip.read(position)?, progress), limits, shape);
    match shape.format.as_deref() {
        Some(EXTRAS_FORMAT) => {}
        None if result.is_err() => {}
        other => return Err(VerifyError::ExtrasFormat { found: other.unwrap_or_default().to_owned() }),
    }
    result.map_err(|error| VerifyError::from_document(error, VerifyError::Extras))
}

/// Validates every record of both documents as in a Pappus archive, and counts them.
///
/// # Errors
/// [`VerifyError`] if they are invalid.
pub(crate) fn count_records(
    mut document: impl Read + Seek,
    mut extras: impl Read + Seek,
    limits: &Limits,
) -> Result<BTreeMap<CountKind, u64>, VerifyError> {
    let read_failed = VerifyError::from_io;
    document.rewind().map_err(read_failed)?;
    let mut shape = DocumentShape::new(Tally::new(Strictness::Signed));
    read_document(document, limits, &mut shape).map_err(document_error)?;
    extras.rewind().map_err(read_failed)?;
    read_extras(extras, limits, &mut shape)
        .map_err(|error| VerifyError::from_document(error, VerifyError::Extras))?;
    Ok(shape.tally.counts)
}

/// Counts the listed photo files, which exist in the archive.
fn count_photo_files(manifest: &Manifest, tally: &mut Tally) {
    let files = manifest.entries.iter().filter(|entry| entry.path.starts_with(names::PHOTOS)).count();
    tally.count(CountKind::PhotoFiles, files as u64);
}

/// Returns the names of a stock archive's photo files.
fn photo_names<'a>(zips: impl Iterator<Item = &'a Zip> + Clone) -> PhotoNames {
    let originals = Originals::of(zips.clone());
    let file = |entry: &'a Entry| Some((originals.photo(entry)?, entry.is_in_code_page()));
    PhotoNames::of(zips.flat_map(Zip::entries).filter_map(file))
}

/// Adds findings on the photos of a stock archive.
fn report_photos<'a>(findings: &mut Findings, zips: impl Iterator<Item = &'a Zip> + Clone) {
    let originals = Originals::of(zips.clone());
    let mut first_entries = HashMap::new();
    for (_, entry) in zips.flat_map(Zip::files) {
        if entry.name.ends_with(".zip") {
            let message = format!(
                "{:?} is a ZIP within the ZIP and is ignored: unpack it, and pack its photos as a separate ZIP",
                entry.name
            );
            findings.add(FindingCode::NestedZip, entry.name.to_string(), message);
        }
        let Some(name) = originals.photo(entry) else { continue };
        let first = *first_entries.entry(name).or_insert(entry);
        if !first.looks_like(entry) {
            let message = format!(
                "another file named {name:?} comes before it in another folder; the first one is used"
            );
            findings.add(FindingCode::PhotoNamedTwice, entry.name.to_string(), message);
        }
    }
}

/// Compares the manifest's counts with the actual ones. A missing kind counts as zero.
fn check_counts(manifest: &Manifest, tally: &Tally) -> Result<(), VerifyError> {
    let kinds = manifest.counts.keys().chain(tally.counts.keys());
    for kind in kinds {
        let number =
            |counts: &std::collections::BTreeMap<_, u64>| counts.get(kind).copied().unwrap_or_default();
        let (listed, found) = (number(&manifest.counts), number(&tally.counts));
        if listed != found {
            return Err(VerifyError::Count { kind: *kind, listed, found });
        }
    }
    Ok(())
}

fn signed_report(origin: Origin, manifest: &Manifest, tally: Tally, for_stock_pods: bool) -> Verification {
    let mut findings = tally.findings;
    let mut add = |code, message: &str| findings.add(code, String::new(), message.to_owned());
    if let Origin::Pappus { account, .. } = &origin {
        match account {
            AccountSignature::Absent => add(
                FindingCode::NoAccountSignature,
                "the account has no private key, so only the pod has signed the archive; compare the pod's key with the one it publishes",
            ),
            AccountSignature::Good { key: KeyOrigin::Manifest, .. } => add(
                FindingCode::KeyFromManifest,
                "the private key is under a passphrase, so the account's signature was checked with the key in the \
                 manifest; compare its fingerprint with the one the old pod publishes",
            ),
            AccountSignature::Good { key: KeyOrigin::PrivateKey, .. } => {}
        }
    }
    Verification {
        origin,
        account: Some(manifest.account.diaspora_id.clone()),
        counts: tally.counts,
        findings,
        for_stock_pods,
    }
}

fn stock_report(shape: DocumentShape) -> Verification {
    let DocumentShape { tally, username, has_email, has_key, profile, .. } = shape;
    let Tally { counts, mut findings, .. } = tally;
    report_missing_parts(&mut findings, has_email, has_key, profile.is_some());
    let account = profile.map(|profile| profile.author);
    if let (Some(account), Some(username)) = (&account, &username)
        && account.username() != crate::archive::document::username(username)
    {
        let message = format!("the account is named {username:?}, but its profile belongs to {account}");
        findings.add(FindingCode::AccountMismatch, "user.profile".to_owned(), message);
    }
    Verification { origin: Origin::Stock, account, counts, findings, for_stock_pods: true }
}

fn report_missing_parts(findings: &mut Findings, has_email: bool, has_key: bool, has_profile: bool) {
    let unsigned = "this archive was written by a stock pod: it is not signed, so changes cannot be detected";
    findings.add(FindingCode::Unsigned, String::new(), unsigned.to_owned());
    for (field, is_present) in
        [("user.email", has_email), ("user.private_key", has_key), ("user.profile", has_profile)]
    {
        if !is_present {
            findings.add(
                FindingCode::MissingField,
                field.to_owned(),
                format!("the document has no readable {field}"),
            );
        }
    }
}
