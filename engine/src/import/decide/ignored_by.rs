//! Blocks of the new person by people of the target pod who ignore the old one. They apply from the import on: the
//! announcement would move the blocks, but it may come late or never.

use super::{Action, BatchPlan};
use crate::import::journal::notes::{Intent, kinds};
use crate::import::scan::existing::ignored_by::IgnoringUser;
use crate::import::target::NewAccount;

/// Users who are to ignore the account.
pub(in crate::import) struct IgnoredByRows {
    pub(in crate::import) person: i64,
    pub(in crate::import) users: Vec<i64>,
}

/// Plans the blocks. Users who have lifted the block of the new person since, or share with them, are left out: they
/// have decided otherwise. The report names nobody, since the account must not learn who ignores it.
pub(in crate::import) fn ignored_by(
    account: &NewAccount,
    users: &[IgnoringUser],
) -> BatchPlan<IgnoredByRows> {
    let mut plan = BatchPlan::new(IgnoredByRows { person: account.person, users: Vec::new() });
    for user in users {
        match Action::of_row(user.noted, user.ignores_new) {
            Action::Insert if !user.shares => {
                plan.intents.push(Intent::write(kinds::IGNORED_BY, &user.guid));
                plan.rows.users.push(user.user);
            }
            Action::Present(None) => plan.intents.push(Intent::found(kinds::IGNORED_BY, &user.guid)),
            _ => {}
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::decide::tests::{Fixture, deleted, guid, written};

    #[test]
    fn only_users_who_have_not_decided_otherwise_ignore_the_new_person() {
        let user = |user: i64, ignores_new, shares, noted| {
            let guid = guid(user).to_string();
            IgnoringUser { user, guid, ignores_new, shares, noted }
        };
        let users = [
            user(61, false, false, None),
            user(62, false, false, Some(deleted())),
            user(63, false, true, None),
            user(64, true, false, None),
            user(65, true, false, Some(written())),
        ];
        let plan = ignored_by(&Fixture::new().account, &users);
        assert_eq!((plan.rows.person, plan.rows.users), (1, vec![61]));
        assert_eq!(
            plan.intents,
            [Intent::write(kinds::IGNORED_BY, &guid(61)), Intent::found(kinds::IGNORED_BY, &guid(64))]
        );
        assert!(plan.entries.is_empty());
    }
}
