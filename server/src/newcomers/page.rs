//! The page of a newcomer: where they are, what comes next, what they can do.

use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use pappus_engine::archive::manifest::CountKind;
use serde::Deserialize;

use super::enter::{find, secret};
use super::records::{Newcomer, State};
use super::steps::{NO_KEY, needs_passphrase};
use super::summary::{Group, Told};
use crate::app::App;
use crate::config::Admission;
use crate::error::WebError;
use crate::pages::Page;

/// What the address says.
#[derive(Deserialize)]
pub(super) struct Asked {
    problem: Option<String>,
    left: Option<String>,
}

/// The form of name and password, as it was typed.
pub(super) struct Form {
    pub(super) username: String,
    pub(super) email: String,
    pub(super) problem: Option<String>,
}

#[derive(Template)]
#[template(path = "newcomers/page.html")]
struct NewcomersPage<'a> {
    page: &'a Page,
    view: Option<View>,
    form: Form,
    /// Whether somebody may begin.
    is_open: bool,
    needs_invitation: bool,
    needs_approval: bool,
    /// The pause for undo, in minutes that have begun.
    undo_minutes: u64,
    problem: Option<String>,
    note: Option<String>,
    /// How large what is handed in may be, and how long it is kept.
    limits: String,
    terms: Option<String>,
}

/// Where somebody is.
struct View {
    id: i64,
    state: State,
    title: String,
    text: String,
    /// The address that leads back here from another browser.
    link: Option<String>,
    account: Option<String>,
    new_account: Option<String>,
    sentence: String,
    percent: Option<u64>,
    /// What went wrong, in plain words, and the sentence of the program.
    problem: Option<String>,
    reason: Option<String>,
    unproven: bool,
    key_locked: bool,
    /// Whether there is no key that signs: nobody can be told.
    no_key: bool,
    /// When the pause for undo ends, while it is running.
    undo_until: Option<DateTime<Utc>>,
    plan: Option<Table>,
    report: Option<Table>,
    /// The pod's page for signing in.
    sign_in: String,
    expires: String,
}

/// What would come, or has come.
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// How many, what, and what is said about it.
    pub(super) findings: Vec<(String, String, String)>,
    pub(super) minutes: u64,
    pub(super) photos: String,
    pub(super) fits: bool,
    pub(super) fetched: u64,
}

/// One kind of record.
pub(super) struct Row {
    pub(super) kind: String,
    pub(super) in_archive: String,
    pub(super) new: String,
    pub(super) here: String,
    pub(super) left_out: String,
}

/// Shows the page.
pub(super) async fn show(
    Shared(app): Shared<App>,
    page: Page,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let newcomer = find(&app, &headers).await?;
    let known = newcomer.as_ref().map(|newcomer| (newcomer, secret(&app, &headers)));
    let problem = match asked.problem.as_deref() {
        Some("too-large") => Some(page.words.say("newcomers-too-large")),
        Some("full") => Some(page.words.say("newcomers-full")),
        Some("empty") => Some(page.words.say("newcomers-empty")),
        Some("no-photos") => Some(page.words.say("newcomers-no-photos")),
        Some("too-many") => Some(page.words.say("newcomers-too-many")),
        Some("invitation") => Some(page.words.say("newcomers-invitation-wrong")),
        _ => None,
    };
    let note = asked.left.map(|_| page.words.say("newcomers-left"));
    present(&app, &page, known, None, problem.or(note)).await
}

/// The page, with a form as it was typed. `said` is what there is to say about what was just done.
pub(super) async fn present(
    app: &App,
    page: &Page,
    known: Option<(&Newcomer, Option<&str>)>,
    form: Option<Form>,
    said: Option<String>,
) -> Result<Response, WebError> {
    let section = &app.config.newcomers;
    let view = known.map(|(newcomer, secret)| view(app, page, newcomer, secret));
    let form = form.unwrap_or_else(|| Form {
        username: known.and_then(|(newcomer, _)| suggestion(newcomer)).unwrap_or_default(),
        email: known.and_then(|(newcomer, _)| newcomer.email.clone()).unwrap_or_default(),
        problem: None,
    });
    // What was done well and what was not look different.
    let (problem, note) = match (&known, said) {
        (None, Some(said)) if said == page.words.say("newcomers-left") => (None, Some(said)),
        (_, said) => (said, None),
    };
    let most = page.words.size(app.newcomers.files.most());
    let values = vec![("size", most.into()), ("days", section.days.into())];
    let limits = page.words.with("newcomers-hand-in-text", values);
    let template = NewcomersPage {
        view,
        form,
        is_open: section.admission != Admission::Closed,
        needs_invitation: section.admission == Admission::Invitation,
        needs_approval: section.admission == Admission::Approval,
        undo_minutes: undo_minutes(app),
        problem,
        note,
        limits,
        terms: section.terms.clone(),
        page,
    };
    page.show(StatusCode::OK, &template)
}

