//! One account from beginning to end.

use std::path::{Path, PathBuf};

use super::json::JsonWriter;
use super::output::OutputFile;
use super::pages::{Own, Page, start_pages};
use super::photos::PhotoFiles;
use super::pieces::{DocumentOptions, Piece, Pieces, start_writer};
use super::{ExportError, OutputError, Progress};
use crate::archive::encryption::Lock;
use crate::archive::manifest::{AccountEntry, CountKind, FORMAT, Manifest, PodEntry, PrivateKeyState};
use crate::archive::names;
use crate::archive::view::ViewHeader;
use crate::archive::writer::{Packing, WriteError};
use crate::domain::{
    KeyError, Omission, OmissionCode, Omissions, PrivateKey, PublicKey, RecordKind, RecordRef, Relayable,
    Settings, SigningKey, Timestamp,
};
use crate::pod::config::PodUrl;
use crate::pod::database::Snapshot;
use crate::pod::reader::{
    AccountReader, AspectRow, OthersRelayables, ReadAhead, ReadError, SignatureMemory, Sink,
};
use crate::pod::schema::SchemaVersion;
use crate::pod::uploads::PhotoStore;

/// The value of `format` in `extras.json`.
pub const SCHEMA_FORMAT: &str = "pappus-extras/1";

/// How an archive is to be made.
pub struct ExportOptions {
    /// The time in the archive and in its name.
    pub created_at: Timestamp,
    /// Program and version, for the manifest.
    pub created_by: String,
    /// Puts the account's private key under a passphrase.
    pub key_passphrase: Option<zeroize::Zeroizing<String>>,
    /// Puts the whole archive under age.
    pub lock: Option<Lock>,
}

/// What an export made.
#[derive(Debug)]
pub struct Exported {
    /// The archive.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Whether the account itself signed it.
    pub signed_by_account: bool,
}

/// Everything an export needs of a pod, for one account after another.
pub struct Exporter<'a> {
    /// The pod's address.
    pub pod: &'a PodUrl,
    /// The version of its tables.
    pub schema: &'a SchemaVersion,
    /// Its photos.
    pub uploads: &'a PhotoStore,
    /// The key it signs archives with.
    pub archive_key: &'a SigningKey,
    /// Where archives go.
    pub folder: &'a Path,
    /// How they are made.
    pub options: &'a ExportOptions,
    /// Who hears how far it is.
    pub progress: &'a dyn Progress,
}

/// What reading found, for the manifest.
struct Gathered {
    counts: std::collections::BTreeMap<CountKind, u64>,
    omissions: Omissions,
    signing: Option<SigningKey>,
    public_key: Option<PublicKey>,
    state: PrivateKeyState,
}

