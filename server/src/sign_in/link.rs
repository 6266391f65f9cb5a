//! Sign-in links by mail for forgotten passwords: valid once, for an hour. A link replaces only the password:
//! accounts with a second factor still need a code.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pappus_engine::campaign::SignIn;
use serde::Deserialize;
use tower_sessions::Session;

use super::enter::{account_key, finish, needs_code};
use super::second_step::{FirstStep, begin};
use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::mail::{Mail, queue, signature};
use crate::pages::{CheckedForm, Page};
use crate::security::Address;
use crate::words::Words;

/// Lifetime of a link.
const LINK_LIFETIME: Duration = Duration::from_hours(1);

/// The form as typed.
#[derive(Deserialize)]
pub(super) struct LinkForm {
    #[serde(default)]
    name: String,
}

/// The page with a link's button: mail scanners open links, which would mark them as used.
#[derive(Template)]
#[template(path = "sign_in/link.html")]
struct LinkPage<'a> {
    page: &'a Page,
    is_valid: bool,
}

/// Sends a link in the background: the response and its timing are the same for every name.
pub(super) async fn ask(
    State(app): State<App>,
    page: Page,
    address: Address,
    CheckedForm(form): CheckedForm<LinkForm>,
) -> Result<Redirect, WebError> {
    app.sign_in.attempts().count_address(address, app.now_millis()).await?;
    let sends_mail = app.config.mail.is_sent();
    if sends_mail {
        let (app, words) = (app.clone(), page.words.clone());
        tokio::spawn(async move {
            match send(&app, &words, &form.name, address).await {
                Ok(()) | Err(WebError::TooMany { .. }) => {}
                Err(error) => tracing::error!("a sign-in link could not be sent: {error}"),
            }
        });
    }
    Ok(Redirect::to(if sends_mail { "/sign-in/link?sent=yes" } else { "/sign-in/link" }))
}

async fn send(app: &App, words: &Words, name: &str, address: Address) -> Result<(), WebError> {
    let now = app.now_millis();
    let Some(person) = app.sign_in.accounts().find(name, now).await? else { return Ok(()) };
    if person.closed || person.locked || person.email.is_empty() {
        return Ok(());
    }
    app.sign_in.attempts().count_link_request(&account_key(Some(&person), ""), now).await?;
    let mut secret = [0; 32];
    let random = aws_lc_rs::rand::fill(&mut secret);
    random.map_err(|_| WebError::Internal("the system provides no random numbers".to_owned()))?;
    let token = URL_SAFE_NO_PAD.encode(secret);
    let digest = digest(&token);
    let sql = "INSERT INTO pappus_sign_in_links (digest, pod, user_id, username, stamp, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?)";
    let expires = now + i64::try_from(LINK_LIFETIME.as_millis()).unwrap_or(i64::MAX);
    let values = [
        (&digest).into(),
        app.config.pod_url.as_str().into(),
        person.user_id.into(),
        (&person.username).into(),
        app.sign_in.link_stamp(&person).into(),
        expires.into(),
    ];
    app.store.execute("saving a link", sql, &values).await?;
    let link = format!("{}sign-in/link/{token}", app.config.web.public_url);
    let values = vec![
        ("account", person.account.clone().into()),
        ("pod", app.config.pod_url.diaspora_host().into()),
        ("link", link.into()),
    ];
    let subject = words.one("link-mail-subject", "pod", app.config.pod_url.diaspora_host());
    let body = words.with("link-mail-body", values);
    let body = format!("{body}{}", signature(app, words).await?);
    let mail = Mail { key: format!("sign-in {digest}"), to: person.email.clone(), subject, body };
    queue(app, &mail).await?;
    audit(app, None, "link-sent", Some(&person.account), None, Some(address)).await;
    Ok(())
}

/// Shows the page with the button of a link.
pub(super) async fn show(
    State(app): State<App>,
    page: Page,
    Path(token): Path<String>,
) -> Result<Response, WebError> {
    let sql = "SELECT 1 FROM pappus_sign_in_links WHERE digest = ? AND pod = ? AND used_at IS NULL AND expires_at > ?";
    let values = [digest(&token).into(), app.config.pod_url.as_str().into(), app.now_millis().into()];
    let is_valid = app.store.first("looking for a link", sql, &values).await?.is_some();
    let status = if is_valid { StatusCode::OK } else { StatusCode::GONE };
    Ok(crate::error::keep_body(page.show(status, &LinkPage { page: &page, is_valid })?))
}

/// Signs in with a link, or asks for a code.
pub(super) async fn follow(
    State(app): State<App>,
    page: Page,
    session: Session,
    address: Address,
    Path(token): Path<String>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Response, WebError> {
    let now = app.now_millis();
    app.sign_in.attempts().count_link_use(address, now).await?;
    let Some(person) = use_link(&app, &token, now).await? else {
        return Ok(crate::error::keep_body(
            page.show(StatusCode::GONE, &LinkPage { page: &page, is_valid: false })?,
        ));
    };
    if needs_code(&person) {
        begin(&app, &session, &person, FirstStep::Link).await?;
        return Ok(Redirect::to("/sign-in/code").into_response());
    }
    app.sign_in.attempts().reset(&account_key(Some(&person), ""), address).await?;
    finish(&app, &session, &person, address, "sign-in-by-link").await?;
    Ok(Redirect::to("/").into_response())
}

/// Marks a link and all others of its account as used, and returns the account; of two concurrent uses one succeeds.
async fn use_link(app: &App, token: &str, now: i64) -> Result<Option<SignIn>, WebError> {
    let (digest, pod) = (digest(token), app.config.pod_url.as_str());
    let sql = "SELECT user_id, stamp FROM pappus_sign_in_links WHERE digest = ? AND pod = ?";
    let values = [(&digest).into(), pod.into()];
    let Some(row) = app.store.first("looking for a link", sql, &values).await? else { return Ok(None) };
    // Looked up before the link is marked as used: when the pod is unavailable, the link stays valid.
    let (user_id, stamp): (i64, Option<String>) = (row.get("user_id")?, row.get("stamp")?);
    let person = app.sign_in.accounts().by_row(user_id, now).await?.person();
    let person = person.filter(|person| !person.locked && !person.closed);
    // If the account's e-mail address has changed since, another person may read the mailbox.
    let person = person.filter(|person| stamp.is_some_and(|stamp| stamp == app.sign_in.link_stamp(person)));
    let sql =
        "UPDATE pappus_sign_in_links SET used_at = ? WHERE digest = ? AND used_at IS NULL AND expires_at > ?";
    let values = [now.into(), (&digest).into(), now.into()];
    let is_first_use = app.store.execute("using a link", sql, &values).await? == 1;
    if is_first_use && person.is_some() {
        let sql =
            "UPDATE pappus_sign_in_links SET used_at = ? WHERE pod = ? AND user_id = ? AND used_at IS NULL";
        app.store.execute("using links", sql, &[now.into(), pod.into(), user_id.into()]).await?;
    }
    Ok(person.filter(|_| is_first_use))
}

/// Returns the digest under which a link is stored.
fn digest(token: &str) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref())
}
