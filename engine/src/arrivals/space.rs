//! Disk space for uploads. It is reserved before the bytes arrive, within the limits per newcomer, for all newcomers,
//! and of the free disk space: a little at first, then more as data arrives. Otherwise uploads without data would block
//! all others. The reservation of a complete file lasts as long as the file.

use std::time::{Duration, Instant};

use super::ArrivalError;
use super::actions::lock_counts;
use super::files::{Disk, Files, NoSpace, Part};
use crate::sql::Value;
use crate::store::{Store, StoreError, Transaction, millis};

/// Validity of a reservation without new data. Afterwards only what has arrived is reserved; resuming reserves the rest
/// again if there is still space.
const RESERVED_FOR: Duration = Duration::from_mins(10);
/// Space reserved for an upload of which nothing has arrived …
const FIRST_BYTES: u64 = CHECK_BYTES;
/// … and for each byte that has arrived: after a 64th of the upload, all of it is reserved.
const BYTES_PER_BYTE: u64 = 64;
/// A running upload checks its reservation and the free disk space after this number of bytes …
const CHECK_BYTES: u64 = 16 << 20;
/// … or after this time, whichever is first.
const CHECK_AFTER: Duration = Duration::from_secs(5);

/// The kind of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One file.
    Part(Part),
    /// A form, which may hold both files.
    Form,
}

impl Kind {
    /// Returns the name in the database.
    fn word(self) -> &'static str {
        match self {
            Self::Part(part) => part.word(),
            Self::Form => "form",
        }
    }
}

/// A request for a reservation.
pub struct Claim<'a> {
    /// The name of the upload.
    pub name: &'a str,
    /// The newcomer's ID.
    pub newcomer: i64,
    /// The kind of the reservation.
    pub kind: Kind,
    /// The size of the upload in bytes.
    pub bytes: u64,
    /// Number of bytes that have arrived.
    pub arrived: u64,
}

impl Claim<'_> {
    /// Returns the space to reserve for now, in bytes.
    fn bytes_to_reserve(&self) -> u64 {
        self.arrived.saturating_mul(BYTES_PER_BYTE).saturating_add(FIRST_BYTES).min(self.bytes)
    }
}

/// The reason why an upload is stopped.
#[derive(Debug)]
pub enum Stop {
    /// Its reservation does not exist any more: it was deleted or replaced, or has expired.
    Ended,
    /// The remaining space cannot be reserved, or the disk is full.
    NoSpace(NoSpace),
}

/// The reservations of one pod.
#[derive(Debug, Clone)]
pub struct Space {
    store: Store,
    pod: String,
    files: Files,
}

impl Space {
    /// Opens the reservations for the uploads of a pod.
    pub fn new(store: &Store, pod: &str, files: &Files) -> Self {
        Self { store: store.clone(), pod: pod.to_owned(), files: files.clone() }
    }

    /// Reserves space for the upload of this name, or changes its reservation, unless that is of a complete file. The
    /// whole upload has to fit, although less is reserved at first.
    ///
    /// # Errors
    /// [`ArrivalError`].
    pub async fn reserve(&self, claim: &Claim<'_>, now: i64) -> Result<Result<(), NoSpace>, ArrivalError> {
        if claim.bytes > self.files.max_archive_bytes() {
            return Ok(Err(NoSpace::TooLarge));
        }
        // Measured before the lock: concurrent reservations count in full.
        let disk = self.disk().await?;
        let mut transaction = self.store.begin().await?;
        lock_counts(&mut transaction, &self.pod, now).await?;
        let reserved = self.reserved(&mut transaction, claim).await?;
        if reserved.by_newcomer.saturating_add(claim.bytes) > self.files.max_archive_bytes() {
            return Ok(Err(NoSpace::TooLarge));
        }
        let unwritten = reserved.incomplete.saturating_add(claim.bytes).saturating_sub(disk.unfinished);
        if reserved.total.saturating_add(claim.bytes) > self.files.max_total_bytes()
            || disk.free < self.files.keep_free().saturating_add(unwritten)
        {
            return Ok(Err(NoSpace::Full));
        }
        let sql = "INSERT INTO pappus_upload_space (name, pod, newcomer_id, kind, bytes, expires_at) \
                   VALUES (?, ?, ?, ?, ?, ?) \
                   ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, expires_at = excluded.expires_at \
                   WHERE pappus_upload_space.expires_at IS NOT NULL";
        let values = [
            claim.name.into(),
            (&self.pod).into(),
            claim.newcomer.into(),
            claim.kind.word().into(),
            number(claim.bytes_to_reserve()),
            (now + millis(RESERVED_FOR)).into(),
        ];
        transaction.execute("reserving disk space", sql, &values).await?;
        transaction.commit().await?;
        Ok(Ok(()))
    }

