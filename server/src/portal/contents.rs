//! The contents of an archive, and its omissions.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use pappus_engine::domain::Omission;

use super::made;
use super::page::{ArchiveLine, archive_line};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::sessions::SignedIn;
use crate::words::Words;

/// Number of omissions shown; the archive itself lists all.
const MAX_SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "portal/contents.html")]
struct ContentsPage<'a> {
    page: &'a Page,
    archive: ArchiveLine,
    counts: Vec<(String, String)>,
    reasons: Vec<(String, String)>,
    omissions: Vec<String>,
    more_omissions: u64,
    fingerprint: Option<String>,
    sha256: String,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let archive = made::find_downloadable(&app, &person, &name).await?;
    let manifest = made::open(&app, &archive).await?.manifest().await?;
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
        archive: archive_line(&page, &archive),
        counts,
        reasons: reasons.map(|(code, count)| (reason(words, code), words.number(count))).collect(),
        omissions: manifest
            .omissions
            .iter()
            .take(MAX_SHOWN)
            .map(|omission| sentence(words, omission))
            .collect(),
        more_omissions: manifest.omission_count().saturating_sub(MAX_SHOWN as u64),
        sha256: super::digest::sha256(&app, &archive).await?,
        fingerprint: manifest.account.key_fingerprint.as_ref().map(ToString::to_string),
    };
    page.show(StatusCode::OK, &template)
}

/// Returns the reason for an omission, in the reader's language.
fn reason(words: &Words, code: &str) -> String {
    words.say(&format!("omission-{}", code.replace('_', "-")))
}

/// Returns an omission as a sentence: the record and the reason. The archive's own sentence is in English.
fn sentence(words: &Words, omission: &Omission) -> String {
    let kind = words.say(&format!("record-{}", omission.record.kind.as_str().replace('_', "-")));
    let name = omission.record.name.clone().or_else(|| omission.record.id.map(|id| id.to_string()));
    let record = name.map_or_else(|| kind.clone(), |name| format!("{kind} {name}"));
    format!("{record}: {}", reason(words, omission.code.as_str()))
}

/// Returns the key of the name of a kind of record.
fn kind_key(kind: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned));
    format!("kind-{}", name.unwrap_or_default().replace('_', "-"))
}
