//! A dry run of the export: reads every account as for an archive, writes none, and reports the omissions.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::ExportError;
use super::gather::Gatherer;
use super::photos::PhotoSource;
use super::pieces::start_discarding;
use crate::domain::{DiasporaId, OmissionCode, Omissions, RecordKind};
use crate::pod::config::PodUrl;
use crate::pod::database::Snapshot;
use crate::pod::reader::{AccountReader, ForecastMemory, ReadAhead, ReadError};
use crate::pod::uploads::{PhotoStore, UploadsError};
use crate::progress::Progress;

/// The pod's photos, as needed for a forecast.
pub enum ForecastPhotos<'a> {
    /// A folder, whose files are checked one by one.
    Folder(&'a PhotoStore),
    /// A bucket's originals, with their sizes in bytes.
    Bucket(BTreeMap<String, u64>),
}

impl<'a> ForecastPhotos<'a> {
    /// Lists a bucket's contents; a folder is checked later.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn of(store: &'a PhotoStore) -> Result<Self, UploadsError> {
        Ok(match store {
            PhotoStore::Folder(_) => Self::Folder(store),
            PhotoStore::Bucket(_) => Self::Bucket(store.original_sizes().await?),
        })
    }

    fn source(&self) -> PhotoSource<'_> {
        match self {
            Self::Folder(store) => PhotoSource::Store(store),
            Self::Bucket(sizes) => PhotoSource::Listed(sizes),
        }
    }
}

/// Omissions of one kind of record for one reason, whole or in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The reason.
    pub code: OmissionCode,
    /// The kind of record; `None` for omissions that a manifest only counts.
    pub record: Option<RecordKind>,
    /// Number of omissions in all archives together.
    pub count: u64,
    /// The first omission's reason, in a sentence.
    pub reason: String,
}

/// The omissions an export of all accounts would have.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Omissions by reason and kind.
    pub omissions: Vec<LeftOut>,
    /// Accounts that cannot be exported, with the reason.
    pub broken_accounts: BTreeMap<String, String>,
    /// Number of omissions in each archive, listed or counted, by username; only accounts that have any.
    pub accounts: BTreeMap<String, u64>,
}

impl Forecast {
    /// Returns whether every archive would be complete.
    pub fn is_clean(&self) -> bool {
        self.omissions.is_empty() && self.broken_accounts.is_empty()
    }

    fn add(&mut self, username: &str, omissions: &Omissions) {
        let mut total = 0;
        let mut add = |code, record, count, reason: &str| {
            total += count;
            let is_same = |known: &&mut LeftOut| (known.code, known.record) == (code, record);
            match self.omissions.iter_mut().find(is_same) {
                Some(known) => known.count += count,
                None => self.omissions.push(LeftOut { code, record, count, reason: reason.to_owned() }),
            }
        };
        for omission in omissions.listed() {
            add(omission.code, Some(omission.record.kind), 1, &omission.reason);
        }
        for (code, count) in omissions.unlisted() {
            add(*code, None, *count, "");
        }
        if total > 0 {
            *self.accounts.entry(username.to_owned()).or_default() += total;
        }
    }
}

/// The most bytes of rows of accounts that are read together.
const MAX_AHEAD_BYTES: usize = 48 << 20;

/// Forecasts the omissions of one account after another.
pub struct Forecaster<'a> {
    pod: &'a PodUrl,
    photos: ForecastPhotos<'a>,
    progress: &'a dyn Progress,
    memory: ForecastMemory,
    /// diaspora* IDs read so far, with their usernames.
    ids: HashMap<DiasporaId, String>,
    forecast: Forecast,
}

impl<'a> Forecaster<'a> {
    /// Creates a forecaster that reports every record to `progress`.
    pub fn new(pod: &'a PodUrl, photos: ForecastPhotos<'a>, progress: &'a dyn Progress) -> Self {
        let (memory, forecast) = (ForecastMemory::default(), Forecast::default());
        Self { pod, photos, progress, memory, ids: HashMap::new(), forecast }
    }

    /// Reads small accounts (`users.id` and username) as a batch.
    ///
    /// # Errors
    /// [`ExportError`], when the pod can no longer be read.
    pub async fn accounts(
        &mut self,
        snapshot: &mut Snapshot,
        accounts: &[(i64, String)],
    ) -> Result<(), ExportError> {
        let users: Vec<i64> = accounts.iter().map(|(user, _)| *user).collect();
        let mut ahead = ReadAhead::new(MAX_AHEAD_BYTES);
        let fits = ahead.read(snapshot, &users).await?;
        for (user, username) in accounts {
            if !fits {
                self.account(snapshot, *user, username).await?;
                continue;
            }
            let reader = AccountReader::read_ahead(snapshot, &mut ahead, self.pod.clone(), *user).await;
            self.forecast_account(username, reader).await?;
        }
        Ok(())
    }

    /// Reads an account of any size, by `users.id` and username.
    ///
    /// # Errors
    /// [`ExportError`], when the pod can no longer be read.
    pub async fn account(
        &mut self,
        snapshot: &mut Snapshot,
        user: i64,
        username: &str,
    ) -> Result<(), ExportError> {
        let reader = AccountReader::of_user(snapshot, self.pod.clone(), user).await;
        self.forecast_account(username, reader).await
    }

    /// Gathers one account's omissions, or notes why it cannot be exported.
    async fn forecast_account(
        &mut self,
        username: &str,
        reader: Result<AccountReader<'_>, ReadError>,
    ) -> Result<(), ExportError> {
        let mut reader = match reader {
            Ok(reader) => reader,
            Err(error @ (ReadError::BrokenAccount { .. } | ReadError::UnknownAccount { .. })) => {
                self.forecast.broken_accounts.insert(username.to_owned(), error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let id = reader.account().id.clone();
        if let Some(other) = self.ids.insert(id.clone(), username.to_owned()) {
            let reason = format!("its archive has the same name as that of {other:?}: both have the ID {id}");
            self.forecast.broken_accounts.insert(username.to_owned(), reason);
        }
        let settings = reader.settings().await?;
        let (commands, discard_thread) = start_discarding();
        let gathered =
            Gatherer { photos: self.photos.source(), progress: self.progress, key_passphrase: None };
        let gathered = gathered.gather(&mut reader, settings, commands, &mut self.memory).await;
        let too_large =
            discard_thread.await.map_err(|_| ExportError::Panicked)?.map_err(|_| ExportError::Panicked)?;
        let mut omissions = match gathered {
            Ok(gathered) => gathered.omissions,
            Err(error) if error.is_of_one_account() => {
                self.forecast.broken_accounts.insert(username.to_owned(), error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for record in too_large {
            omissions.push(record.omission);
        }
        self.forecast.add(username, &omissions);
        Ok(())
    }

    /// Returns the forecast, most frequent omissions first.
    pub fn finish(mut self) -> Forecast {
        self.forecast
            .omissions
            .sort_by_key(|left_out| (std::cmp::Reverse(left_out.count), left_out.code, left_out.record));
        self.forecast
    }
}
