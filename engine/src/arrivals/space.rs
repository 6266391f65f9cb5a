//! Disk space for uploads. It is reserved before the bytes arrive, within the limits per newcomer, for all newcomers,
//! and of the free disk space: first a little, then more as data arrives. Otherwise announcements without data would
//! keep everybody out. The reservation of a complete file lasts as long as the file.

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
/// … and for each byte of it that has: whoever sends a 64th reserves the rest.
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
    /// The newcomer's number.
    pub newcomer: i64,
    /// The kind of the reservation.
    pub kind: Kind,
    /// The size of the upload.
    pub bytes: u64,
    /// Bytes of it that have arrived.
    pub arrived: u64,
}

impl Claim<'_> {
    /// Returns the space to reserve for now.
    fn reserves(&self) -> u64 {
        self.arrived.saturating_mul(BYTES_PER_BYTE).saturating_add(FIRST_BYTES).min(self.bytes)
    }
}

/// The reason why an upload is stopped.
#[derive(Debug)]
pub enum Stop {
    /// Its reservation is gone: deleted, replaced or expired.
    Ended,
    /// The rest cannot be reserved, or the disk is full.
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

    /// Reserves space under a name, or changes the existing reservation; that of a complete file stays as it is. The
    /// whole upload has to fit, although less is reserved at first.
    ///
    /// # Errors
    /// [`ArrivalError`].
    pub async fn reserve(&self, claim: &Claim<'_>, now: i64) -> Result<Result<(), NoSpace>, ArrivalError> {
        if claim.bytes > self.files.most() {
            return Ok(Err(NoSpace::TooLarge));
        }
        // Measured before the lock: concurrent reservations count in full.
        let disk = self.disk().await?;
        let mut transaction = self.store.begin().await?;
        lock_counts(&mut transaction, &self.pod, now).await?;
        let held = self.held(&mut transaction, claim).await?;
        if held.own.saturating_add(claim.bytes) > self.files.most() {
            return Ok(Err(NoSpace::TooLarge));
        }
        let unwritten = held.open.saturating_add(claim.bytes).saturating_sub(disk.unfinished);
        if held.all.saturating_add(claim.bytes) > self.files.most_together()
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
            number(claim.reserves()),
            (now + millis(RESERVED_FOR)).into(),
        ];
        transaction.execute("reserving disk space", sql, &values).await?;
        transaction.commit().await?;
        Ok(Ok(()))
    }

    /// Returns other reservations, also expired ones: their bytes may be on the disk until the next
    /// [`release_expired`](Self::release_expired). The newcomer's complete file that the new one replaces does not
    /// count.
    async fn held(&self, transaction: &mut Transaction, claim: &Claim<'_>) -> Result<Held, StoreError> {
        let stays = match claim.kind {
            Kind::Form => "expires_at IS NOT NULL".to_owned(),
            Kind::Part(part) => format!("(expires_at IS NOT NULL OR kind <> '{}')", part.word()),
        };
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS all_bytes, \
             CAST(COALESCE(SUM(CASE WHEN expires_at IS NOT NULL THEN bytes END), 0) AS BIGINT) AS open_bytes, \
             CAST(COALESCE(SUM(CASE WHEN newcomer_id = ? AND {stays} THEN bytes END), 0) AS BIGINT) AS own_bytes \
             FROM pappus_upload_space WHERE pod = ? AND name <> ?"
        );
        let values = [claim.newcomer.into(), (&self.pod).into(), claim.name.into()];
        let rows = transaction.rows("counting reserved disk space", &sql, &values).await?;
        let Some(row) = rows.first() else { return Ok(Held::default()) };
        let bytes = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Held {
            all: bytes(row.get("all_bytes")?),
            open: bytes(row.get("open_bytes")?),
            own: bytes(row.get("own_bytes")?),
        })
    }

    async fn disk(&self) -> Result<Disk, ArrivalError> {
        let files = self.files.clone();
        let looking = tokio::task::spawn_blocking(move || files.disk());
        looking.await.map_err(|_| ArrivalError::Broken)?.map_err(ArrivalError::Files)
    }

    /// Releases the space of an incomplete upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&self, name: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE name = ? AND expires_at IS NOT NULL";
        self.store.execute("giving disk space back", sql, &[name.into()]).await.map(drop)
    }

    /// Reserves only what has arrived of a paused upload, until the upload ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause(&self, name: &str, arrived: u64, until: i64, now: i64) -> Result<(), StoreError> {
        let sql =
            "UPDATE pappus_upload_space SET bytes = ?, expires_at = ? WHERE name = ? AND expires_at <= ?";
        let values = [number(arrived), until.into(), name.into(), now.into()];
        self.store.execute("giving disk space back", sql, &values).await.map(drop)
    }

    /// Releases expired reservations. Those of uploads that can be resumed are [paused](Self::pause) instead.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_expired(&self, now: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE expires_at <= ? \
                   AND name NOT IN (SELECT name FROM pappus_uploads)";
        self.store.execute("giving disk space back", sql, &[now.into()]).await.map(drop)
    }

    /// Releases all space of a newcomer whose files are deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_all(&self, newcomer: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE newcomer_id = ?";
        self.store.execute("giving disk space back", sql, &[newcomer.into()]).await.map(drop)
    }

    /// Keeps the space of a complete file, and releases that of the file it replaces.
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
        self.drop_whole(transaction, newcomer, part).await?;
        let sql = "INSERT INTO pappus_upload_space (name, pod, newcomer_id, kind, bytes, expires_at) \
                   VALUES (?, ?, ?, ?, ?, NULL) \
                   ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, expires_at = NULL";
        let values = [file.0.into(), (&self.pod).into(), newcomer.into(), part.word().into(), number(file.1)];
        transaction.execute("keeping disk space", sql, &values).await.map(drop)
    }

    /// Releases the space of a complete file that is deleted or replaced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_whole(
        &self,
        transaction: &mut Transaction,
        newcomer: i64,
        part: Part,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_upload_space WHERE newcomer_id = ? AND kind = ? AND expires_at IS NULL";
        let values = [newcomer.into(), part.word().into()];
        transaction.execute("giving disk space back", sql, &values).await.map(drop)
    }

    /// Returns whether a running upload may continue: its reservation is valid, and enough disk space stays free.
    async fn is_current(&self, name: &str, now: i64) -> Result<Result<(), Stop>, ArrivalError> {
        let sql = "UPDATE pappus_upload_space SET expires_at = ? WHERE name = ? AND expires_at > ?";
        let values = [(now + millis(RESERVED_FOR)).into(), name.into(), now.into()];
        if self.store.execute("renewing a reservation", sql, &values).await? == 0 {
            return Ok(Err(Stop::Ended));
        }
        let full = self.disk().await?.free < self.files.keep_free();
        Ok(if full { Err(Stop::NoSpace(NoSpace::Full)) } else { Ok(()) })
    }
}

