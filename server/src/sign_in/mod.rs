//! Sign-in with an account of the pod: name and password, a code if the account requires one, or a link by mail for
//! forgotten passwords.
//!
//! Nothing is ever written to the pod. Used codes and links are recorded in Pappus's own database.

mod accounts;
mod attempts;
mod codes;
mod enter;
mod link;
mod page;
mod password;
mod second_step;
mod stamp;
mod valid_accounts;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use pappus_engine::campaign::{SecretText, SignIn};
use pappus_engine::depot::{CampaignKeys, KeysError};
use pappus_engine::store::{Store, StoreError};
use tower_sessions::Session;

use crate::app::App;
use crate::config::Config;
use crate::error::WebError;
use crate::pages::CheckedForm;

pub use accounts::{Account, Accounts};
use attempts::Attempts;
use password::Passwords;
use stamp::Stamps;
use valid_accounts::ValidAccounts;

/// State of the sign-in. Clones share it.
#[derive(Clone)]
pub struct SignInService(Arc<Parts>);

struct Parts {
    accounts: Accounts,
    attempts: Attempts,
    passwords: Passwords,
    valid_accounts: ValidAccounts,
    stamps: Stamps,
    /// Milliseconds after which the pod is queried again whether an account is locked or closed.
    recheck_millis: i64,
}

impl SignInService {
    /// Creates the sign-in for the service's pod.
    ///
    /// # Errors
    /// [`KeysError`].
    pub(crate) fn new(config: &Config, store: &Store, keys: &CampaignKeys) -> Result<Self, KeysError> {
        Ok(Self(Arc::new(Parts {
            accounts: Accounts::new(config, store, keys),
            attempts: Attempts::new(config, store, keys)?,
            passwords: Passwords::new(&config.sign_in.pepper),
            valid_accounts: ValidAccounts::default(),
            stamps: Stamps::new(keys)?,
            recheck_millis: i64::from(config.sign_in.asks_again_minutes) * 60_000,
        })))
    }

    /// Returns the pod's accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Returns the hash of a new password, in the pod's format.
    ///
    /// # Errors
    /// [`WebError`].
    pub(crate) async fn hash_password(&self, password: &str) -> Result<SecretText, WebError> {
        self.passwords().hash(password).await
    }

    /// Removes expired records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn sweep(&self, app: &App) -> Result<(), StoreError> {
        let now = app.now_millis();
        self.attempts().sweep(now).await?;
        let sql = "DELETE FROM pappus_sign_in_links WHERE expires_at < ?";
        app.store.execute("removing old links", sql, &[now.into()]).await.map(drop)
    }

    /// Returns the stamp for an account's sessions and tokens; see [`Stamps`].
    pub(crate) fn stamp(&self, person: &SignIn) -> String {
        self.0.stamps.of(person)
    }

    fn link_stamp(&self, person: &SignIn) -> String {
        self.0.stamps.of_link(person)
    }

    fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }
}

/// Returns the routes for signing in and out.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(page::sign_in).post(enter::enter))
        .route("/sign-in/code", get(page::code).post(second_step::enter))
        .route("/sign-in/link", get(page::forgotten).post(link::ask))
        .route("/sign-in/link/{token}", get(link::show).post(link::follow))
        .route("/sign-out", post(sign_out))
}

async fn sign_out(
    State(_): State<App>,
    session: Session,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    session.flush().await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    Ok(Redirect::to("/sign-in?out=yes"))
}
