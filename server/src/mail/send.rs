//! Sends due mails one after another, at a rate that the mail server accepts.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::OutboxError;
use super::transport::Transport;
use crate::app::App;

/// Sends mails until `stop` is cancelled.
pub async fn send(app: App, stop: CancellationToken) {
    let transport = match Transport::open(&app.config.mail) {
        Ok(Some(transport)) => transport,
        Ok(None) => return,
        Err(error) => {
            tracing::error!("no mail is sent: {error}");
            return;
        }
    };
    let interval = Duration::from_mins(1) / app.config.mail.per_minute.max(1);
    while !stop.is_cancelled() {
        let is_sent = send_next(&app, &transport).await.unwrap_or_else(|error| {
            tracing::warn!("mails are not sent yet: {error}");
            false
        });
        let pause = async {
            if is_sent {
                tokio::time::sleep(interval).await;
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
async fn send_next(app: &App, transport: &Transport) -> Result<bool, OutboxError> {
    let Some(mail) = app.outbox.acquire().await? else { return Ok(false) };
    match transport.send(&mail).await {
        Ok(()) => mail.mark_sent(app.now_millis()).await?,
        Err(error) => {
            // No addresses in the log.
            tracing::warn!(mail = mail.lease.id(), "not sent: {}", error.reason);
            mail.failed(&error.reason, error.is_permanent, app.now_millis()).await?;
        }
    }
    Ok(true)
}
