//! Sending what is due, one after another, not more than the mail server likes.

use std::time::Duration;

use tokio::sync::watch;

use super::transport::Post;
use super::{Outbox, OutboxError};
use crate::app::App;

/// How often the outbox is looked at when it is empty.
const LOOK: Duration = Duration::from_secs(1);

/// Sends mails until `stop` holds true.
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

/// Sends one; says whether there was one.
async fn one(app: &App, outbox: &Outbox, post: &Post) -> Result<bool, OutboxError> {
    let Some(mail) = outbox.take(app.now_millis()).await? else { return Ok(false) };
    match post.send(&mail).await {
        Ok(()) => outbox.sent(&mail, app.now_millis()).await?,
        Err(refused) => {
            // Addresses are nobody's business.
            tracing::warn!(mail = mail.id, "not sent: {}", refused.reason);
            outbox.refused(&mail, &refused.reason, refused.for_good, app.now_millis()).await?;
        }
    }
    Ok(true)
}
