//! Background work of the board: runs the campaigns started there, and queues mails of notices in batches.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use pappus_engine::campaign::{
    Campaign, CampaignState, Campaigns, Finished, Observer, Setup, SignInData, WorkerOptions, is_in_use, work,
};
use pappus_engine::pod::config::PodConfig;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::people::addressees;
use pappus_engine::pod::schema::read_schema;
use pappus_engine::pod::uploads::PhotoStore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::shared::letter::{PlaceholderValues, excluded_recipients, last_seen};
use super::shared::notices::{Audience, Draft};
use crate::app::App;
use crate::mail::Mail;
use crate::place::RESERVE_BYTES;

/// Interval between checks for work.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Pause after an error.
const ERROR_PAUSE: Duration = Duration::from_secs(15);
/// Duration of a lease, and time to wait for unavailable systems: the defaults of the command line.
const LEASE: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_hours(1);
/// Number of mails queued at a time, and maximum number that wait in the outbox, so that mails that people request do
/// not wait behind a hundred thousand notices.
const BATCH_MAILS: u32 = 200;
const MAX_WAITING_MAILS: i64 = 200;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Starts the work, until `stop` is cancelled.
pub fn start(app: &App, stop: &CancellationToken, tasks: &mut JoinSet<()>) {
    if app.config.closing.enabled && app.config.pod.is_some() {
        tasks.spawn(repeat(app.clone(), stop.clone(), |app, stop| Box::pin(campaigns(app, stop))));
        tasks.spawn(repeat(app.clone(), stop.clone(), |app, _| Box::pin(notices(app))));
    }
}

type WorkFuture = std::pin::Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