    /// Returns the sums of the other reservations, including expired ones: their bytes may be on the disk until the
    /// next [`release_expired`](Self::release_expired). The newcomer's complete file that the new one replaces does
    /// not count.
    async fn reserved(
        &self,
        transaction: &mut Transaction,
        claim: &Claim<'_>,
    ) -> Result<ReservedBytes, StoreError> {
        let is_not_replaced = match claim.kind {
            Kind::Form => "expires_at IS NOT NULL".to_owned(),
            Kind::Part(part) => format!("(expires_at IS NOT NULL OR kind <> '{}')", part.word()),
        };
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS all_bytes, \
             CAST(COALESCE(SUM(CASE WHEN expires_at IS NOT NULL THEN bytes END), 0) AS BIGINT) AS open_bytes, \
             CAST(COALESCE(SUM(CASE WHEN newcomer_id = ? AND {is_not_replaced} THEN bytes END), 0) AS BIGINT) AS own_bytes \
             FROM pappus_upload_space WHERE pod = ? AND name <> ?"
        );
        let values = [claim.newcomer.into(), (&self.pod).into(), claim.name.into()];
        let rows = transaction.rows("counting reserved disk space", &sql, &values).await?;
        let Some(row) = rows.first() else { return Ok(ReservedBytes::default()) };
        let bytes = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(ReservedBytes {
            total: bytes(row.get("all_bytes")?),
            incomplete: bytes(row.get("open_bytes")?),
            by_newcomer: bytes(row.get("own_bytes")?),
        })
    }

    async fn disk(&self) -> Result<Disk, ArrivalError> {
        let files = self.files.clone();
        let disk = tokio::task::spawn_blocking(move || files.disk());
        disk.await.map_err(|_| ArrivalError::Broken)?.map_err(ArrivalError::Files)
    }

    /// Releases the space of an incomplete upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&self, name: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE name = ? AND expires_at IS NOT NULL";
        self.store.execute("releasing disk space", sql, &[name.into()]).await.map(drop)
    }

    /// Reserves only the bytes of a paused upload that have arrived, until the upload expires.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause(&self, name: &str, arrived: u64, until: i64, now: i64) -> Result<(), StoreError> {
        let sql =
            "UPDATE pappus_upload_space SET bytes = ?, expires_at = ? WHERE name = ? AND expires_at <= ?";
        let values = [number(arrived), until.into(), name.into(), now.into()];
        self.store.execute("releasing disk space", sql, &values).await.map(drop)
    }

    /// Releases expired reservations. Those of uploads that can be resumed are [paused](Self::pause) instead.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_expired(&self, now: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE expires_at <= ? \
                   AND name NOT IN (SELECT name FROM pappus_uploads)";
        self.store.execute("releasing disk space", sql, &[now.into()]).await.map(drop)
    }

    /// Releases all space of a newcomer whose files are deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_all(&self, newcomer: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE newcomer_id = ?";
        self.store.execute("releasing disk space", sql, &[newcomer.into()]).await.map(drop)
    }

    /// Reserves the space of a complete file for as long as the file exists, and releases that of the file it replaces.
    /// `file` is the name of the upload and its size in bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep(
        &self,
        transaction: &mut Transaction,
        newcomer: i64,
        part: Part,
        file: (&str, u64),
    ) -> Result<(), StoreError> {
        self.release_complete(transaction, newcomer, part).await?;
        let sql = "INSERT INTO pappus_upload_space (name, pod, newcomer_id, kind, bytes, expires_at) \
                   VALUES (?, ?, ?, ?, ?, NULL) \
                   ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, expires_at = NULL";
        let values = [file.0.into(), (&self.pod).into(), newcomer.into(), part.word().into(), number(file.1)];
        transaction.execute("reserving disk space of a complete file", sql, &values).await.map(drop)
    }

    /// Releases the space of a complete file that is deleted or replaced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_complete(
        &self,
        transaction: &mut Transaction,
        newcomer: i64,
        part: Part,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE newcomer_id = ? AND kind = ? AND expires_at IS NULL";
        let values = [newcomer.into(), part.word().into()];
        transaction.execute("releasing disk space", sql, &values).await.map(drop)
    }

    /// Checks whether a running upload may continue: its reservation is valid, and enough disk space stays free.
    /// Extends the reservation.
    async fn check(&self, name: &str, now: i64) -> Result<Result<(), Stop>, ArrivalError> {
        let sql = "UPDATE pappus_upload_space SET expires_at = ? WHERE name = ? AND expires_at > ?";
        let values = [(now + millis(RESERVED_FOR)).into(), name.into(), now.into()];
        if self.store.execute("renewing a reservation", sql, &values).await? == 0 {
            return Ok(Err(Stop::Ended));
        }
        let is_full = self.disk().await?.free < self.files.keep_free();
        Ok(if is_full { Err(Stop::NoSpace(NoSpace::Full)) } else { Ok(()) })
    }
}

