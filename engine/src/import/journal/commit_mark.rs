//! A mark in the pod's database that records the last committed batch of an import.
//!
//! The journal is in another database than the pod's rows, and no transaction spans both. So the last statement of
//! each transaction on the pod writes its number into the account's own person: into `fetch_status`, which diaspora*
//! uses for people of other pods only (`Diaspora::Fetcher::Public`). If the program is killed between the two
//! commits, the mark shows which batches the pod has.

use crate::import::journal::notes::Journal;
use crate::import::target::Target;
use crate::pod::database::DatabaseError;

/// The number that is added to a batch's number: diaspora*'s own values are smaller. The column has 32 bits.
const MARK_OFFSET: i64 = 1_000_000_000;
/// The value that diaspora* writes for its own people when it checks whether to fetch their posts.
const UNFETCHABLE: i64 = 6;

/// Returns the batch number in a value of the column; 0 for diaspora*'s own values.
pub(in crate::import) fn batch_of(fetch_status: Option<i64>) -> i64 {
    fetch_status.map_or(0, |status| (status - MARK_OFFSET).max(0))
}

impl Target {
    /// Returns the last committed batch of the account with this GUID; none if there is no such account, and 0 for a
    /// complete import, which has no mark.
    pub(in crate::import) async fn committed_batch(
        &mut self,
        person_guid: &str,
    ) -> Result<Option<i64>, DatabaseError> {
        let sql = "SELECT fetch_status FROM people WHERE guid IN ({})";
        let rows = self.pod.rows_in("the account's mark", sql, &[person_guid]).await?;
        Ok(rows.first().map(|row| batch_of(row.integer("fetch_status"))))
    }

    /// Commits a batch's transaction with its mark.
    pub(in crate::import) async fn commit_batch(
        &mut self,
        journal: &mut Journal,
    ) -> Result<(), DatabaseError> {
        if let Some(person) = journal.person {
            self.set_fetch_status(person, MARK_OFFSET + journal.current_batch()).await?;
        }
        self.pod.commit().await?;
        journal.finish_batch();
        Ok(())
    }

    /// Removes the mark, after the journal has recorded that the pod has all batches.
    pub(in crate::import) async fn remove_mark(&mut self, journal: &Journal) -> Result<(), DatabaseError> {
        match journal.person {
            Some(person) => self.set_fetch_status(person, UNFETCHABLE).await,
            None => Ok(()),
        }
    }

    async fn set_fetch_status(&mut self, person: i64, status: i64) -> Result<(), DatabaseError> {
        let sql = format!("UPDATE people SET fetch_status = {status} WHERE id = {person}");
        self.pod.run("the account's mark", sql, &[]).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::{MARK_OFFSET, batch_of};

    #[test]
    fn values_of_diaspora_are_no_marks() {
        assert_eq!(
            [None, Some(0), Some(6), Some(MARK_OFFSET), Some(MARK_OFFSET + 3)].map(batch_of),
            [0, 0, 0, 0, 3]
        );
    }
}
