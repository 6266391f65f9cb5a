//! API tokens for scripts: permissions, the page where people list, create and revoke theirs, and the mail about new
//! ones.

mod page;
mod table;

use axum::Router;
use axum::routing::{get, post};
use serde_json::json;

use crate::api::Scope;
use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::mail::{Mail, queue, signature};
use crate::security::Address;
use crate::sessions::{Person, is_podmin};
use crate::words::Words;

pub(crate) use table::{StoredToken, Tokens};

/// Maximum lifetime of a token, in days.
pub(crate) const MAX_DAYS: u32 = 366;
/// Maximum length of a name, in characters.
pub(crate) const MAX_NAME_CHARS: usize = 100;
/// Maximum number of tokens per person.
const MAX_TOKENS: usize = 20;

/// A request for a new token, as typed or sent.
pub(crate) struct TokenForm {
    /// Its purpose, as the owner describes it.
    pub(crate) name: String,
    /// Its permissions.
    pub(crate) scopes: Vec<Scope>,
    /// Its lifetime in days.
    pub(crate) days: u32,
}

/// Returns the routes of the page.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/tokens", get(page::show).post(page::make))
        .route("/tokens/{id}/revoke", post(page::revoke))
}

/// Creates a token for a signed-in person; returns its number and the token. Its owner is notified by mail, as
/// another person may have created it.
///
/// # Errors
/// [`WebError::BadRequest`] for an invalid form, [`WebError::Forbidden`] for scopes that are for podmins,
/// [`WebError::Conflict`] when there are too many.
pub(crate) async fn make(
    app: &App,
    words: &Words,
    person: &Person,
    address: Address,
    form: &TokenForm,
) -> Result<(i64, String), WebError> {
    let invalid = |message: &str| Err(WebError::BadRequest(message.to_owned()));
    let name = form.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains('\0') {
        return invalid("a token's name has 1 to 100 characters");
    }
    if form.scopes.is_empty() || !(1..=MAX_DAYS).contains(&form.days) {
        return invalid("a token has at least one scope, and is valid for 1 to 366 days");
    }
    let is_for_podmins = form.scopes.iter().any(|scope| scope.is_for_podmins());
    if is_for_podmins && !(person.is_podmin && is_podmin(app, person).await?) {
        return Err(WebError::Forbidden);
    }
    let tokens = Tokens::new(app);
    if tokens.of(person.user_id).await?.len() >= MAX_TOKENS {
        return Err(WebError::Conflict("there are 20 tokens already: revoke one first".to_owned()));
    }
    let (id, token) = tokens.create(person, name, &form.scopes, form.days).await?;
    let details = json!({ "scopes": form.scopes, "days": form.days });
    audit(app, Some(person), "token-made", Some(name), Some(&details), Some(address)).await;
    if let Err(error) = notify(app, words, person, id, name).await {
        tracing::error!("the mail about a new token could not be queued: {error}");
    }
    Ok((id, token))
}

/// Revokes one of a person's own tokens; returns whether it existed.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn revoke(app: &App, person: &Person, address: Address, id: i64) -> Result<bool, WebError> {
    let Some(name) = Tokens::new(app).remove(person.user_id, id).await? else { return Ok(false) };
    audit(app, Some(person), "token-revoked", Some(&name), None, Some(address)).await;
    Ok(true)
}

async fn notify(app: &App, words: &Words, person: &Person, id: i64, name: &str) -> Result<(), WebError> {
    if !app.config.mail.is_sent() {
        return Ok(());
    }
    let account = app.sign_in.accounts().by_row(person.user_id, app.now_millis()).await?.person();
    let Some(to) = account.map(|account| account.email).filter(|email| !email.is_empty()) else {
        return Ok(());
    };
    let values = vec![
        ("account", person.account.clone().into()),
        ("name", name.to_owned().into()),
        ("page", format!("{}tokens", app.config.web.public_url).into()),
    ];
    let subject = words.one("token-mail-subject", "account", person.account.as_str());
    let body = words.with("token-mail-body", values) + &signature(app, words).await?;
    queue(app, &Mail { key: format!("token-{id}"), to, subject, body }).await?;
    Ok(())
}
