//! Copies the data that people need to sign in when the pod's database no longer exists, at the podmin's request. In
//! the store each person's data is encrypted to the pod's key, and can be found by name only with that key.
//!
//! diaspora* appends a pepper to every password before hashing it. The pepper is not part of the pod's data: it is in
//! diaspora*'s own source (`config/initializers/devise.rb`), the same for all pods that have not changed it. Programs
//! that check passwords take it from there; it is not stored here.

use std::num::NonZeroUsize;

use aws_lc_rs::hmac;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::archive::encryption::{DecryptWith, EncryptTo, EncryptionError};
use crate::campaign::sign_in::rows::{read, statement};
use crate::campaign::sign_in::seal::{open, seal};
use crate::depot::{CampaignKeys, KeysError};
pub use crate::domain::SecretText;
use crate::domain::Timestamp;
use crate::pod::config::PodUrl;
use crate::pod::database::{DatabaseError, Snapshot};
use crate::sql::Value;
use crate::store::{Store, StoreError};

/// The number of people that are read, compared and written together.
const CHUNK_PEOPLE: usize = 500;
/// The columns of `pappus_sign_in`.
const COLUMNS: &str = "pod, user_id, username_hash, email_hash, content_hash, recipient, sealed, copied_at";

/// The reason sign-in data cannot be copied or found.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The pod cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key that opens the archives is on another machine.
    #[error(
        "copying and finding sign-in data requires the key file, and the one for {0} is not on this machine. Restore \
         it from a copy with `pappus keys restore`"
    )]
    KeyElsewhere(String),
    /// The data cannot be encrypted or decrypted.
    #[error("the sign-in data cannot be encrypted or decrypted: {0}")]
    Encryption(#[from] EncryptionError),
    /// The decrypted data is not what was encrypted.
    #[error("the sign-in data of a person is damaged: {0}")]
    Damaged(String),
    /// A thread panicked.
    #[error("copying stopped unexpectedly. This is a bug in Pappus; please report it")]
    Broken,
}

/// One person's sign-in data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The row number of the account on the pod.
    pub user_id: i64,
    /// Its username.
    pub username: String,
    /// Its diaspora* ID.
    pub account: String,
    /// Its e-mail address.
    pub email: String,
    /// The bcrypt hash of the password followed by the pepper.
    pub password_hash: SecretText,
    /// Locked by the podmin, or closed: diaspora* refuses the sign-in.
    pub locked: bool,
    /// The account is closed.
    pub closed: bool,
    /// The account is an administrator's.
    pub admin: bool,
    /// The second factor, if there is one.
    pub second_factor: Option<SecondFactor>,
}

/// A second factor: codes in addition to the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// True when a code is required. False when it was set up and never confirmed.
    pub required: bool,
    /// The secret of the codes (RFC 6238, base32); `None` if only the pod could read it.
    pub secret: Option<SecretText>,
    /// The last time step whose code was used: it and earlier ones are used up.
    pub used_until: Option<i64>,
    /// bcrypt hashes of the backup codes, each code followed by the pepper. Each is valid once.
    pub backup_codes: Vec<SecretText>,
}

/// The result of copying.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SignInCopied {
    /// People of the pod.
    pub people: u64,
    /// People who were new or had changed.
    pub written: u64,
}

/// The sign-in data of one pod, in the store.
#[derive(Debug, Clone)]
pub struct SignInData {
    keys: CampaignKeys,
    store: Store,
    pod: String,
    host: String,
}

impl SignInData {
    /// Returns the sign-in data of a pod, without reading it.
    pub fn new(keys: &CampaignKeys, store: &Store, pod: &PodUrl) -> Self {
        let (pod, host) = (pod.as_str().to_owned(), pod.diaspora_host());
        Self { keys: keys.clone(), store: store.clone(), pod, host }
    }

