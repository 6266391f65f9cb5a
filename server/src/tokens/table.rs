//! The table of tokens, which stores only their digests.

use chrono::{DateTime, Utc};
use pappus_engine::store::{StoreError, StoreRow};
use pappus_engine::store::{random_token, token_digest};

use crate::api::Scope;
use crate::app::App;
use crate::sessions::Person;

/// The prefix of tokens, so that people and secret scanners recognise them.
const PREFIX: &str = "pappus_";
/// Maximum length of a token that is looked up, in bytes.
const MAX_TOKEN_BYTES: usize = 100;
/// Interval within which use is recorded at most once, in milliseconds.
const USE_INTERVAL_MILLIS: i64 = 60_000;

/// The tokens of a pod.
pub(crate) struct Tokens<'a>(&'a App);

/// A token as its owner sees it.
pub(crate) struct StoredToken {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
}

/// The owner of a token, and its scopes.
pub(crate) struct TokenOwner {
    pub(crate) person: Person,
    pub(crate) scopes: Vec<Scope>,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(app: &'a App) -> Self {
        Self(app)
    }

    fn pod(&self) -> &str {
        self.0.config.pod_url.as_str()
    }

    /// Creates a token; returns its number and the token.
    pub(crate) async fn create(
        &self,
        person: &Person,
        name: &str,
        scopes: &[Scope],
        days: u32,
    ) -> Result<(i64, String), StoreError> {
        let token = format!("{PREFIX}{}", random_token()?);
        let scope_names: Vec<&str> =
            Scope::ALL.into_iter().filter(|scope| scopes.contains(scope)).map(Scope::as_str).collect();
        let now = self.0.now_millis();
        let sql = "INSERT INTO pappus_api_tokens (pod, user_id, username, account, name, token_sha256, scopes, created_at, \
                   expires_at, stamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
        let values = [
            self.pod().into(),
            person.user_id.into(),
            (&person.username).into(),
            (&person.account).into(),
            name.into(),
            token_digest(&token).into(),
            scope_names.join(" ").into(),
            now.into(),
            (now + i64::from(days) * 86_400_000).into(),
            (&person.stamp).into(),
        ];
        let row = self.0.store.first("creating a token", sql, &values).await?;
        Ok((row.map_or(Ok(0), |row| row.get("id"))?, token))
    }

    /// Returns the owner of a valid token.
    pub(crate) async fn find(&self, token: &str) -> Result<Option<TokenOwner>, StoreError> {
        if token.len() > MAX_TOKEN_BYTES || !token.starts_with(PREFIX) {
            return Ok(None);
        }
        let now = self.0.now_millis();
        let sql = "SELECT id, user_id, username, account, scopes, last_used_at, stamp FROM pappus_api_tokens \
                   WHERE token_sha256 = ? AND pod = ? AND expires_at > ?";
        let values = [token_digest(token).into(), self.pod().into(), now.into()];
        let Some(row) = self.0.store.first("looking for a token", sql, &values).await? else {
            return Ok(None);
        };
        if row.get::<Option<i64>>("last_used_at")?.is_none_or(|used| used < now - USE_INTERVAL_MILLIS) {
            let sql = "UPDATE pappus_api_tokens SET last_used_at = ? WHERE id = ?";
            self.0
                .store
                .execute("recording the use of a token", sql, &[now.into(), row.get::<i64>("id")?.into()])
                .await?;
        }
        // The podmin role is checked when needed: it may change during the token's lifetime.
        let person = Person {
            user_id: row.get("user_id")?,
            username: row.get("username")?,
            account: row.get("account")?,
            is_podmin: false,
            stamp: row.get("stamp")?,
        };
        Ok(Some(TokenOwner { person, scopes: scopes(&row)? }))
    }

    /// Returns a person's tokens.
    pub(crate) async fn of(&self, user_id: i64) -> Result<Vec<StoredToken>, StoreError> {
        let sql = "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM pappus_api_tokens \
                   WHERE pod = ? AND user_id = ? ORDER BY id";
        let rows = self.0.store.rows("listing tokens", sql, &[self.pod().into(), user_id.into()]).await?;
        let time = |millis: i64| DateTime::from_timestamp_millis(millis).unwrap_or_default();
        let read = |row: &StoreRow| {
            Ok(StoredToken {
                id: row.get("id")?,
                name: row.get("name")?,
                scopes: scopes(row)?,
                created_at: time(row.get("created_at")?),
                expires_at: time(row.get("expires_at")?),
                last_used_at: row.get::<Option<i64>>("last_used_at")?.map(time),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Removes one of a person's tokens; returns its name, if it existed.
    pub(crate) async fn remove(&self, user_id: i64, id: i64) -> Result<Option<String>, StoreError> {
        let sql = "DELETE FROM pappus_api_tokens WHERE pod = ? AND user_id = ? AND id = ? RETURNING name";
        let values = [self.pod().into(), user_id.into(), id.into()];
        self.0.store.first("removing a token", sql, &values).await?.map(|row| row.get("name")).transpose()
    }
}

fn scopes(row: &StoreRow) -> Result<Vec<Scope>, StoreError> {
    Ok(row.get::<String>("scopes")?.split(' ').filter_map(Scope::parse).collect())
}
