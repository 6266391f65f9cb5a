//! One account from beginning to end.

use std::path::{Path, PathBuf};

use super::gather::{Gathered, Gathering};
use super::output::OutputFile;
use super::pages::start_pages;
use super::photos::PhotoSource;
use super::pieces::{DocumentOptions, start_writer};
use super::{ExportError, OutputError, Progress};
use crate::archive::encryption::Lock;
use crate::archive::manifest::{AccountEntry, FORMAT, Manifest, PodEntry};
use crate::archive::view::ViewHeader;
use crate::archive::writer::{Packing, WriteError};
use crate::domain::{PublicKey, Settings, SigningKey, Timestamp};
use crate::pod::config::PodUrl;
use crate::pod::database::Snapshot;
use crate::pod::reader::{AccountReader, ReadAhead, SignatureMemory};
use crate::pod::schema::SchemaVersion;
use crate::pod::uploads::PhotoStore;

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

/// Which account is meant.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// By username or diaspora* ID.
    Name(&'a str),
    /// By `users.id`.
    User(i64),
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
        self.export_found(snapshot, Wanted::Name(name), memory).await
    }

    async fn export_found(
        &self,
        snapshot: &mut Snapshot,
        wanted: Wanted<'_>,
        memory: &mut impl SignatureMemory,
    ) -> Result<Exported, ExportError> {
        // Nearly every document fits into 4 GiB, and only such a one is for stock pods: try that first. Nearly none gets
        // so small that it looks like a bomb.
        let mut options = DocumentOptions { packing: Packing::Deflated, large: false };
        loop {
            let reader = match wanted {
                Wanted::Name(name) => AccountReader::find(snapshot, self.pod.clone(), name).await?,
                Wanted::User(user) => AccountReader::of_user(snapshot, self.pod.clone(), user).await?,
            };
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

    /// The same for an account by its `users.id`.
    ///
    /// # Errors
    /// [`ExportError`]; then nothing is left behind.
    pub async fn export_user(
        &self,
        snapshot: &mut Snapshot,
        user: i64,
        memory: &mut impl SignatureMemory,
    ) -> Result<Exported, ExportError> {
        self.export_found(snapshot, Wanted::User(user), memory).await
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
        let gathering = Gathering {
            photos: PhotoSource::Store(self.uploads),
            progress: self.progress,
            key_passphrase: self.options.key_passphrase.as_ref(),
        };
        let gathered = gathering.gather(&mut reader, settings, pieces, memory).await;
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
