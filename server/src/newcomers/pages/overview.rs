//! The page of a newcomer: current state, next step, available actions.

use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use pappus_engine::arrivals::steps::{MANY_PODS, NO_KEY, needs_passphrase};
use pappus_engine::arrivals::{Newcomer, PlanSummary, State};
use pappus_engine::depot::sealed::open_text;
use serde::Deserialize;

use crate::app::App;
use crate::config::Admission;
use crate::error::WebError;
use crate::newcomers::auth::{find, secret};
use crate::newcomers::pages::confirm::field;
use crate::newcomers::pages::plan_table::{Audience, Table, table};
use crate::newcomers::pages::progress::{pause_end, sentence};
use crate::newcomers::tus;
use crate::pages::{FieldProblems, Moment, Page};
use crate::podmin_words::PodminMessage;

/// The query parameters.
#[derive(Deserialize)]
pub(in crate::newcomers) struct OverviewQuery {
    problem: Option<String>,
    left: Option<String>,
}

/// The form for name and password, as entered.
#[derive(Default)]
pub(in crate::newcomers) struct Form {
    pub(in crate::newcomers) username: String,
    pub(in crate::newcomers) email: String,
    pub(in crate::newcomers) has_accepted_terms: bool,
    pub(in crate::newcomers) is_passphrase_lost: bool,
    pub(in crate::newcomers) problems: FieldProblems,
}

/// A message about the last action.
pub(in crate::newcomers) enum Message {
    None,
    /// A move was cancelled.
    Left,
    /// The browser forgot a finished move.
    Forgotten,
    /// Too many people have started.
    TooMany,
    /// An upload or an invitation was rejected.
    Problem(FieldProblems),
}

#[derive(Template)]
#[template(path = "newcomers/page.html")]
struct NewcomersPage<'a> {
    page: &'a Page,
    view: Option<View>,
    form: Form,
    /// True if starting is allowed.
    is_open: bool,
    needs_invitation: bool,
    needs_approval: bool,
    /// The pause for undo in minutes, rounded up.
    undo_minutes: u64,
    problem: Option<String>,
    note: Option<String>,
    /// Problems of the upload or invitation form.
    problems: FieldProblems,
    /// The podmin's note to people who cannot join.
    podmin_words: PodminMessage,
    /// Maximum size of uploads and the time they are kept.
    limits: String,
    terms: Option<String>,
}

/// The state of a newcomer as shown.
struct View {
    id: i64,
    state: State,
    title: String,
    text: String,
    /// The private link that opens this page in another browser.
    link: Option<String>,
    account: Option<String>,
    new_account: Option<String>,
    sentence: String,
    percent: Option<u64>,
    /// The problem in plain words, the technical reason, and the translation key.
    problem: Option<String>,
    reason: Option<String>,
    problem_key: Option<&'static str>,
    is_unproven: bool,
    needs_passphrase: bool,
    /// The reason why the newcomer cannot announce the move.
    obstacle: Option<Obstacle>,
    /// End of the pause for undo, while it is running.
    undo_until: Option<Moment>,
    plan: Option<Table>,
    report: Option<Table>,
    /// Progress of each upload.
    uploads: Vec<String>,
    /// The number of uploads that would be deleted.
    upload_count: usize,
    /// The pod's sign-in page.
    sign_in: String,
    expires: String,
}

/// Shows the page.
pub(in crate::newcomers) async fn show(
    Shared(app): Shared<App>,
    page: Page,
    headers: HeaderMap,
    Query(query): Query<OverviewQuery>,
) -> Result<Response, WebError> {
    let newcomer = find(&app, &headers).await?;
    let caller = newcomer.as_ref().map(|newcomer| (newcomer, secret(&app, &headers)));
    let problem = |field, key| Message::Problem(FieldProblems::one(field, page.words.say(key)));
    let message = match query.problem.as_deref() {
        Some("too-large") => problem("archive", "newcomers-too-large"),
        Some("full") => problem("archive", "newcomers-full"),
        Some("empty") => problem("archive", "newcomers-empty"),
        Some("no-photos") => problem("photos", "newcomers-no-photos"),
        Some("invitation") => problem("invitation", "newcomers-invitation-wrong"),
        Some("too-many") => Message::TooMany,
        _ if query.left.as_deref() == Some("finished") => Message::Forgotten,
        _ if query.left.is_some() => Message::Left,
        _ => Message::None,
    };
    present(&app, &page, caller, None, message).await
}

