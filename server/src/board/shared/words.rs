//! Saving the podmin's message.

use super::Actor;
use crate::app::App;
use crate::error::WebError;
use crate::podmin_words::PodminMessage;

/// Saves the message and records the action.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn save(app: &App, actor: &Actor, message: &PodminMessage) -> Result<(), WebError> {
    message.save(app).await?;
    actor.log_action(app, "podmin-words", "", None).await;
    Ok(())
}
