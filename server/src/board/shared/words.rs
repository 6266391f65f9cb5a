//! Saving the podmin's message.

use super::Actor;
use crate::app::App;
use crate::error::WebError;
use crate::podmin_words::PodminMessage;

/// Saves the message and records the action.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn keep(app: &App, actor: &Actor, words: &PodminMessage) -> Result<(), WebError> {
    words.keep(app).await?;
    actor.has_done(app, "podmin-words", "", None).await;
    Ok(())
}
