//! A last public post by the old account, for friends on systems that do not support `AccountMigration`.

use sha2::{Digest as _, Sha256};

use super::AnnounceError;
use crate::domain::{DiasporaId, Guid, Post, StatusMessage, Timestamp};

/// The length of a diaspora* GUID, in characters.
const GUID_CHARS: usize = 32;

/// Returns the post: `text`, with `{new}` replaced by the new address. Its GUID is derived from the import, so that a
/// second run sends the same post.
pub(super) fn post(
    old_id: &DiasporaId,
    new_id: &DiasporaId,
    import: &str,
    text: &str,
    now: Timestamp,
) -> Result<Post, AnnounceError> {
    let digest = hex::encode(Sha256::digest(format!("farewell of {old_id}, import {import}")));
    let guid: Guid = digest
        .get(..GUID_CHARS)
        .and_then(|guid| guid.parse().ok())
        .ok_or_else(|| AnnounceError::Gone(old_id.to_string()))?;
    Ok(Post::StatusMessage(StatusMessage {
        author: old_id.clone(),
        guid,
        created_at: now,
        public: true,
        provider_display_name: None,
        text: text.replace("{new}", new_id.as_str()),
        photos: Vec::new(),
        location: None,
        poll: None,
    }))
}