/// Renders the page, with a form as entered.
pub(in crate::newcomers) async fn present(
    app: &App,
    page: &Page,
    caller: Option<(&Newcomer, Option<&str>)>,
    form: Option<Form>,
    message: Message,
) -> Result<Response, WebError> {
    let section = &app.config.newcomers;
    let mut current_view = caller.map(|(newcomer, secret)| view(app, page, newcomer, secret));
    if let Some(view) = &mut current_view {
        view.uploads = uploads(app, page, view).await?;
        if view.state.has_uploads() {
            view.upload_count = tus::uploads(app, view.id).await?.len();
        }
        let progress = app.newcomers.table.progress_of(view.id).await?;
        view.sentence =
            progress.map(|progress| sentence(&page.words, &progress, app.now())).unwrap_or_default();
    }
    let mut form = form.unwrap_or_else(|| Form {
        username: caller.and_then(|(newcomer, _)| suggestion(newcomer)).unwrap_or_default(),
        email: caller.and_then(|(newcomer, _)| email(app, newcomer)).unwrap_or_default(),
        ..Form::default()
    });
    let mut problems =
        if let Message::Problem(problems) = &message { problems.clone() } else { FieldProblems::default() };
    if let (Some(view), Some((newcomer, _))) = (&mut current_view, caller) {
        move_to_field(view, newcomer, &mut form, &mut problems);
    }
    let is_open = section.admission != Admission::Closed;
    let cannot_join = match &current_view {
        Some(view) => matches!(view.state, State::Declined | State::Refused),
        None => !is_open,
    };
    let max_size = page.words.size(app.newcomers.files.max_archive_bytes());
    let values = vec![("size", max_size.into()), ("days", section.days.into())];
    let limits = page.words.with("newcomers-hand-in-text", values);
    let text_if = |is_shown: bool, key: &str| is_shown.then(|| page.words.say(key));
    let template = NewcomersPage {
        view: current_view,
        form,
        is_open,
        needs_invitation: section.admission == Admission::Invitation,
        needs_approval: section.admission == Admission::Approval,
        undo_minutes: undo_minutes(app),
        problem: text_if(matches!(message, Message::TooMany), "newcomers-too-many"),
        note: match message {
            Message::Left => Some(page.words.say("newcomers-left")),
            Message::Forgotten => Some(page.words.say("newcomers-forgotten")),
            _ => None,
        },
        problems,
        podmin_words: if cannot_join { PodminMessage::of(app).await? } else { PodminMessage::default() },
        limits,
        terms: section.terms.clone(),
        page,
    };
    page.show(StatusCode::OK, &template)
}

/// Moves the message about a newcomer's problem to the field that it belongs to: in the form for name and password, or
/// that of the upload, whose problems are `problems`.
fn move_to_field(view: &mut View, newcomer: &Newcomer, form: &mut Form, problems: &mut FieldProblems) {
    let Some(field) = field_of_problem(view, newcomer) else { return };
    let Some(text) = view.problem.take() else { return };
    let form_problems = if field == "passphrase" { problems } else { &mut form.problems };
    // Values entered since then have other problems.
    if form_problems.is_empty() {
        form_problems.add(field, text);
    }
}

/// Returns the field that a newcomer's problem belongs to, if the page shows it.
fn field_of_problem(view: &View, newcomer: &Newcomer) -> Option<&'static str> {
    let key = problem_key(newcomer.problem.as_deref()?);
    match (view.state, key) {
        (State::Uploading | State::Refused, ENCRYPTED) => Some("passphrase"),
        (
            State::Checked,
            PASSPHRASE | "newcomers-name-taken" | "newcomers-name-known-elsewhere" | "newcomers-email-wrong",
        ) => Some(field(key)),
        (State::Imported, PASSPHRASE) if view.asks_for_passphrase() => Some(field(key)),
        _ => None,
    }
}

/// Returns the progress of each incomplete upload.
async fn uploads(app: &App, page: &Page, view: &View) -> Result<Vec<String>, WebError> {
    if !view.state.takes_files() {
        return Ok(Vec::new());
    }
    let words = &page.words;
    let unfinished = tus::unfinished(app, view.id).await?;
    let sentence = |upload: &tus::NewcomerFile| {
        let values =
            vec![("here", words.size(upload.received).into()), ("all", words.size(upload.bytes).into())];
        words.with(&format!("newcomers-here-{}", upload.part.word()), values)
    };
    Ok(unfinished.iter().map(sentence).collect())
}

/// Returns the pause for undo in minutes, rounded up.
fn undo_minutes(app: &App) -> u64 {
    app.config.newcomers.undo_pause().as_secs().div_ceil(60)
}

/// Returns the name chosen before, or an available one.
fn suggestion(newcomer: &Newcomer) -> Option<String> {
    let plan = PlanSummary::read(newcomer.plan.as_deref());
    newcomer.username.clone().or_else(|| plan.map(|plan| plan.suggestion))
}

/// Returns the e-mail address chosen before, or the one in the archive; `None` without the store's keys.
fn email(app: &App, newcomer: &Newcomer) -> Option<String> {
    let plan = PlanSummary::read(newcomer.plan.as_deref());
    let sealed = newcomer.sealed_email.clone().or_else(|| plan.and_then(|plan| plan.email))?;
    let unlock = app.keys.unlock().ok()??;
    Some(open_text(&unlock, sealed).ok()?.to_string())
}

impl View {
    /// Returns whether the archive was refused because no passphrase opened it.
    fn is_encrypted(&self) -> bool {
        self.problem_key == Some(ENCRYPTED)
    }

    fn has_no_key(&self) -> bool {
        self.obstacle == Some(Obstacle::NoKey)
    }

