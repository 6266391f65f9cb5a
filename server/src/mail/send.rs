//! Sends due mails one after another, at a rate that the mail server accepts.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::OutboxError;
use super::transport::Post;
use crate::app::App;

/// Sends mails until `stop` is cancelled.
pub async fn send(app: App, stop: CancellationToken) {
    let post = match Post::open(&app.config.mail) {
        Ok(Some(post)) => post,
        Ok(None) => return,
        Err(error) => {
            tracing::error!("no mail is sent: {error}");
            return;
        }
    };
    let rest = Duration::from_mins(1) / app.config.mail.per_minute.max(1);
    while !stop.is_cancelled() {
        let sent = one(&app, &post).await.unwrap_or_else(|error| {
            tracing::warn!("mails wait: {error}");
            false
        });
        let pause = async {
            if sent {
                tokio::time::sleep(rest).await;
            } else {
                app.outbox.enqueued().await;
            }
        };
        tokio::select! {
            () = pause => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Sends the next mail; returns whether there was one.
async fn one(app: &App, post: &Post) -> Result<bool, OutboxError> {
    let Some(mail) = app.outbox.acquire().await? else { return Ok(false) };
    match post.send(&mail).await {
        Ok(()) => mail.sent(app.now_millis()).await?,
        Err(refused) => {
            // No addresses in the log.
            tracing::warn!(mail = mail.lease.id(), "not sent: {}", refused.reason);
            mail.refused(&refused.reason, refused.for_good, app.now_millis()).await?;
        }
    }
    Ok(true)
}