impl Exporter<'_> {
    /// Writes one account's archive.
    ///
    /// # Errors
    /// [`ExportError`]; then nothing is left behind.
    pub async fn export(
        &self,
        snapshot: &mut Snapshot,
        name: &str,
        memory: &mut impl SignatureMemory,
    ) -> Result<Exported, ExportError> {
        // Nearly every document fits into 4 GiB, and only such a one is for stock pods: try that first. Nearly none gets
        // so small that it looks like a bomb.
        let mut options = DocumentOptions { packing: Packing::Deflated, large: false };
        loop {
            let reader = AccountReader::find(snapshot, self.pod.clone(), name).await?;
            match self.attempt(reader, memory, options).await {
                Err(ExportError::Write { source: WriteError::EntryTooLarge(_), .. }) if !options.large => {
                    options.large = true;
                }
                Err(ExportError::Write { source: WriteError::LooksLikeABomb(_), .. })
                    if options.packing == Packing::Deflated =>
                {
                    options.packing = Packing::Stored;
                }
                other => return other,
            }
        }
    }

    /// Writes the archive of one of the accounts that have been read ahead, by its `users.id`; the same bytes as
    /// [`Exporter::export`] of it would write.
    ///
    /// # Errors
    /// [`ExportError`]; then nothing is left behind, and the account is no longer among those read ahead.
    pub async fn export_ahead(
        &self,
        snapshot: &mut Snapshot,
        ahead: &mut ReadAhead,
        user: i64,
        memory: &mut impl SignatureMemory,
    ) -> Result<Exported, ExportError> {
        let reader = AccountReader::read_ahead(snapshot, ahead, self.pod.clone(), user).await?;
        // Only small accounts are read ahead.
        self.attempt(reader, memory, DocumentOptions { packing: Packing::Deflated, large: false }).await
    }

    async fn attempt(
        &self,
        mut reader: AccountReader<'_>,
        memory: &mut impl SignatureMemory,
        options: DocumentOptions,
    ) -> Result<Exported, ExportError> {
        let account = reader.account().clone();
        let created_at = self.options.created_at;
        let mut output =
            OutputFile::create(self.folder, &account.id, created_at, self.options.lock.is_some())?;
        let io_error = |source| OutputError::Io { path: self.folder.to_owned(), source };
        let settings = reader.settings().await?;
        let spool = tempfile::tempfile_in(self.folder).map_err(io_error)?;
        let scratch = tempfile::tempfile_in(self.folder).map_err(io_error)?;
        let (pages, view) = start_pages(spool, scratch, self.view_header(&account.id, &settings));
        let (pieces, writer) = start_writer(output.file().map_err(io_error)?, created_at, options, pages);
        let gathered = self.gather(&mut reader, settings, pieces, memory).await;
        // A full disk shows at the writer first and at the reader as a closed channel: ask the writer first.
        let writer = writer.await.map_err(|_| ExportError::Broken)?;
        let view = view.await.map_err(|_| ExportError::Broken)?;
        let failed = |source| ExportError::Write { folder: self.folder.to_owned(), source };
        let (mut writer, abandon, too_large) = writer.map_err(failed)?;
        let view = view.inspect_err(|_| abandon.now())?;
        let mut gathered = gathered.inspect_err(|_| abandon.now())?;
        for record in too_large {
            record.discount(&mut gathered.counts);
            gathered.omissions.push(record.omission);
        }
        let manifest = self.manifest(&account, &gathered);
        let view = view.ok_or(ExportError::Broken)?;
        let (archive_key, signing) = (self.archive_key, gathered.signing);
        // Signing takes milliseconds; copying the pages is a copy within one file.
        writer.copy_view(view).inspect_err(|_| abandon.now()).map_err(failed)?;
        let (file, manifest) = writer.finish(manifest, signing.as_ref(), archive_key).map_err(failed)?;
        file.check().map_err(io_error)?;
        if let Some(lock) = &self.options.lock {
            output.encrypt(lock)?;
        }
        let path = output.publish()?;
        let bytes = std::fs::metadata(&path).map_err(io_error)?.len();
        Ok(Exported { path, bytes, manifest, signed_by_account: signing.is_some() })
    }

    fn view_header(&self, account: &crate::domain::DiasporaId, settings: &Settings) -> ViewHeader {
        let profile = &settings.profile.0;
        let parts = [profile.first_name.as_deref(), profile.last_name.as_deref()];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        ViewHeader {
            account: account.clone(),
            name: if name.trim().is_empty() { account.username().to_owned() } else { name },
            pod_url: self.pod.to_string(),
            created_at: self.options.created_at,
            language: settings.language.clone(),
        }
    }

    /// Reads everything, in the order of the archive's entries.
    async fn gather(
        &self,
        reader: &mut AccountReader<'_>,
        mut settings: Settings,
        pieces: Pieces,
        memory: &mut impl SignatureMemory,
    ) -> Result<Gathered, ExportError> {
        let signing = reader.take_signing_key();
        let published = reader.public_key().await?;
        let public_key = match &signing {
            Some(key) => Some(key.public_key()?),
            None => published.clone(),
        };
        let state = self.protect_key(&mut settings.private_key)?;
        let avatar = settings.profile.0.avatar_file().map(str::to_owned);
        pieces.send(Piece::Page(Page::Profile(Box::new(settings.profile.0.clone()), avatar))).await?;

        pieces.send(Piece::Begin(names::DOCUMENT.to_owned())).await?;
        let json = JsonWriter::new(pieces.clone(), self.progress);
        let mut others = write_document(reader, json, &settings, memory).await?;
        pieces.send(Piece::Begin(names::EXTRAS.to_owned())).await?;
        let json = JsonWriter::new(pieces.clone(), self.progress);
        write_extras(reader, json, &mut others, memory).await?;
        let mut photos = PhotoFiles::new(self.uploads, pieces.clone(), self.progress);
        reader.photo_names(&mut photos).await?;
        photos.finish().await?;
        pieces.send(Piece::Page(Page::PhotoFiles(photos.names()))).await?;

        let mut counts = std::mem::take(&mut reader.notes.counts);
        counts.insert(CountKind::PhotoFiles, photos.count());
        let mut omissions = Omissions::default();
        if let (Some(own), Some(published)) = (&public_key, &published)
            && own.fingerprint() != published.fingerprint()
        {
            omissions.push(key_mismatch(reader));
        }
        omissions.append(std::mem::take(&mut reader.notes.omissions));
        omissions.append(std::mem::take(&mut photos.omissions));
        for omission in omissions.listed() {
            pieces.send(Piece::Page(Page::Omission(Box::new(omission.clone())))).await?;
        }
        pieces.send(Piece::Page(Page::MoreOmissions(omissions.more().clone()))).await?;
        pieces.send(Piece::Page(Page::Counts(counts.clone()))).await?;
        Ok(Gathered { counts, omissions, signing, public_key, state })
    }

    fn protect_key(&self, key: &mut PrivateKey) -> Result<PrivateKeyState, KeyError> {
        if key.is_absent() {
            return Ok(PrivateKeyState::Absent);
        }
        let Some(passphrase) = &self.options.key_passphrase else { return Ok(PrivateKeyState::Plain) };
        *key = key.encrypt(passphrase)?;
        Ok(PrivateKeyState::Encrypted)
    }

    fn manifest(&self, account: &crate::pod::reader::AccountRow, gathered: &Gathered) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            created_at: self.options.created_at,
            created_by: self.options.created_by.clone(),
            account: AccountEntry {
                diaspora_id: account.id.clone(),
                guid: account.guid.clone(),
                key_fingerprint: gathered.public_key.as_ref().map(PublicKey::fingerprint),
                public_key: gathered.public_key.as_ref().map(|key| key.as_pem().to_owned()),
                private_key: gathered.state,
            },
            pod: PodEntry {
                url: self.pod.to_string(),
                id_host: Some(account.id.host())
                    .filter(|host| *host != self.pod.diaspora_host())
                    .map(str::to_owned),
                software: self.schema.software().to_owned(),
                schema_version: self.schema.as_str().to_owned(),
                archive_key: self
                    .archive_key
                    .public_key()
                    .map_or_else(|_| String::new(), |key| key.as_pem().to_owned()),
            },
            counts: gathered.counts.clone(),
            omissions: gathered.omissions.listed().to_vec(),
            more_omissions: gathered.omissions.more().clone(),
            merged_from: Vec::new(),
            entries: Vec::new(),
        }
    }
}

