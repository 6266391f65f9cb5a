//! Whether the database behind the pod's address still holds the campaign's accounts.
//!
//! A missing account, or another's row under its number, may be the account's own change, or that of the whole
//! database: one that is being restored, or another pod's. The campaign's other accounts tell which.

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::Claimed;
use crate::campaign::worker::account::WorkerState;
use crate::campaign::worker::retry::Waiting;
use crate::campaign::worker::session::WorkerSession;
use crate::campaign::worker::source::Connection;
use crate::domain::DiasporaId;
use crate::export::Exported;
use crate::pod::database::DatabaseError;
use crate::pod::people::count_accounts;
use crate::pod::reader::{ids_of_users, usable_id};
use crate::pod::schema::read_schema;

/// An account on the pod as it is now.
pub(in crate::campaign) enum Presence {
    /// Its row is there.
    Present,
    /// Another account has its row number.
    Replaced(DiasporaId),
    /// There is no such row.
    Absent,
}

const NONE: &str = "the pod's database has none of the campaign's accounts: is it being restored?";
const OTHERS: &str = "the pod's database has other accounts than the campaign's: is it another pod's?";

impl WorkerSession {
    /// Returns whether an archive is of the claimed account.
    pub(in crate::campaign) fn is_of(&self, claimed: &Claimed, exported: &Exported) -> bool {
        self.expected(claimed.user_id, &claimed.username, &claimed.account).as_ref()
            == Some(&exported.manifest.account.diaspora_id)
    }

    /// Returns the ID that an account of the list is exported with.
    fn expected(&self, user_id: i64, username: &str, account: &str) -> Option<DiasporaId> {
        usable_id(account, username, user_id, &self.setup.pod)
    }

    /// Looks for an account with a new connection. Waits while the pod has none of the campaign's accounts.
    pub(in crate::campaign) async fn presence(
        &self,
        claimed: &Claimed,
        worker_state: &mut WorkerState,
    ) -> Result<Presence, CampaignError> {
        let others = self.in_store(|| self.queue.others(claimed.user_id)).await?;
        let users: Vec<i64> =
            others.iter().map(|(user, ..)| *user).chain(std::iter::once(claimed.user_id)).collect();
        let mut waiting = self.retry.begin(self.observer());
        loop {
            let Connection { snapshot, .. } = self.connect_anew(worker_state).await?;
            let read = async {
                let ids = ids_of_users(snapshot, &self.setup.pod, &users).await?;
                Ok::<_, DatabaseError>((ids, count_accounts(snapshot).await?))
            };
            let (ids, accounts) = match read.await {
                Ok(read) => read,
                Err(error) => {
                    waiting.pause(&error.to_string()).await?;
                    continue;
                }
            };
            let is_here = |user: i64, username: &str, account: &str| {
                ids.get(&user).is_some_and(|id| self.expected(user, username, account).as_ref() == Some(id))
            };
            let mut rows = others.iter();
            let reason = if accounts == 0 {
                NONE
            } else if others.is_empty() || rows.any(|(user, name, account)| is_here(*user, name, account)) {
                let Claimed { user_id, username, account, .. } = claimed;
                return Ok(match ids.get(user_id) {
                    None => Presence::Absent,
                    Some(_) if is_here(*user_id, username, account) => Presence::Present,
                    Some(id) => Presence::Replaced(id.clone()),
                });
            } else if ids.is_empty() {
                NONE
            } else {
                OTHERS
            };
            waiting.pause(reason).await?;
        }
    }

    /// Waits until all tables are there and readable.
    pub(in crate::campaign) async fn wait_for_tables(
        &self,
        worker_state: &mut WorkerState,
        waiting: &mut Waiting<'_>,
    ) -> Result<(), CampaignError> {
        loop {
            let Connection { snapshot, .. } = self.connect_anew(worker_state).await?;
            match read_schema(snapshot).await {
                Ok(_) => return Ok(()),
                Err(error) => waiting.pause(&error.to_string()).await?,
            }
        }
    }

    /// Replaces the connection by one that sees the pod as it is now.
    async fn connect_anew<'a>(
        &self,
        worker_state: &'a mut WorkerState,
    ) -> Result<&'a mut Connection, CampaignError> {
        worker_state.connection = None;
        self.source.renew().await;
        self.connect(worker_state).await?;
        worker_state.connection.as_mut().ok_or(CampaignError::Broken)
    }
}
