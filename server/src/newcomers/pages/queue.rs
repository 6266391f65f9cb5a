//! The podmin's page: newcomers who await approval, their plans, other newcomers, and invitations.

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use pappus_engine::arrivals::steps::MANY_PODS;
use pappus_engine::arrivals::{Invitation, Newcomer, PlanSummary, State};
use serde::Deserialize;
use tower_sessions::Session;

use crate::app::App;
use crate::board::shared::Actor;
use crate::config::Admission;
use crate::error::WebError;
use crate::newcomers::key_comparison::{Key, KeyComparison, key_comparison, untrusted_pod};
use crate::newcomers::pages::overview::problem_key;
use crate::newcomers::pages::plan_table::{Audience, Table, table};
use crate::newcomers::pages::trusted_pods::prefilled_url;
use crate::newcomers::{decisions, invitations};
use crate::pages::{CheckedForm, Confirmation, Moment, Page, Question, Questions};
use crate::sessions::{Podmin, flash};

/// The session key of the code of a newly created invitation.
const CODE_KEY: &str = "made-invitation";

/// States that the page shows in addition to `Waiting`.
const OTHER_STATES: [State; 9] = [
    State::Checking,
    State::Refused,
    State::Checked,
    State::Importing,
    State::Failed,
    State::Imported,
    State::Announcing,
    State::Announced,
    State::Undoing,
];

#[derive(Template)]
#[template(path = "newcomers/queue.html")]
struct QueuePage<'a> {
    page: &'a Page,
    waiting: Vec<NewcomerRow>,
    others: Vec<NewcomerRow>,
    needs_invitation: bool,
    invitations: Vec<(Invitation, String)>,
    /// A newly created code; it is shown once.
    code: Option<String>,
    /// The URL at which it is used.
    join_url: String,
}