fn key_mismatch(reader: &AccountReader<'_>) -> Omission {
    let account = reader.account();
    let name = Some(account.id.to_string());
    let record = RecordRef { kind: RecordKind::Account, id: Some(account.user_id), name };
    let reason = "the account's private key is not the one whose public half the pod publishes; signatures \
                  by it will not be believed"
        .to_owned();
    Omission { code: OmissionCode::KeyMismatch, record, reason }
}

/// `diaspora.json`, in the order diaspora* writes it.
async fn write_document(
    reader: &mut AccountReader<'_>,
    mut json: JsonWriter<'_>,
    settings: &Settings,
    memory: &mut impl SignatureMemory,
) -> Result<OthersRelayables, ReadError> {
    json.raw(r#"{"version":"2.0","user":{"#);
    json.members(settings)?;
    json.raw(r#","contact_groups":"#);
    let aspects: Vec<crate::domain::Aspect> = reader
        .aspects()
        .iter()
        .map(|AspectRow { name, .. }| crate::domain::Aspect { name: name.clone() })
        .collect();
    for _ in &aspects {
        reader.notes.count(CountKind::Aspects);
    }
    json.value(&aspects)?;
    json.raw(",");
    let mut contacts = json.array("contacts");
    let book = reader.contacts(&mut contacts).await?;
    contacts.end(",").await?;
    let mut posts = json.array("posts");
    reader.posts(&book, &mut posts).await?;
    posts.end(r#","followed_tags":"#).await?;
    json.value(&reader.followed_tags().await?)?;
    json.raw(",");
    let mut subscriptions = json.array("post_subscriptions");
    reader.subscriptions(&mut subscriptions).await?;
    subscriptions.end(",").await?;
    let mut relayables = OwnSink(json.array("relayables"));
    reader.own_relayables(&mut relayables).await?;
    relayables.0.end(r#"},"others_data":{"#).await?;
    let mut others = reader.prepare_others().await?;
    let mut relayables = json.array("relayables");
    reader.others_relayables(&mut others, memory, &mut relayables).await?;
    relayables.end(",").await?;
    let mut authors = json.array("non_contact_authors");
    reader.non_contact_authors(&others, &book, &mut authors).await?;
    authors.end("}}").await?;
    json.finish().await?;
    Ok(others)
}

/// `extras.json`.
async fn write_extras(
    reader: &mut AccountReader<'_>,
    mut json: JsonWriter<'_>,
    others: &mut OthersRelayables,
    memory: &mut impl SignatureMemory,
) -> Result<(), ReadError> {
    json.raw(&format!(r#"{{"format":"{SCHEMA_FORMAT}","settings":"#));
    json.value(&reader.extra_settings().await?)?;
    json.raw(",");
    let mut audiences = json.array("aspect_visibility");
    reader.aspect_visibility(&mut audiences).await?;
    audiences.end(",").await?;
    let mut photos = json.array("loose_photos");
    reader.loose_photos(&mut photos).await?;
    photos.end(",").await?;
    let mut conversations = json.array("conversations");
    reader.conversations(&mut conversations).await?;
    conversations.end(",").await?;
    let mut likes = json.array("likes_on_comments");
    reader.likes_on_comments(others, memory, &mut likes).await?;
    likes.end(",").await?;
    let mut unsigned = json.array("unsigned_relayables");
    for relayable in others.take_unsigned() {
        unsigned.put(relayable).await?;
    }
    unsigned.end(",").await?;
    let mut signed_as = json.array("signed_as");
    for record in others.take_signed_as() {
        signed_as.put(record).await?;
    }
    signed_as.end(",").await?;
    let mut remainders = json.array("post_remainders");
    for remainder in reader.take_post_remainders() {
        remainders.put(remainder).await?;
    }
    remainders.end(",").await?;
    let mut posts = json.array("commented_posts");
    reader.commented_posts(&mut posts).await?;
    posts.end(r#","hidden_posts":"#).await?;
    json.value(&reader.hidden_posts().await?)?;
    json.raw("}");
    json.finish().await
}

/// The account's own relayables are shown to people, others' are not.
struct OwnSink<'w, 'a>(super::json::ArrayWriter<'w, 'a, Own>);

impl Sink<Relayable> for OwnSink<'_, '_> {
    async fn put(&mut self, record: Relayable) -> Result<(), ReadError> {
        self.0.put(Own(record)).await
    }
}
