//! Notices: mails from the podmin to many people, one to each person.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::shared::letter::{
    Languages, NoticeMail, PlaceholderValues, Text, count_recipients, unknown_placeholders,
};
use super::shared::notices::{Audience, Draft, DraftProblem, Notice};
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::{WebError, keep_body};
use crate::pages::{CheckedForm, FieldProblems, Moment, Page};
use crate::sessions::flash;
use crate::words::{LANGUAGES, Words};

/// The session key of the draft in the preview.
const PREVIEW_KEY: &str = "previewed-notice";
/// The URL of the page with that preview.
const PREVIEW_URL: &str = "/board/notices?preview=yes";

#[derive(Template)]
#[template(path = "board/notices.html")]
struct NoticesPage<'a> {
    page: &'a Page,
    can_send: bool,
    audiences: Vec<(&'static str, String)>,
    draft: Draft,
    /// The notice in other languages, as typed.
    translations: Vec<TranslationFields>,
    problems: FieldProblems,
    preview: Option<Preview>,
    /// The address that the test mail was sent to.
    test_address: Option<String>,
    notices: Vec<NoticeRow>,
}

/// The notice in another language, in the form.
struct TranslationFields {
    code: &'static str,
    name: String,
    subject: String,
    body: String,
    /// The IDs of its inputs.
    subject_id: String,
    body_id: String,
}

/// A preview of the mails that people receive.
struct Preview {
    /// The number of recipients.
    recipients: u64,
    recipients_text: String,
    /// The recipients per language, and the mail they receive.
    mails: Vec<(String, NoticeMail)>,
    /// Unknown placeholders, separated by commas; usually empty.
    unknown_placeholders: String,
}

struct NoticeRow {
    id: i64,
    subject: String,
    audience: String,
    begun_at: Moment,
    author: String,
    state: String,
    state_text: String,
    queued: String,
}