struct NewcomerRow {
    id: i64,
    account: String,
    new_account: String,
    begun_at: Moment,
    size: String,
    state: String,
    /// True if the archive is proven to belong to the person, and there are no warnings.
    is_proven: bool,
    /// Reasons to ask the person before approving.
    warnings: Vec<String>,
    /// The keys to compare, if any.
    comparison: Option<KeyComparison>,
    /// The address of the form that trusts the old pod's key, and the text of the link.
    untrusted: Option<(String, String)>,
    /// The podmin's action other than approving, as the form sends it, and its label: retry a failed import (`again`),
    /// notify many pods (`announce`), or stop a check or an import (`stop`).
    action: Option<(&'static str, String)>,
    /// The problem in the podmin's language.
    problem: Option<String>,
    /// The technical reason.
    reason: Option<String>,
    table: Option<Table>,
}

/// Shows the page.
pub(in crate::newcomers) async fn show(
    Shared(app): Shared<App>,
    _: Podmin,
    page: Page,
    session: Session,
) -> Result<Response, WebError> {
    crate::newcomers::require_enabled(&app)?;
    let code = flash::take(&app, &session, CODE_KEY).await?;
    let newcomers = &app.newcomers.table;
    let waiting = newcomers.oldest(&[State::Waiting]).await?;
    let others = newcomers.newest(&OTHER_STATES, None).await?;
    let (invitations, _) = invitations::list(&app, None).await?;
    let with_expiry = |invitation: Invitation| {
        let until = page.words.day(invitation.expires_at);
        (invitation, until)
    };
    let template = QueuePage {
        waiting: waiting.iter().map(|newcomer| row(&app, &page, newcomer)).collect(),
        others: others.iter().map(|newcomer| row(&app, &page, newcomer)).collect(),
        needs_invitation: app.config.newcomers.admission == Admission::Invitation,
        invitations: invitations.into_iter().map(with_expiry).collect(),
        code,
        join_url: format!("{}newcomers", app.config.web.public_url),
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

fn row(app: &App, page: &Page, newcomer: &Newcomer) -> NewcomerRow {
    let words = &page.words;
    let host = app.config.pod_url.diaspora_host();
    let summary =
        PlanSummary::read(newcomer.report.as_deref()).or_else(|| PlanSummary::read(newcomer.plan.as_deref()));
    NewcomerRow {
        id: newcomer.id,
        // An archive refused at the first check is not attributed to an account.
        account: newcomer
            .old_account
            .clone()
            .or_else(|| newcomer.evidence.as_ref().map(|evidence| evidence.account.clone()))
            .unwrap_or_else(|| "–".to_owned()),
        new_account: newcomer.new_account(&host).unwrap_or_default(),
        begun_at: page.moment(newcomer.begun_at),
        size: words.size(newcomer.bytes()),
        state: words.say(&format!("queue-state-{}", newcomer.state.as_str())),
        is_proven: newcomer.proof.is_some() && warnings(newcomer).next().is_none(),
        warnings: warnings(newcomer).map(|warning| words.say(warning)).collect(),
        comparison: key_comparison(words, newcomer),
        untrusted: untrusted_pod(newcomer)
            .map(|(host, key)| (prefilled_url(host, key), words.one("queue-trust-pod", "host", host))),
        action: match newcomer.state {
            State::Failed => Some(("again", words.say("newcomers-again"))),
            State::Imported if newcomer.problem.as_deref() == Some(MANY_PODS) => {
                Some(("announce", words.say("queue-announce")))
            }
            State::Checking | State::Importing => Some(("stop", words.say("queue-stop"))),
            _ => None,
        },
        problem: newcomer.problem.as_deref().map(|problem| words.say(&podmin_problem_key(problem))),
        reason: newcomer.reason.clone(),
        table: summary.map(|summary| table(page, &summary, Audience::Podmin)),
    }
}

/// Returns the translation keys of the reasons to ask the person before approving.
fn warnings(newcomer: &Newcomer) -> impl Iterator<Item = &'static str> {
    let is_unproven = newcomer.is_unproven();
    let is_key_lost = newcomer.key_locked && newcomer.key_passphrase.is_none();
    let is_key_lost = is_key_lost && newcomer.state == State::Waiting;
    [(is_unproven, "queue-unproven"), (is_key_lost, "queue-key-lost")]
        .into_iter()
        .filter_map(|(applies, warning)| applies.then_some(warning))
}

/// Returns the translation key of a problem, for podmins.
fn podmin_problem_key(problem: &str) -> String {
    let key = problem_key(problem);
    let name = key.strip_prefix("newcomers-problem-").or_else(|| key.strip_prefix("newcomers-"));
    format!("queue-problem-{}", name.unwrap_or(key))
}

/// The form for the podmin's decision.
#[derive(Deserialize)]
pub(in crate::newcomers) struct DecisionForm {
    act: String,
    /// Present if the confirmation was given.
    confirmed: Option<String>,
}

/// Approves or declines a newcomer, retries a failed import, announces a move, or stops a check or an import.
pub(in crate::newcomers) async fn decide(
    Shared(app): Shared<App>,
    actor: Actor,
    page: Page,
    questions: Questions,
    Path(id): Path<i64>,
    CheckedForm(decision): CheckedForm<DecisionForm>,
) -> Result<Response, WebError> {
    if matches!(decision.act.as_str(), "no" | "stop")
        && !questions.is_confirmed(decision.confirmed.as_deref()).await?
    {
        let newcomer = decisions::by_id(&app, id).await?;
        let question = if decision.act == "no" {
            decline_question(&app, &page, &newcomer)
        } else {
            stop_question(&page, &newcomer)
        };
        return questions.ask(&page, question).await;
    }
    let done = match decision.act.as_str() {
        "yes" => "newcomer-approved",
        "no" => "newcomer-declined",
        "stop" => "newcomer-stopped",
        "announce" => "newcomer-announced",
        _ => "newcomer-retried",
    };
    match decisions::decide(&app, &actor, id, &decision.act).await {
        Ok(_) => Ok(Redirect::to(&format!("/board/newcomers?done={done}")).into_response()),
        // If it was too late, the page shows the current state.
        Err(WebError::Conflict(_)) => Ok(Redirect::to("/board/newcomers").into_response()),
        Err(error) => Err(error),
    }
}

/// Describes the consequences of declining, in numbers.
fn decline_question(app: &App, page: &Page, newcomer: &Newcomer) -> Question {
    let words = &page.words;
    let row = row(app, page, newcomer);
    let values = vec![("account", row.account.into()), ("size", row.size.into())];
    let mut texts = vec![words.with("queue-no-numbers", values)];
    if page.sends_mail {
        texts.push(words.say("queue-no-mail"));
    }
    Question {
        title: words.say("queue-no-sure"),
        texts,
        button: words.say("queue-no"),
        action: format!("/board/newcomers/{}", newcomer.id),
        fields: vec![("act".to_owned(), "no".to_owned())],
        back: "/board/newcomers".to_owned(),
        ..Question::default()
    }
}

/// Describes the consequences of stopping a check or an import.
fn stop_question(page: &Page, newcomer: &Newcomer) -> Question {
    let words = &page.words;
    let text = if newcomer.state == State::Importing { "queue-stop-import" } else { "queue-stop-check" };
    Question {
        title: words.say("queue-stop-sure"),
        texts: vec![words.say(text)],
        button: words.say("queue-stop"),
        action: format!("/board/newcomers/{}", newcomer.id),
        fields: vec![("act".to_owned(), "stop".to_owned())],
        back: "/board/newcomers".to_owned(),
        ..Question::default()
    }
}

/// The form for a new invitation.
#[derive(Deserialize)]
pub(in crate::newcomers) struct InvitationForm {
    #[serde(default)]
    note: String,
    uses: i64,
}

/// Creates an invitation; the page shows its code once.
pub(in crate::newcomers) async fn invite(
    Shared(app): Shared<App>,
    actor: Actor,
    session: Session,
    CheckedForm(form): CheckedForm<InvitationForm>,
) -> Result<Redirect, WebError> {
    let (_, code) = invitations::make(&app, &actor, &form.note, form.uses).await?;
    flash::put(&app, &session, CODE_KEY, &code).await?;
    Ok(Redirect::to("/board/newcomers"))
}

/// Revokes an invitation.
pub(in crate::newcomers) async fn withdraw(
    Shared(app): Shared<App>,
    actor: Actor,
    page: Page,
    questions: Questions,
    Path(id): Path<i64>,
    CheckedForm(confirmation): CheckedForm<Confirmation>,
) -> Result<Response, WebError> {
    let (invitations, _) = invitations::list(&app, None).await?;
    let invitation = invitations.into_iter().find(|invitation| invitation.id == id);
    if let Some(invitation) = invitation
        && !questions.is_confirmed(confirmation.confirmed.as_deref()).await?
    {
        let words = &page.words;
        let numbers = vec![("count", invitation.uses_left.into()), ("note", invitation.note.into())];
        let question = Question {
            title: words.say("invitations-withdraw-sure"),
            texts: vec![words.with("invitations-withdraw-numbers", numbers)],
            button: words.say("invitations-withdraw"),
            action: format!("/board/invitations/{id}"),
            back: "/board/newcomers".to_owned(),
            ..Question::default()
        };
        return questions.ask(&page, question).await;
    }
    invitations::withdraw(&app, &actor, id).await?;
    Ok(Redirect::to("/board/newcomers?done=invitation-withdrawn").into_response())
}
