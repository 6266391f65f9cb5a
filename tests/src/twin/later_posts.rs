//! What the account posts after its move, and who gets it.

use chrono::DateTime;
use pappus_engine::domain::{DiasporaId, Guid, Post, PrivateKey, SigningKey, StatusMessage, Timestamp};
use pappus_engine::federation::{MagicEnvelope, encrypt_envelope};

use super::scene::{NAME, Scene};
use crate::crowd::CrowdError;
use crate::sample::guid;
use crate::schema::Pool;

fn broken(error: &dyn std::fmt::Display) -> CrowdError {
    CrowdError::Pappus(error.to_string())
}

impl Scene {
    /// Posts as the new account, once in public and once for its friends alone, to every pod that is up.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn post(&self, now: i64) -> Result<(), CrowdError> {
        let pool = Pool::connect(&self.database).await?;
        let sql = format!("SELECT serialized_private_key FROM users WHERE username = '{NAME}'");
        let pem = pool.texts(&sql).await?.into_iter().next().unwrap_or_default();
        pool.close().await;
        let key = PrivateKey::from_pem(pem).signing_key().map_err(|error| broken(&error))?;
        let author = self.new_id().parse::<DiasporaId>().map_err(|error| broken(&error))?;
        let created_at = Timestamp::from(DateTime::from_timestamp_millis(now).unwrap_or_default());
        let (public, limited) =
            (sealed(&author, &key, created_at, true)?, sealed(&author, &key, created_at, false)?);
        let mut letters = Vec::new();
        for (host, pod) in &self.world.inner().pods {
            letters.push((host.clone(), "/receive/public".to_owned(), public.clone()));
            for user in pod.users.values() {
                let key = user.key.signing_key().and_then(|key| key.public_key());
                let key = key.map_err(|error| broken(&error))?;
                let letter = encrypt_envelope(&limited, &key).map_err(|error| broken(&error))?;
                letters.push((host.clone(), format!("/receive/users/{}", user.guid), letter));
            }
        }
        for (host, path, letter) in letters {
            self.world.post(&host, &path, letter.as_bytes(), now);
        }
        Ok(())
    }
}

/// A post in an envelope.
fn sealed(
    author: &DiasporaId,
    key: &SigningKey,
    created_at: Timestamp,
    public: bool,
) -> Result<String, CrowdError> {
    let name = if public { "public" } else { "limited" };
    let guid = guid("post", &format!("after the move, {name}"));
    let guid = guid.parse::<Guid>().map_err(|error| broken(&error))?;
    let post = Post::StatusMessage(StatusMessage {
        author: author.clone(),
        guid,
        created_at,
        public,
        provider_display_name: None,
        text: "Here I am.".to_owned(),
        photos: Vec::new(),
        location: None,
        poll: None,
    });
    MagicEnvelope::seal(author, key, &post.to_xml()).map_err(|error| broken(&error))
}