    /// Copies the data of all people with one statement that scans the pod's users once. Unchanged data is not written
    /// again; the data of people who are no longer on the pod remains.
    ///
    /// # Errors
    /// [`SignInError`]; data that was already copied remains.
    pub async fn copy(&self, snapshot: &mut Snapshot, now: Timestamp) -> Result<SignInCopied, SignInError> {
        let recipient = self.keys.current(now).await?.recipient;
        let lookup_keys = self.keys.lookup_keys()?;
        let Some((_, key)) = lookup_keys.into_iter().find(|(known, _)| *known == recipient) else {
            return Err(SignInError::KeyElsewhere(recipient));
        };
        let encrypt_to = EncryptTo::recipients(std::slice::from_ref(&recipient))?;
        let sealing = Sealing { key, encrypt_to, recipient, now };
        let columns = crate::pod::schema::columns(snapshot).await?;
        let (sql, host) = (statement(&columns), self.host.clone());
        let people = snapshot.stream("the sign-in data", sql, &[]);
        let people = people.try_filter_map(move |row| std::future::ready(Ok(read(&row, &host))));
        let mut chunks = std::pin::pin!(people.try_chunks(CHUNK_PEOPLE));
        let mut copied = SignInCopied::default();
        while let Some(chunk) = chunks.try_next().await.map_err(|error| error.1)? {
            copied.people += chunk.len() as u64;
            copied.written += self.write_changed(&sealing, chunk).await?;
        }
        Ok(copied)
    }

    /// Encrypts and writes the people of a chunk, ordered by user, who are new or have changed.
    async fn write_changed(&self, sealing: &Sealing, people: Vec<SignIn>) -> Result<u64, SignInError> {
        let range =
            people.first().map(|person| person.user_id).zip(people.last().map(|person| person.user_id));
        let Some((first, last)) = range else { return Ok(0) };
        let sql =
            "SELECT user_id, content_hash FROM pappus_sign_in WHERE pod = ? AND user_id BETWEEN ? AND ?";
        let values = [(&self.pod).into(), first.into(), last.into()];
        let rows = self.store.rows("looking for sign-in data", sql, &values).await?;
        let known =
            rows.iter().map(|row| Ok((row.get::<i64>("user_id")?, row.get::<String>("content_hash")?)));
        let known: std::collections::HashMap<_, _> = known.collect::<Result<_, StoreError>>()?;
        let mut changed = Vec::new();
        for person in people {
            let json = Zeroizing::new(serde_json::to_vec(&person).map_err(|_| SignInError::Broken)?);
            let content_hash = sealing.hash("content", &json);
            if known.get(&person.user_id) != Some(&content_hash) {
                changed.push((person, json, content_hash));
            }
        }
        let written = changed.len() as u64;
        if written == 0 {
            return Ok(0);
        }
        let texts: Vec<_> = changed.iter_mut().map(|(_, json, _)| std::mem::take(json)).collect();
        let encrypt_to = sealing.encrypt_to.clone();
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let sealed = tokio::task::spawn_blocking(move || seal(&encrypt_to, &texts, threads)).await;
        let sealed = sealed.map_err(|_| SignInError::Broken)??;
        self.write(sealing, &changed, sealed).await?;
        Ok(written)
    }