/// Sums of reservations in bytes.
#[derive(Default)]
struct ReservedBytes {
    /// Those of all newcomers.
    total: u64,
    /// Those of all newcomers for incomplete files.
    incomplete: u64,
    /// Those of the newcomer for files that the new one does not replace.
    by_newcomer: u64,
}

fn number(bytes: u64) -> Value<'static> {
    i64::try_from(bytes).unwrap_or(i64::MAX).into()
}

/// Periodically checks whether a running upload may continue, and reserves more space for it.
pub struct Watch<'a> {
    space: &'a Space,
    claim: Claim<'a>,
    reserved_bytes: u64,
    unchecked_bytes: u64,
    checked_at: Instant,
}

impl<'a> Watch<'a> {
    /// Starts to check an upload whose space has just been reserved.
    pub fn new(space: &'a Space, claim: Claim<'a>) -> Self {
        Self {
            space,
            reserved_bytes: claim.bytes_to_reserve(),
            claim,
            unchecked_bytes: 0,
            checked_at: Instant::now(),
        }
    }

    /// Counts received bytes, and checks from time to time whether the upload may continue.
    ///
    /// # Errors
    /// [`ArrivalError`].
    pub async fn count(&mut self, bytes: usize, now: i64) -> Result<Result<(), Stop>, ArrivalError> {
        self.unchecked_bytes = self.unchecked_bytes.saturating_add(bytes as u64);
        self.claim.arrived = self.claim.arrived.saturating_add(bytes as u64);
        if self.unchecked_bytes < CHECK_BYTES && self.checked_at.elapsed() < CHECK_AFTER {
            return Ok(Ok(()));
        }
        (self.unchecked_bytes, self.checked_at) = (0, Instant::now());
        let may_continue = self.space.check(self.claim.name, now).await?;
        if may_continue.is_err() || self.reserved_bytes == self.claim.bytes_to_reserve() {
            return Ok(may_continue);
        }
        self.reserved_bytes = self.claim.bytes_to_reserve();
        let reserved = self.space.reserve(&self.claim, now).await?;
        Ok(reserved.map_err(Stop::NoSpace))
    }
}
