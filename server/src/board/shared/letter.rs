//! A notice as a personal mail: in the recipient's language, with placeholders filled in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::people::{Recipient, Seen, addressees};
use pappus_engine::store::{StoreError, StoreRow};
use serde::{Deserialize, Serialize};

use super::notices::{Audience, Draft};
use crate::app::App;
use crate::board::Closing;
use crate::error::WebError;
use crate::words::{LANGUAGES, Words};

/// Number of people read at a time while counting.
const PAGE_ROWS: u32 = 5_000;

/// A mail in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) subject: String,
    pub(crate) body: String,
}

/// The languages of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Languages {
    /// The language for people whose language has no translation.
    pub(crate) main: String,
    /// The translations, by language code.
    pub(crate) texts: BTreeMap<String, Text>,
}

impl Default for Languages {
    fn default() -> Self {
        Self { main: LANGUAGES.first().map_or("en", |(code, _)| code).to_owned(), texts: BTreeMap::new() }
    }
}

impl Languages {
    /// Returns the language in which a person receives the notice.
    pub(crate) fn of<'a>(&'a self, chosen: Option<&str>) -> &'a str {
        let code = chosen.unwrap_or_default().split(['-', '_']).next().unwrap_or_default();
        self.texts.get_key_value(code).map_or(&self.main, |(code, _)| code)
    }
}

/// A mail as a person receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoticeMail {
    pub(crate) subject: String,
    pub(crate) body: String,
}

/// Numbers of recipients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecipientCounts {
    /// Recipients by language.
    pub(crate) by_language: BTreeMap<String, u64>,
    /// Recipients whose account is locked: they receive a different mail.
    pub(crate) locked: u64,
}

impl RecipientCounts {
    pub(crate) fn total(&self) -> u64 {
        self.by_language.values().sum::<u64>() + self.locked
    }
}

/// Values for placeholders, looked up once for many mails.
pub(crate) struct PlaceholderValues {
    closing: Option<Closing>,
}

impl PlaceholderValues {
    pub(crate) async fn of(app: &App) -> Result<Self, StoreError> {
        Ok(Self { closing: Closing::of(app).await? })
    }

    /// Returns the mail in a language.
    pub(crate) fn mail(&self, app: &App, draft: &Draft, language: &str, name: &str) -> NoticeMail {
        let translation = draft.languages.texts.get(language);
        let (subject, body) =
            translation.map_or((&draft.subject, &draft.body), |text| (&text.subject, &text.body));
        let words = app.translations.accepted(language);
        let fill = |text: &str| self.fill(app, &words, text, name);
        NoticeMail { subject: fill(subject), body: fill(body) }
    }

    /// Returns the mail for locked accounts: they cannot sign in, so it names the contact address.
    pub(crate) fn locked_mail(&self, app: &App, draft: &Draft, language: &str, name: &str) -> NoticeMail {
        let words = app.translations.accepted(language);
        let body = self.fill(app, &words, &words.say("notice-locked-body"), name);
        NoticeMail { subject: self.mail(app, draft, language, name).subject, body }
    }

    fn fill(&self, app: &App, words: &Words, text: &str, name: &str) -> String {
        let days = self.closing.as_ref().map(|closing| closing.days(words)).unwrap_or_default();
        let days: Vec<String> = days.into_iter().map(|(event, day)| format!("{event}: {day}")).collect();
        let podmin = app.config.podmin_email.clone();
        text.replace("\r\n", "\n")
            .replace("{name}", name)
            .replace("{pod}", &app.config.pod_url.diaspora_host())
            .replace("{link}", app.config.web.public_url.as_str())
            .replace("{days}", &days.join("\n"))
            .replace("{podmin}", &podmin.unwrap_or_else(|| words.say("notice-podmin-unknown")))
    }
}

/// Returns unknown placeholders: a typo would be sent to all recipients.
pub(crate) fn unknown_placeholders(text: &str) -> BTreeSet<String> {
    let names = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    let is_name = |name: &&str| {
        (1..=30).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    names.filter(is_name).map(|name| format!("{{{name}}}")).collect()
}

/// Counts the recipients.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn count_recipients(app: &App, draft: &Draft) -> Result<RecipientCounts, WebError> {
    let mut counts = RecipientCounts::default();
    let (Some(pod), Some(audience)) = (&app.config.pod, Audience::parse(&draft.audience)) else {
        return Ok(counts);
    };
    let unavailable =
        |error: pappus_engine::pod::database::DatabaseError| WebError::Unavailable(error.to_string());
    let mut snapshot = Snapshot::open(&pod.database).await.map_err(unavailable)?;
    let mut last_id = 0;
    loop {
        let people = addressees(&mut snapshot, last_seen(audience), app.now(), last_id, PAGE_ROWS)
            .await
            .map_err(unavailable)?;
        let Some(last) = people.last() else { return Ok(counts) };
        last_id = last.user_id;
        let excluded = excluded_recipients(app, audience, &people).await?;
        for person in people.iter().filter(|person| !excluded.contains(&person.user_id)) {
            if person.locked {
                counts.locked += 1;
            } else {
                let language = draft.languages.of(person.language.as_deref()).to_owned();
                *counts.by_language.entry(language).or_default() += 1;
            }
        }
    }
}

/// Returns the period in which people of an audience last used the pod.
pub(crate) fn last_seen(audience: Audience) -> Seen {
    match audience {
        Audience::Seen(seen) => seen,
        Audience::NotDownloaded => Seen::Ever,
    }
}

/// Returns the row numbers of people who receive no mail, as they have downloaded an archive.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn excluded_recipients(
    app: &App,
    audience: Audience,
    people: &[Recipient],
) -> Result<HashSet<i64>, StoreError> {
    if people.is_empty() || audience != Audience::NotDownloaded {
        return Ok(HashSet::new());
    }
    let ids: Vec<i64> = people.iter().map(|person| person.user_id).collect();
    Ok(last_downloads(app, &ids).await?.into_keys().collect())
}

/// Returns the time of the last download by row number of the account, in milliseconds since 1970.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn last_downloads(app: &App, ids: &[i64]) -> Result<HashMap<i64, i64>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT user_id, last_at FROM pappus_downloads WHERE pod = ? AND user_id IN ({})",
        ids.join(", ")
    );
    let rows = app.store.rows("reading downloads", &sql, &[app.config.pod_url.as_str().into()]).await?;
    rows.iter().map(|row: &StoreRow| Ok((row.get("user_id")?, row.get("last_at")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_a_mail_in_their_language_if_there_is_one() {
        let texts = BTreeMap::from([("de".to_owned(), Text::default())]);
        let languages = Languages { main: "en".to_owned(), texts };
        for (chosen, code) in [
            (Some("de"), "de"),
            (Some("de-AT"), "de"),
            (Some("de_formal"), "de"),
            (Some("fr"), "en"),
            (None, "en"),
        ] {
            assert_eq!(languages.of(chosen), code, "{chosen:?}");
        }
    }
}
