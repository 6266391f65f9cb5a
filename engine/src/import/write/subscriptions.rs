//! The rows of subscriptions, and hidden posts.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::domain::Guid;
use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::decide::subscriptions::{HiddenPostRows, SubscriptionRows};
use crate::import::target::{NewAccount, Target};
use crate::pod::database::OnConflict;
use crate::pod::reader::hidden_posts;

impl BatchRows for SubscriptionRows<'_> {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let (account, now) = (self.account, target.now);
        let row = |(id, post): &(i64, Guid)| {
            let guid = participation_guid(account, post);
            vec![(*id).into(), "Post".into(), account.person.into(), guid.into(), now.into(), now.into()]
        };
        let rows = self.posts.iter().map(row).collect();
        let columns = ["target_id", "target_type", "author_id", "guid", "created_at", "updated_at"];
        target.pod.insert("participations", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}

impl BatchRows for HiddenPostRows {
    /// Writes hidden posts as the hash of lists that Rails reads.
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let sql = format!("SELECT hidden_shareables FROM users WHERE id = {}", self.user);
        let rows = target.pod.rows("hidden posts", sql, &[]).await?;
        let hidden = rows.first().and_then(|row| row.text("hidden_shareables"));
        let hidden = hidden.and_then(|yaml| hidden_posts(&yaml));
        let mut ids: BTreeSet<i64> = hidden.unwrap_or_default().into_iter().collect();
        ids.extend(&self.posts);
        let yaml = ids.iter().fold("---\nPost:\n".to_owned(), |yaml, id| yaml + &format!("- '{id}'\n"));
        let sql = format!("UPDATE users SET hidden_shareables = ? WHERE id = {}", self.user);
        target.pod.run("hidden posts", sql, &[yaml.into()]).await?;
        Ok(())
    }
}

/// Returns the GUID of a participation, the same in every run of an import.
fn participation_guid(account: &NewAccount, post: &Guid) -> String {
    let digest =
        Sha256::new().chain_update(account.id.as_str()).chain_update(" ").chain_update(post.as_str());
    hex::encode(digest.finalize().get(..16).unwrap_or_default())
}