async fn repeat(app: App, stop: CancellationToken, work: impl Fn(App, CancellationToken) -> WorkFuture) {
    while !stop.is_cancelled() {
        let pause = match work(app.clone(), stop.clone()).await {
            Ok(()) => POLL_INTERVAL,
            Err(error) => {
                tracing::error!("the board's background work will be retried: {error}");
                ERROR_PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Works on an open campaign of the board, if any. Several services share the work, like other workers.
async fn campaigns(app: App, stop: CancellationToken) -> Result<(), Failure> {
    let Some(pod) = &app.config.pod else { return Ok(()) };
    let sql = "SELECT c.name FROM pappus_campaigns c JOIN pappus_board_campaigns b ON b.campaign_id = c.id \
               WHERE c.pod_url = ? AND c.state IN ('preparing', 'running') ORDER BY c.id LIMIT 1";
    let row = app.store.first("looking for a campaign", sql, &[app.config.pod_url.as_str().into()]).await?;
    let Some(row) = row else { return Ok(()) };
    let campaigns = Campaigns::new(&app.store, &app.config.pod_url);
    let mut campaign = campaigns.named(&row.get::<String>("name")?).await?;
    let mut snapshot = Snapshot::open(&pod.database).await?;
    if campaign.state == CampaignState::Preparing {
        campaigns.prepare(&campaign, &mut snapshot, &[]).await?;
        if campaign.options.keep_sign_in {
            let sign_in_data = SignInData::new(&app.keys, &app.store, &app.config.pod_url);
            sign_in_data.copy(&mut snapshot, app.now().into()).await?;
        }
        campaign = campaigns.named(&campaign.name).await?;
    }
    let setup = setup(&app, pod, &mut snapshot).await?;
    drop(snapshot);
    work(Arc::new(setup), &campaign, stop).await?;
    log_end(&campaign);
    Ok(())
}

fn log_end(campaign: &Campaign) {
    tracing::info!(campaign = campaign.name, "no more accounts to export for now");
}

async fn setup(app: &App, pod: &PodConfig, snapshot: &mut Snapshot) -> Result<Setup, Failure> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    Ok(Setup {
        store: app.store.clone(),
        database: pod.database.clone(),
        pod: pod.url.clone(),
        schema: read_schema(snapshot).await?,
        photos: pod.uploads.clone(),
        uploads: PhotoStore::of_pod(&pod.uploads, &pod.database).await?,
        archive_key: app.config.state.archive_key()?,
        state: app.config.state.clone(),
        depot: app.depot.clone(),
        created_by: format!("pappus {}", env!("CARGO_PKG_VERSION")),
        observer: Arc::new(Log),
        options: WorkerOptions {
            tasks: std::thread::available_parallelism().map_or(1, NonZero::get),
            lease: LEASE,
            patience: PATIENCE,
            gentle: is_in_use(&pod.url, &pod.database).await?,
            reserve: RESERVE_BYTES,
            host: host.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned()),
        },
    })
}

/// An observer that writes to the log.
struct Log;

impl Observer for Log {
    fn finished(&self, account: &Finished) {
        let reason = account.reason.as_deref().unwrap_or_default();
        tracing::debug!(account = account.account, state = account.state.as_str(), reason, "campaign");
    }

    fn waits(&self, reason: &str) {
        tracing::warn!("the campaign waits: {reason}");
    }

    fn resumes(&self) {
        tracing::info!("the campaign resumes");
    }

    fn state(&self, state: CampaignState) {
        tracing::info!(state = state.as_str(), "campaign");
    }
}

/// A notice that is being queued.
struct Notice {
    id: i64,
    audience: Audience,
    draft: Draft,
    reached: i64,
}

/// Queues the next mails of the oldest notice, when the outbox has space. Each has a unique key, so that neither a
/// crash nor a second service duplicates any.
async fn notices(app: App) -> Result<(), Failure> {
    let Some(notice) = next_notice(&app).await? else { return Ok(()) };
    let sql = "SELECT COUNT(*) AS waiting FROM pappus_outbox WHERE state IN ('queued', 'sending')";
    let waiting: i64 =
        app.store.first("counting mails", sql, &[]).await?.map_or(Ok(0), |row| row.get("waiting"))?;
    if waiting >= MAX_WAITING_MAILS {
        return Ok(());
    }
    let Some(pod) = &app.config.pod else { return Ok(()) };
    let mut snapshot = Snapshot::open(&pod.database).await?;
    let people =
        addressees(&mut snapshot, last_seen(notice.audience), app.now(), notice.reached, BATCH_MAILS).await?;
    drop(snapshot);
    let excluded = excluded_recipients(&app, notice.audience, &people).await?;
    let (values, mut queued) = (PlaceholderValues::of(&app).await?, 0_i64);
    for person in people.iter().filter(|person| !excluded.contains(&person.user_id)) {
        let (draft, name) = (&notice.draft, person.username.as_str());
        let language = draft.languages.of(person.language.as_deref());
        let mail = if person.locked {
            values.locked_mail(&app, draft, language, name)
        } else {
            values.mail(&app, draft, language, name)
        };
        let mail = Mail {
            key: format!("notice-{}-{}", notice.id, person.user_id),
            to: person.email.clone(),
            subject: mail.subject,
            body: mail.body,
        };
        queued += i64::from(app.outbox.put(&mail, app.now_millis()).await?);
    }
    let Some(last) = people.last() else {
        let sql =
            "UPDATE pappus_notices SET state = 'queued', finished_at = ? WHERE id = ? AND state = 'queueing'";
        app.store.execute("finishing a notice", sql, &[app.now_millis().into(), notice.id.into()]).await?;
        return Ok(());
    };
    let sql = "UPDATE pappus_notices SET queued = queued + ?, reached = ? WHERE id = ? AND reached <= ?";
    let parameters = [queued.into(), last.user_id.into(), notice.id.into(), last.user_id.into()];
    app.store.execute("recording the progress of a notice", sql, &parameters).await?;
    Ok(())
}

async fn next_notice(app: &App) -> Result<Option<Notice>, Failure> {
    let sql = "SELECT id, audience, subject, body, reached, translations FROM pappus_notices WHERE pod = ? \
               AND state = 'queueing' ORDER BY id LIMIT 1";
    let row = app.store.first("looking for a notice", sql, &[app.config.pod_url.as_str().into()]).await?;
    let Some(row) = row else { return Ok(None) };
    let audience: String = row.get("audience")?;
    let languages =
        row.get::<Option<String>>("translations")?.and_then(|text| serde_json::from_str(&text).ok());
    let draft = Draft {
        audience: audience.clone(),
        subject: row.get("subject")?,
        body: row.get("body")?,
        languages: languages.unwrap_or_default(),
    };
    let audience = Audience::parse(&audience).ok_or("a notice has an unknown audience")?;
    Ok(Some(Notice { id: row.get("id")?, audience, draft, reached: row.get("reached")? }))
}