#[derive(Default)]
struct Held {
    /// Of all newcomers.
    all: u64,
    /// Of these, for incomplete files.
    open: u64,
    /// Of the newcomer's own, for files that stay beside the new one.
    own: u64,
}

fn number(bytes: u64) -> Value<'static> {
    i64::try_from(bytes).unwrap_or(i64::MAX).into()
}

/// Periodically checks whether a running upload may continue, and reserves more space for it.
pub struct Watch<'a> {
    space: &'a Space,
    claim: Claim<'a>,
    reserved: u64,
    unchecked: u64,
    checked: Instant,
}

impl<'a> Watch<'a> {
    /// Starts to watch an upload whose space has just been reserved.
    pub fn new(space: &'a Space, claim: Claim<'a>) -> Self {
        Self { space, reserved: claim.reserves(), claim, unchecked: 0, checked: Instant::now() }
    }

    /// Counts bytes received.
    ///
    /// # Errors
    /// [`ArrivalError`].
    pub async fn count(&mut self, bytes: usize, now: i64) -> Result<Result<(), Stop>, ArrivalError> {
        self.unchecked = self.unchecked.saturating_add(bytes as u64);
        self.claim.arrived = self.claim.arrived.saturating_add(bytes as u64);
        if self.unchecked < CHECK_BYTES && self.checked.elapsed() < CHECK_AFTER {
            return Ok(Ok(()));
        }
        (self.unchecked, self.checked) = (0, Instant::now());
        let current = self.space.is_current(self.claim.name, now).await?;
        if current.is_err() || self.reserved == self.claim.reserves() {
            return Ok(current);
        }
        self.reserved = self.claim.reserves();
        let reserved = self.space.reserve(&self.claim, now).await?;
        Ok(reserved.map_err(Stop::NoSpace))
    }
}