    /// Returns whether the form for the announcement asks for the passphrase of the key.
    fn asks_for_passphrase(&self) -> bool {
        self.needs_passphrase && self.undo_until.is_none() && self.obstacle.is_none()
    }
}

/// A reason why a newcomer cannot announce the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// The archive has no usable signing key.
    NoKey,
    /// A podmin has to approve the announcement.
    Podmin,
}

fn obstacle(newcomer: &Newcomer, plan: Option<&PlanSummary>) -> Option<Obstacle> {
    match newcomer.problem.as_deref() {
        Some(NO_KEY) => Some(Obstacle::NoKey),
        _ if plan.is_some_and(|plan| plan.no_key) => Some(Obstacle::NoKey),
        Some(MANY_PODS) => Some(Obstacle::Podmin),
        _ => None,
    }
}

fn view(app: &App, page: &Page, newcomer: &Newcomer, secret: Option<&str>) -> View {
    let (words, state) = (&page.words, newcomer.state.as_str());
    let base = app.config.web.public_url.as_str();
    let pod_url = app.config.pod_url.as_str().trim_end_matches('/');
    let plan = PlanSummary::read(newcomer.plan.as_deref());
    let text = if newcomer.state == State::Waiting && newcomer.key_locked && newcomer.key_passphrase.is_none()
    {
        words.say("newcomers-waiting-key-lost")
    } else {
        words.one(&format!("newcomers-{state}-text"), "minutes", undo_minutes(app))
    };
    View {
        id: newcomer.id,
        state: newcomer.state,
        title: words.say(&format!("newcomers-{state}-title")),
        text,
        link: secret
            .filter(|_| newcomer.state != State::Declined)
            .map(|secret| format!("{base}newcomers/back/{secret}")),
        account: newcomer.old_account.clone(),
        new_account: newcomer.new_account(&page.pod_host).filter(|_| newcomer.state.has_arrived()),
        sentence: String::new(),
        percent: newcomer.percent(),
        problem: newcomer.problem.as_deref().map(|problem| words.say(problem_key(problem))),
        reason: newcomer.reason.clone().filter(|_| newcomer.problem.is_some()),
        problem_key: newcomer.problem.as_deref().map(problem_key),
        is_unproven: newcomer.is_unproven(),
        needs_passphrase: needs_passphrase(newcomer),
        obstacle: obstacle(newcomer, plan.as_ref()),
        undo_until: newcomer.undo_until().map(pause_end),
        plan: plan.map(|summary| table(page, &summary, Audience::Newcomer)),
        report: PlanSummary::read(newcomer.report.as_deref())
            .map(|summary| table(page, &summary, Audience::Newcomer)),
        uploads: Vec::new(),
        upload_count: 0,
        sign_in: format!("{pod_url}/users/sign_in"),
        expires: words.day(newcomer.expires_at),
    }
}

/// Translation key of a passphrase that does not open the key.
const PASSPHRASE: &str = "newcomers-problem-passphrase";
/// Translation key of an archive that no passphrase opened.
const ENCRYPTED: &str = "newcomers-problem-encrypted";

/// Returns the translation key of a problem.
pub(in crate::newcomers) fn problem_key(problem: &str) -> &'static str {
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
        "unreadable_key" => "newcomers-problem-unreadable-key",
        "no_space" => "newcomers-problem-no-space",
        "key_passphrase" => PASSPHRASE,
        "key_locked" => "newcomers-problem-key-locked",
        "no_key" => "newcomers-problem-no-key",
        "changed" => "newcomers-problem-changed",
        "away" => "newcomers-problem-away",
        "many_pods" => "newcomers-problem-many-pods",
        "too_heavy" => "newcomers-problem-too-heavy",
        "stopped" => "newcomers-problem-stopped",
        "being_undone" => "newcomers-problem-being-undone",
        "no_account"
        | "not_a_file"
        | "empty"
        | "not_an_archive"
        | "other_format"
        | "packed_twice"
        | "no_document"
        | "photos_inside"
        | "photos_are_document" => "newcomers-problem-no-archive",
        "encryption_wrong_key" | "encryption_locked" | "encryption_no_identity" => ENCRYPTED,
        "account_mismatch" | "two_accounts" => "newcomers-problem-two-accounts",
        "two_documents" => "newcomers-problem-two-documents",
        "broken" => "newcomers-problem-defect",
        code if is_about_signature(code) => "newcomers-problem-signature",
        code if is_about_damage(code) => "newcomers-problem-damaged",
        _ => "newcomers-problem-other",
    }
}

/// Returns whether a code is about the signatures of an archive.
fn is_about_signature(code: &str) -> bool {
    code.contains("signature")
        || code.ends_with("_key")
        || code.contains("fingerprint")
        || code.contains("key_m")
}

/// Returns whether a code is about a damaged archive.
fn is_about_damage(code: &str) -> bool {
    ["gzip_", "entry_", "manifest_", "zip_", "encryption_damaged", "count", "extras", "document", "field_"]
        .iter()
        .any(|prefix| code.starts_with(prefix))
}