/// The form for a notice.
#[derive(Deserialize)]
pub(super) struct DraftForm {
    #[serde(default)]
    audience: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    body: String,
    /// The language of subject and text.
    #[serde(default)]
    main: String,
    /// Set to send a test to the podmin.
    test: Option<String>,
    /// Set once the preview has been confirmed.
    confirmed: Option<String>,
    /// Subject and text in other languages, by the IDs of [`fields`].
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

impl DraftForm {
    fn draft(mut self, language: &str) -> (Draft, Option<String>, Option<String>) {
        let is_known = LANGUAGES.iter().any(|(code, _)| *code == self.main);
        let main = if is_known { self.main } else { language.to_owned() };
        let texts = LANGUAGES.iter().map(|(code, _)| {
            let (subject, body) = fields(code);
            let mut field_text = |field| self.others.remove(&field).unwrap_or_default();
            ((*code).to_owned(), Text { subject: field_text(subject), body: field_text(body) })
        });
        let has_text = |text: &Text| !(text.subject.trim().is_empty() && text.body.trim().is_empty());
        let texts = texts.filter(|(code, text)| *code != main && has_text(text)).collect();
        let languages = Languages { main, texts };
        let (audience, subject, body) = (self.audience, self.subject, self.body);
        (Draft { audience, subject, body, languages }, self.test, self.confirmed)
    }
}

/// Returns the IDs of the inputs for a language.
fn fields(code: &str) -> (String, String) {
    (format!("subject_{code}"), format!("body_{code}"))
}

/// The query parameters.
#[derive(Deserialize)]
pub(super) struct NoticesQuery {
    preview: Option<String>,
}

/// Shows the form, filled from a template or with the draft in the preview, and the notices sent so far.
pub(super) async fn show(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    session: Session,
    Query(query): Query<NoticesQuery>,
) -> Result<Response, WebError> {
    super::require_closing(&app)?;
    if query.preview.is_some()
        && let Some((draft, test_address)) =
            flash::get::<(Draft, Option<String>)>(&app, &session, PREVIEW_KEY).await?
    {
        let preview = preview(&app, &page, &actor, &draft).await?;
        return present(&app, &page, draft, FieldProblems::default(), Some(preview), test_address).await;
    }
    let template = |words: &Words| Text {
        subject: words.one("notice-template-subject", "pod", page.pod_host.as_str()),
        body: words.say("notice-template-body"),
    };
    let Text { subject, body } = template(&page.words);
    let others = page.other_languages().filter_map(|(code, _)| {
        let words = app.translations.named(code)?;
        Some((code.to_owned(), template(words)))
    });
    let languages = Languages { main: page.words.code().to_owned(), texts: others.collect() };
    let draft = Draft { audience: "not-fetched".to_owned(), subject, body, languages };
    present(&app, &page, draft, FieldProblems::default(), None, None).await
}

async fn present(
    app: &App,
    page: &Page,
    draft: Draft,
    problems: FieldProblems,
    preview: Option<Preview>,
    test_address: Option<String>,
) -> Result<Response, WebError> {
    let audiences = Audience::ALL.map(|audience| (audience, page.words.say(&format!("audience-{audience}"))));
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = NoticesPage {
        page,
        can_send: shared::notices::can_send(app),
        audiences: audiences.into(),
        translations: translations(&page.words, &draft),
        draft,
        problems,
        preview,
        test_address,
        notices: shared::notices::latest(app).await?.into_iter().map(|notice| row(page, notice)).collect(),
    };
    Ok(keep_body(page.show(status, &template)?))
}

fn translations(words: &Words, draft: &Draft) -> Vec<TranslationFields> {
    let others = LANGUAGES.into_iter().filter(|(code, _)| *code != draft.languages.main);
    let fields_of = |(code, _): (&'static str, &'static str)| {
        let Text { subject, body } = draft.languages.texts.get(code).cloned().unwrap_or_default();
        let (subject_id, body_id) = fields(code);
        TranslationFields { code, name: language_name(words, code), subject, body, subject_id, body_id }
    };
    others.map(fields_of).collect()
}

/// Returns the name of a language in the reader's language.
fn language_name(words: &Words, code: &str) -> String {
    words.find(&format!("language-{code}")).unwrap_or_else(|| code.to_owned())
}

fn row(page: &Page, notice: Notice) -> NoticeRow {
    let words = &page.words;
    NoticeRow {
        id: notice.id,
        subject: notice.subject,
        audience: words.say(&format!("audience-{}", notice.audience)),
        begun_at: page.moment(notice.begun_at),
        author: notice.written_by,
        state_text: words.say(&format!("notice-{}", notice.state)),
        state: notice.state,
        queued: words.number(u64::try_from(notice.queued).unwrap_or(0)),
    }
}

/// Shows the preview; sends a test to the podmin, or the notice itself once the preview was confirmed.
pub(super) async fn send(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    session: Session,
    CheckedForm(form): CheckedForm<DraftForm>,
) -> Result<Response, WebError> {
    super::require_closing(&app)?;
    let (draft, test, confirmed) = form.draft(page.words.code());
    let draft_problems = shared::notices::problems(&draft);
    if !draft_problems.is_empty() {
        let problems = draft_problems
            .into_iter()
            .map(|(code, problem)| field_problem(&page, &draft, &code, problem))
            .collect();
        return present(&app, &page, draft, problems, None, None).await;
    }
    if confirmed.is_some() && test.is_none() {
        shared::notices::send(&app, &actor, &draft).await?;
        // Back leads to the form, not to a preview of what was sent.
        flash::take::<(Draft, Option<String>)>(&app, &session, PREVIEW_KEY).await?;
        return Ok(Redirect::to("/board/notices?done=notice-sent").into_response());
    }
    // Fails with the reason when no mail can be sent.
    shared::notices::preview(&app, &actor, &draft).await?;
    let test_address = match test {
        Some(_) => Some(shared::notices::test(&app, &actor, &draft).await?),
        None => None,
    };
    flash::put(&app, &session, PREVIEW_KEY, &(draft, test_address)).await?;
    Ok(Redirect::to(PREVIEW_URL).into_response())
}

fn field_problem(
    page: &Page,
    draft: &Draft,
    code: &str,
    problem: DraftProblem,
) -> (Cow<'static, str>, String) {
    let is_main = code == draft.languages.main;
    let (subject, body) = if is_main { ("subject".to_owned(), "body".to_owned()) } else { fields(code) };
    match problem {
        DraftProblem::Audience => ("audience".into(), page.words.say("notices-wrong-audience")),
        DraftProblem::Subject => (subject.into(), page.words.say("notices-wrong-subject")),
        DraftProblem::Body => (body.into(), page.words.say("notices-wrong-body")),
    }
}

async fn preview(app: &App, page: &Page, actor: &Actor, draft: &Draft) -> Result<Preview, WebError> {
    let (words, name) = (&page.words, actor.podmin.username.as_str());
    let (counts, values) = (count_recipients(app, draft).await?, PlaceholderValues::of(app).await?);
    let number = |count: u64| vec![("count", count.into()), ("shown", words.number(count).into())];
    let languages = std::iter::once(&draft.languages.main).chain(draft.languages.texts.keys());
    let mut mails: Vec<(String, NoticeMail)> = languages
        .map(|code| {
            let count = counts.by_language.get(code).copied().unwrap_or(0);
            let mut numbers = number(count);
            numbers.push(("language", language_name(words, code).into()));
            (words.with("notices-in-language", numbers), values.mail(app, draft, code, name))
        })
        .collect();
    if counts.locked > 0 {
        let mail = values.locked_mail(app, draft, &draft.languages.main, name);
        mails.push((words.with("notices-to-locked", number(counts.locked)), mail));
    }
    // All known placeholders are replaced by now.
    let texts = mails.iter().flat_map(|(_, mail)| [mail.subject.as_str(), mail.body.as_str()]);
    let unknown: BTreeSet<String> = texts.flat_map(unknown_placeholders).collect();
    let unknown = unknown.into_iter().collect::<Vec<_>>().join(", ");
    Ok(Preview {
        recipients: counts.total(),
        recipients_text: words.number(counts.total()),
        mails,
        unknown_placeholders: unknown,
    })
}

/// The form that changes a notice.
#[derive(Deserialize)]
pub(super) struct ChangeForm {
    act: String,
}

/// Stops or resumes a notice.
pub(super) async fn change(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<i64>,
    CheckedForm(change): CheckedForm<ChangeForm>,
) -> Result<Redirect, WebError> {
    shared::notices::change(&app, &actor, id, &change.act).await?;
    let message = if change.act == "stop" { "notice-stopped" } else { "notice-resumed" };
    Ok(Redirect::to(&format!("/board/notices?done={message}")))
}