/// The pause for undo; a minute that has begun counts.
fn undo_minutes(app: &App) -> u64 {
    app.config.newcomers.undo_pause().as_secs().div_ceil(60)
}

/// The name somebody chose before, or one that is free.
fn suggestion(newcomer: &Newcomer) -> Option<String> {
    let plan = Told::read(newcomer.plan.as_deref());
    newcomer.username.clone().or_else(|| plan.map(|plan| plan.suggestion))
}

fn view(app: &App, page: &Page, newcomer: &Newcomer, secret: Option<&str>) -> View {
    let (words, word) = (&page.words, newcomer.state.as_str());
    let base = app.config.web.public_url.as_str();
    let pod_url = app.config.pod_url.as_str().trim_end_matches('/');
    let plan = Told::read(newcomer.plan.as_deref());
    View {
        id: newcomer.id,
        state: newcomer.state,
        title: words.say(&format!("newcomers-{word}-title")),
        text: words.one(&format!("newcomers-{word}-text"), "minutes", undo_minutes(app)),
        link: secret.map(|secret| format!("{base}newcomers/back/{secret}")),
        account: newcomer.old_account.clone(),
        new_account: newcomer.new_account(&page.pod_host).filter(|_| newcomer.state.has_arrived()),
        sentence: super::progress::sentence(words, &newcomer.into(), app.now()),
        percent: newcomer.percent(),
        problem: newcomer.problem.as_deref().map(|problem| words.say(problem_key(problem))),
        reason: newcomer.reason.clone().filter(|_| newcomer.problem.is_some()),
        unproven: newcomer.proof.as_deref() == Some("unproven"),
        key_locked: needs_passphrase(newcomer),
        no_key: plan.as_ref().is_some_and(|plan| plan.no_key) || newcomer.problem.as_deref() == Some(NO_KEY),
        undo_until: newcomer.undo_until(),
        plan: plan.map(|told| table(page, &told)),
        report: Told::read(newcomer.report.as_deref()).map(|told| table(page, &told)),
        sign_in: format!("{pod_url}/users/sign_in"),
        expires: words.day(newcomer.expires_at),
    }
}

/// What is wrong, in plain words.
pub(super) fn problem_key(problem: &str) -> &'static str {
    match problem {
        "username_not_possible" => "newcomers-name-taken",
        "username_known_elsewhere" => "newcomers-name-known-elsewhere",
        "account_closed" => "newcomers-problem-closed",
        "email_not_possible" => "newcomers-email-wrong",
        "blocked_pod" => "newcomers-problem-blocked",
        "onto_itself" => "newcomers-problem-own-pod",
        "already_moved" => "newcomers-problem-moved",
        "imported_before" => "newcomers-problem-before",
        "wrong_key" => "newcomers-problem-wrong-key",
        "no_space" => "newcomers-problem-no-space",
        "key_passphrase" => "newcomers-problem-passphrase",
        "key_locked" => "newcomers-problem-key-locked",
        "no_key" => "newcomers-problem-no-key",
        "changed" => "newcomers-problem-changed",
        "away" => "newcomers-problem-away",
        "many_pods" => "newcomers-problem-many-pods",
        "too_heavy" => "newcomers-problem-too-heavy",
        _ => "newcomers-problem-other",
    }
}

/// Numbers and findings for people.
pub(super) fn table(page: &Page, told: &Told) -> Table {
    let words = &page.words;
    let row = |(kind, tally): (&CountKind, &pappus_engine::import::Tally)| Row {
        kind: words.say(&kind_key(*kind)),
        in_archive: words.number(tally.in_archive),
        new: words.number(tally.imported),
        here: words.number(tally.adopted),
        left_out: words.number(tally.left_out.values().sum()),
    };
    let finding = |group: &Group| {
        let key = format!("newcomers-finding-{}", group.code.as_str().replace('_', "-"));
        (words.number(group.count), words.say(&kind_key(group.kind)), words.say(&key))
    };
    Table {
        rows: told.kinds.iter().map(row).collect(),
        findings: told.findings.iter().map(finding).collect(),
        minutes: told.seconds.div_ceil(60),
        photos: words.size(told.photo_bytes),
        fits: told.fits,
        fetched: told.fetched_posts,
    }
}

/// The key of the word for a kind of record.
fn kind_key(kind: CountKind) -> String {
    let name = serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned));
    format!("kind-{}", name.unwrap_or_default().replace('_', "-"))
}
