//! Sends due mails one after another, at a rate that the mail server accepts.

use std::time::Duration;

use tokio::sync::watch;

use super::transport::Post;
use super::{Outbox, OutboxError};
use crate::app::App;

/// Interval between queries of an empty outbox.
const LOOK: Duration = Duration::from_secs(1);

/// Sends mails until `stop` is true.
pub async fn send(app: App, mut stop: watch::Receiver<bool>) {
    let post = match Post::open(&app.config.mail) {
        Ok(Some(post)) => post,
        Ok(None) => return,
        Err(error) => {
            tracing::error!("no mail is sent: {error}");
            return;
        }
    };
    let outbox = Outbox::new(&app.store, &app.keys);
    let rest = Duration::from_mins(1) / app.config.mail.per_minute.max(1);
    while !*stop.borrow() {
        let pause = match one(&app, &outbox, &post).await {
            Ok(true) => rest,
            Ok(false) => LOOK,
            Err(error) => {
                tracing::warn!("mails wait: {error}");
                LOOK
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Sends the next mail; returns whether there was one.
async fn one(app: &App, outbox: &Outbox, post: &Post) -> Result<bool, OutboxError> {
    let Some(mail) = outbox.take(app.now_millis()).await? else { return Ok(false) };
    match post.send(&mail).await {
        Ok(()) => outbox.sent(&mail, app.now_millis()).await?,
        Err(refused) => {
            // No addresses in the log.
            tracing::warn!(mail = mail.id, "not sent: {}", refused.reason);
            outbox.refused(&mail, &refused.reason, refused.for_good, app.now_millis()).await?;
        }
    }
    Ok(true)
}
