//! Times of newcomers after the clock was set back: nobody waits for a time to recur.

use std::time::Duration;

use pappus_engine::store::StoreError;

use super::ledger::table::{Newcomers, millis};

/// Tolerance for times recorded by other machines.
const AHEAD: Duration = Duration::from_mins(1);
/// Maximum validity of an upload or a space reservation.
const LONGEST_PROMISE: Duration = Duration::from_hours(72);

impl Newcomers {
    /// Shifts the times of rows that were written before the clock was set back, by the same amount: the pause for
    /// undo keeps its promised length, and start times in the future become now.
    pub(super) async fn follow_the_clock(&self, now: i64) -> Result<u64, StoreError> {
        let ahead = now + millis(AHEAD);
        let sql = format!(
            "UPDATE pappus_newcomers SET announce_at = announce_at - (changed_at - {now}), \
             expires_at = expires_at - (changed_at - {now}), changed_at = {now} WHERE pod = ? AND changed_at > {ahead}"
        );
        let moved = self.store.execute("following the clock", &sql, &[(&self.pod).into()]).await?;
        let sql =
            format!("UPDATE pappus_newcomers SET begun_at = {now} WHERE pod = ? AND begun_at > {ahead}");
        self.store.execute("following the clock", &sql, &[(&self.pod).into()]).await?;
        let longest = now + millis(LONGEST_PROMISE);
        let too_long = longest + millis(AHEAD);
        for table in ["pappus_uploads", "pappus_upload_space"] {
            let sql = format!("UPDATE {table} SET expires_at = {longest} WHERE expires_at > {too_long}");
            self.store.execute("following the clock", &sql, &[]).await?;
        }
        Ok(moved)
    }
}
