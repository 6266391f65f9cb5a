//! The rows of blocks by users who ignore the account.

use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::decide::ignored_by::IgnoredByRows;
use crate::import::target::Target;
use crate::pod::database::OnConflict;

impl BatchRows for IgnoredByRows {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let row = |user: &i64| vec![(*user).into(), self.person.into()];
        let rows = self.users.iter().map(row).collect();
        target.pod.insert("blocks", &["user_id", "person_id"], rows, OnConflict::Ignore).await?;
        Ok(())
    }
}
