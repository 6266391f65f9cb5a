//! Checks whether the pod's database still contains the campaign's accounts.
//!
//! An account may be missing, or its row number may belong to another account, because this account has changed; or
//! because the whole database is being restored or is another pod's. The campaign's other accounts show which.

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::ClaimedAccount;
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

/// The current state of an account on the pod.
pub(in crate::campaign) enum Presence {
    /// Its row exists.
    Present,
    /// Another account has its row number.
    Replaced(DiasporaId),
    /// Its row does not exist.
    Absent,
}

const NO_ACCOUNTS: &str = "the pod's database has none of the campaign's accounts: is it being restored?";
const OTHER_ACCOUNTS: &str =
    "the pod's database has other accounts than the campaign's: is it another pod's?";

impl WorkerSession {
    /// Returns whether an archive is of the claimed account.
    pub(in crate::campaign) fn is_of(&self, claimed: &ClaimedAccount, exported: &Exported) -> bool {
        self.expected_id(claimed.user_id, &claimed.username, &claimed.account).as_ref()
            == Some(&exported.manifest.account.diaspora_id)
    }

    /// Returns the ID that an account of the list is exported with.
    fn expected_id(&self, user_id: i64, username: &str, account: &str) -> Option<DiasporaId> {
        usable_id(account, username, user_id, &self.setup.pod)
    }

    /// Looks for an account with a new connection. Waits while the pod has none of the campaign's accounts.
    pub(in crate::campaign) async fn presence(
        &self,
        claimed: &ClaimedAccount,
        worker_state: &mut WorkerState,
    ) -> Result<Presence, CampaignError> {
        let others = self.in_store(|| self.queue.others(claimed.user_id)).await?;
        let users: Vec<i64> =
            others.iter().map(|(user, ..)| *user).chain(std::iter::once(claimed.user_id)).collect();
        let mut waiting = self.retry.begin(self.observer());
        loop {
            let Connection { snapshot, .. } = self.reconnect(worker_state).await?;
            let reading = async {
                let ids = ids_of_users(snapshot, &self.setup.pod, &users).await?;
                Ok::<_, DatabaseError>((ids, count_accounts(snapshot).await?))
            };
            let (ids, account_count) = match reading.await {
                Ok(result) => result,
                Err(error) => {
                    waiting.pause(&error.to_string()).await?;
                    continue;
                }
            };
            let is_present = |user: i64, username: &str, account: &str| {
                ids.get(&user)
                    .is_some_and(|id| self.expected_id(user, username, account).as_ref() == Some(id))
            };
            let mut rows = others.iter();
            let reason = if account_count == 0 {
                NO_ACCOUNTS
            } else if others.is_empty() || rows.any(|(user, name, account)| is_present(*user, name, account))
            {
                let ClaimedAccount { user_id, username, account, .. } = claimed;
                return Ok(match ids.get(user_id) {
                    None => Presence::Absent,
                    Some(_) if is_present(*user_id, username, account) => Presence::Present,
                    Some(id) => Presence::Replaced(id.clone()),
                });
            } else if ids.is_empty() {
                NO_ACCOUNTS
            } else {
                OTHER_ACCOUNTS
            };
            waiting.pause(reason).await?;
        }
    }

    /// Waits until all tables exist and are readable.
    pub(in crate::campaign) async fn wait_for_tables(
        &self,
        worker_state: &mut WorkerState,
        waiting: &mut Waiting<'_>,
    ) -> Result<(), CampaignError> {
        loop {
            let Connection { snapshot, .. } = self.reconnect(worker_state).await?;
            match read_schema(snapshot).await {
                Ok(_) => return Ok(()),
                Err(error) => waiting.pause(&error.to_string()).await?,
            }
        }
    }

    /// Replaces the connection with one that sees the pod's current state.
    async fn reconnect<'a>(
        &self,
        worker_state: &'a mut WorkerState,
    ) -> Result<&'a mut Connection, CampaignError> {
        worker_state.connection = None;
        self.source.renew().await;
        self.connect(worker_state).await?;
        worker_state.connection.as_mut().ok_or(CampaignError::Broken)
    }
}
