//! The export of one account.

use std::path::{Path, PathBuf};

use tempfile::spooled_tempfile_in;

use super::gather::{Gathered, Gatherer};
use super::output::OutputFile;
use super::pages::start_pages;
use super::photos::PhotoSource;
use super::pieces::{DocumentOptions, start_writer};
use super::{ExportError, OutputError};
use crate::archive::encryption::EncryptTo;
use crate::archive::manifest::{AccountEntry, FORMAT, Manifest, PodEntry};
use crate::archive::view::{PAGES_IN_MEMORY, ViewHeader};
use crate::archive::writer::{Packing, WriteError};
use crate::domain::{PublicKey, Settings, SigningKey, Timestamp};
use crate::pod::config::PodUrl;
use crate::pod::database::Snapshot;
use crate::pod::reader::{AccountReader, ReadAhead, SignatureMemory};
use crate::pod::schema::SchemaVersion;
use crate::pod::uploads::PhotoStore;
use crate::progress::Progress;

/// Options of an export.
pub struct ExportOptions {
    /// Time of creation, in the archive and in its name.
    pub created_at: Timestamp,
    /// Program name and version, for the manifest.
    pub created_by: String,
    /// Passphrase that encrypts the account's private key.
    pub key_passphrase: Option<zeroize::Zeroizing<String>>,
    /// Encrypts the whole archive with age.
    pub encrypt_to: Option<EncryptTo>,
}

/// A finished export.
#[derive(Debug)]
pub struct Exported {
    /// Path of the archive.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// The archive's manifest.
    pub manifest: Manifest,
    /// True when the account's own key signed the archive.
    pub signed_by_account: bool,
}

/// The selected account.
#[derive(Clone, Copy)]
enum AccountSelector<'a> {
    /// By username or diaspora* ID.
    Name(&'a str),
    /// By `users.id`.
    User(i64),
}

/// Exports one account after another from a pod.
pub struct Exporter<'a> {
    /// The pod's address.
    pub pod: &'a PodUrl,
    /// Schema version of the pod's database.
    pub schema: &'a SchemaVersion,
    /// The pod's photos.
    pub uploads: &'a PhotoStore,
    /// The key that signs archives.
    pub archive_key: &'a SigningKey,
    /// Output folder.
    pub folder: &'a Path,
    /// True when the folder is the archive's destination, where the archive must survive a power failure. False when a
    /// depot adopts the archive and ensures that itself.
    pub is_destination: bool,
    /// Options of every export.
    pub options: &'a ExportOptions,
    /// Receives the progress.
    pub progress: &'a dyn Progress,
}

impl Exporter<'_> {
    /// Writes one account's archive.
    ///
    /// # Errors
    /// [`ExportError`]; no file is left behind.
    pub async fn export(
        &self,
        snapshot: &mut Snapshot,
        name: &str,
        memory: &mut impl SignatureMemory,
    ) -> Result<Exported, ExportError> {
        self.export_selected(snapshot, AccountSelector::Name(name), memory).await
    }

    async fn export_selected(
        &self,
        snapshot: &mut Snapshot,
        selector: AccountSelector<'_>,
        memory: &mut impl SignatureMemory,
    ) -> Result<Exported, ExportError> {
        // Try 32-bit sizes first: nearly every document fits into 4 GiB, and stock pods read only those. Hardly any
        // compresses so well that readers take it for a ZIP bomb.
        let mut options = DocumentOptions { packing: Packing::Deflated, large: false };
        loop {
            let reader = match selector {
                AccountSelector::Name(name) => AccountReader::find(snapshot, self.pod.clone(), name).await?,
                AccountSelector::User(user) => {
                    AccountReader::of_user(snapshot, self.pod.clone(), user).await?
                }
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

    /// Writes one account's archive, by its `users.id`.
    ///
    /// # Errors
    /// [`ExportError`]; no file is left behind.
    pub async fn export_user(
        &self,
        snapshot: &mut Snapshot,
        user: i64,
        memory: &mut impl SignatureMemory,
    ) -> Result<Exported, ExportError> {
        self.export_selected(snapshot, AccountSelector::User(user), memory).await
    }

    /// Writes the archive of an account that was read ahead, by its `users.id`: the same bytes as
    /// [`Exporter::export`] writes.
    ///
    /// # Errors
    /// [`ExportError`]; no file is left behind, and the account is removed from those read ahead.
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
            OutputFile::create(self.folder, &account.id, created_at, self.options.encrypt_to.is_some())?;
        let io_error = |source| OutputError::Io { path: self.folder.to_owned(), source };
        let settings = reader.settings().await?;
        let [spool, scratch] = [(); 2].map(|()| spooled_tempfile_in(PAGES_IN_MEMORY, self.folder));
        let (pages, view) = start_pages(spool, scratch, self.view_header(&account.id, &settings));
        let (commands, writer) = start_writer(output.file().map_err(io_error)?, created_at, options, pages);
        let gathered = Gatherer {
            photos: PhotoSource::Store(self.uploads),
            progress: self.progress,
            key_passphrase: self.options.key_passphrase.as_ref(),
        };
        let gathered = gathered.gather(&mut reader, settings, commands, memory).await;
        // When the disk is full, the writer fails with the cause; the reader only sees a closed channel.
        let writer = writer.await.map_err(|_| ExportError::Panicked)?;
        let view = view.await.map_err(|_| ExportError::Panicked)?;
        let failed = |source| ExportError::Write { folder: self.folder.to_owned(), source };
        let (mut writer, abort_handle, too_large) = writer.map_err(failed)?;
        let view = view.inspect_err(|_| abort_handle.abort())?;
        let mut gathered = gathered.inspect_err(|_| abort_handle.abort())?;
        for record in too_large {
            record.subtract_from(&mut gathered.counts);
            gathered.omissions.push(record.omission);
        }
        let manifest = self.manifest(&account, &gathered);
        let view = view.ok_or(ExportError::Panicked)?;
        let (archive_key, account_key) = (self.archive_key, gathered.signing_key);
        // This needs no thread of its own: signing takes milliseconds, and the pages are copied within one file.
        writer.copy_view(view).inspect_err(|_| abort_handle.abort()).map_err(failed)?;
        let (file, manifest) = writer.finish(manifest, account_key.as_ref(), archive_key).map_err(failed)?;
        file.check().map_err(io_error)?;
        if let Some(encrypt_to) = &self.options.encrypt_to {
            output.encrypt(encrypt_to)?;
        }
        let path = output.publish(self.is_destination)?;
        let bytes = std::fs::metadata(&path).map_err(io_error)?.len();
        Ok(Exported { path, bytes, manifest, signed_by_account: account_key.is_some() })
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
                private_key: gathered.key_state,
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
            more_omissions: gathered.omissions.unlisted().clone(),
            merged_from: Vec::new(),
            entries: Vec::new(),
        }
    }
}