    async fn write(
        &self,
        sealing: &Sealing,
        people: &[(SignIn, Zeroizing<Vec<u8>>, String)],
        sealed: Vec<Vec<u8>>,
    ) -> Result<(), SignInError> {
        let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?)"; people.len()].join(", ");
        let set: Vec<String> =
            COLUMNS.split(", ").skip(2).map(|column| format!("{column} = excluded.{column}")).collect();
        let sql = format!(
            "INSERT INTO pappus_sign_in ({COLUMNS}) VALUES {rows} ON CONFLICT (pod, user_id) DO UPDATE SET {}",
            set.join(", ")
        );
        let copied_at = sealing.now.to_utc().and_utc().timestamp_millis();
        let mut values: Vec<Value<'_>> = Vec::with_capacity(people.len() * 8);
        for ((person, _, content_hash), sealed) in people.iter().zip(sealed) {
            values.push((&self.pod).into());
            values.push(person.user_id.into());
            values.push(sealing.hash("username", normalize(&person.username).as_bytes()).into());
            values.push(sealing.hash("email", normalize(&person.email).as_bytes()).into());
            values.push(content_hash.into());
            values.push((&sealing.recipient).into());
            values.push(sealed.into());
            values.push(copied_at.into());
        }
        self.store.execute("storing sign-in data", &sql, &values).await?;
        Ok(())
    }

    /// Returns the person with this username, e-mail address or diaspora* ID, as they type it, or `None`.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn find(&self, name: &str) -> Result<Option<SignIn>, SignInError> {
        let name = normalize(name);
        let local = name.strip_suffix(&format!("@{}", self.host));
        // People keep their IDs when a pod changes its address.
        let former_local = if local.is_none() { name.split_once('@').map(|(local, _)| local) } else { None };
        let Some(unlock) = self.keys.unlock()? else { return Ok(None) };
        for (recipient, key) in self.keys.lookup_keys()? {
            let hashes = [
                ("email_hash", Some(hash(&key, "email", name.as_bytes())), false),
                ("username_hash", Some(hash(&key, "username", name.as_bytes())), false),
                ("username_hash", local.map(|local| hash(&key, "username", local.as_bytes())), false),
                ("username_hash", former_local.map(|local| hash(&key, "username", local.as_bytes())), true),
            ];
            for (column, hash, is_by_id) in hashes {
                let Some(hash) = hash else { continue };
                let sql = format!(
                    "SELECT sealed FROM pappus_sign_in WHERE pod = ? AND {column} = ? AND recipient = ? \
                     ORDER BY user_id LIMIT 1"
                );
                let values = [(&self.pod).into(), hash.into(), (&recipient).into()];
                if let Some(row) = self.store.first("looking for a person", &sql, &values).await? {
                    let person = decrypt(&unlock, row.get("sealed")?)?;
                    if !is_by_id || person.account == name {
                        return Ok(Some(person));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Returns the account of a row number on the pod; `None` if it was not copied.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn by_row(&self, user_id: i64) -> Result<Option<SignIn>, SignInError> {
        let Some(unlock) = self.keys.unlock()? else { return Ok(None) };
        for (recipient, _) in self.keys.lookup_keys()? {
            let sql = "SELECT sealed FROM pappus_sign_in WHERE pod = ? AND user_id = ? AND recipient = ?";
            let values = [(&self.pod).into(), user_id.into(), recipient.into()];
            if let Some(row) = self.store.first("looking for an account", sql, &values).await? {
                return decrypt(&unlock, row.get("sealed")?).map(Some);
            }
        }
        Ok(None)
    }

    /// Returns whether data of any person is stored.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn has_data(&self) -> Result<bool, SignInError> {
        let sql = "SELECT 1 FROM pappus_sign_in WHERE pod = ? LIMIT 1";
        let values = [(&self.pod).into()];
        Ok(self.store.first("looking for sign-in data", sql, &values).await?.is_some())
    }

    /// Removes the data of all people. Returns their number.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn forget(&self) -> Result<u64, SignInError> {
        let sql = "DELETE FROM pappus_sign_in WHERE pod = ?";
        Ok(self.store.execute("removing sign-in data", sql, &[(&self.pod).into()]).await?)
    }
}

/// Decrypts one person's data.
fn decrypt(unlock: &DecryptWith, sealed: Vec<u8>) -> Result<SignIn, SignInError> {
    let text = open(unlock, sealed)?;
    // The error's own text would show the contents.
    serde_json::from_slice(&text).map_err(|error| SignInError::Damaged(error.classify_text()))
}

/// The keys that hash and encrypt people's data, and the time of copying.
struct Sealing {
    key: hmac::Key,
    encrypt_to: EncryptTo,
    recipient: String,
    now: Timestamp,
}

impl Sealing {
    fn hash(&self, purpose: &str, text: &[u8]) -> String {
        hash(&self.key, purpose, text)
    }
}

/// Returns a keyed hash in hexadecimal digits, different for each purpose: names, addresses, contents.
fn hash(key: &hmac::Key, purpose: &str, text: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose.as_bytes());
    context.update(&[0]);
    context.update(text);
    hex::encode(context.sign().as_ref())
}

/// Normalizes a name as diaspora* does for comparisons: trimmed, in lowercase.
pub(in crate::campaign) fn normalize(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Describes an error in a JSON text without quoting the text.
trait ClassifyText {
    fn classify_text(&self) -> String;
}

impl ClassifyText for serde_json::Error {
    fn classify_text(&self) -> String {
        format!("{:?} at line {} column {}", self.classify(), self.line(), self.column())
    }
}
