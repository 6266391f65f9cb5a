//! What is in an archive, and what is not.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use pappus_engine::domain::Omission;

use super::made;
use super::page::{Line, line};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::sessions::SignedIn;

/// Records left out that are named; the archive itself names all.
const NAMED: usize = 200;

#[derive(Template)]
#[template(path = "portal/contents.html")]
struct ContentsPage<'a> {
    page: &'a Page,
    made: Line,
    counts: Vec<(String, String)>,
    reasons: Vec<(String, String)>,
    named: Vec<String>,
    more: u64,
    fingerprint: Option<String>,
}

/// Shows it.
pub(super) async fn show(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let made = made::own(&app, &person, &name).await?;
    let manifest = made::open(&app, &made).await?.manifest().await?;
    let words = &page.words;
    let counts = manifest.counts.iter().filter(|(_, count)| **count > 0);
    let counts = counts.map(|(kind, count)| (words.say(&kind_key(kind)), words.number(*count))).collect();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for omission in &manifest.omissions {
        *reasons.entry(omission.code.as_str()).or_default() += 1;
    }
    for (code, number) in &manifest.more_omissions {
        *reasons.entry(code.as_str()).or_default() += number;
    }
    let reasons = reasons.into_iter();
    let template = ContentsPage {
        page: &page,
        made: line(&page, &made),
        counts,
        reasons: reasons.map(|(code, count)| (code.replace('_', " "), words.number(count))).collect(),
        named: manifest.omissions.iter().take(NAMED).map(sentence).collect(),
        more: manifest.omission_count().saturating_sub(NAMED as u64),
        fingerprint: manifest.account.key_fingerprint.as_ref().map(ToString::to_string),
    };
    page.show(StatusCode::OK, &template)
}

fn sentence(omission: &Omission) -> String {
    match &omission.record.name {
        Some(name) => format!("{name}: {}", omission.reason),
        None => omission.reason.clone(),
    }
}

/// The key of the word for a kind of record.
fn kind_key(kind: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned));
    format!("kind-{}", name.unwrap_or_default().replace('_', "-"))
}
