//! Starts or continues an import: the username, the journal, the account's own rows.

use std::collections::HashMap;

use super::ImportError;
use super::importer::Importer;
use super::journal::former::{self, Claimant};
use super::journal::imports::{self, ImportRecord, NewImport, active_import};
use super::journal::notes::Journal;
use super::scan::names;
use super::scan::survey::Survey;
use super::target::{NewAccount, PLANNED_ACCOUNT};
use super::write::account::{AccountRows, Credentials};
use crate::domain::{DiasporaId, Guid};
use crate::store::Store;

/// The account to import, under its old and its new ID.
pub(super) struct AccountMove<'a> {
    pub(super) old_id: &'a DiasporaId,
    pub(super) new_id: &'a DiasporaId,
    /// Fingerprint of the old key, if the archive shows it.
    pub(super) old_key: Option<&'a str>,
    /// The old person, if the pod knows it.
    pub(super) old_person: Option<i64>,
}

impl Importer<'_> {
    /// Returns the account, and its rows: existing, or created now; none in a dry run of a new import.
    pub(super) async fn begin(
        &mut self,
        survey: &Survey,
        account_move: &AccountMove<'_>,
        store: Option<&Store>,
    ) -> Result<(NewAccount, Option<AccountRows>), ImportError> {
        let url = self.target.url.as_str().to_owned();
        let existing = match store {
            Some(store) => active_import(store, account_move.old_id, &url).await?,
            None => None,
        };
        let import = match existing {
            Some(import) => Some(resume(import, account_move, self.options.owner.as_deref())?),
            None => self.begin_new(survey, account_move, store).await?,
        };
        if let (Some(store), Some(import)) = (store, import) {
            if self.target.writes() {
                self.former_key = former::key_of(store, &import, self.options.keys.as_ref()).await?;
            }
            let mark = self.target.committed_batch(&import.person_guid).await?;
            self.journal = Journal::open(store, import, mark, self.target.writes()).await?;
        }
        let rows = self.account_rows(survey, account_move).await?;
        self.journal.person = rows.map(|rows| rows.person);
        let Some(rows) = rows else {
            let (id, old_person) = (account_move.new_id.clone(), account_move.old_person);
            return Ok((
                NewAccount::new(id, PLANNED_ACCOUNT, PLANNED_ACCOUNT, old_person, HashMap::new()),
                None,
            ));
        };
        let aspects = self.target.aspects(rows.user).await?;
        let account = NewAccount::new(
            account_move.new_id.clone(),
            rows.person,
            rows.user,
            account_move.old_person,
            aspects,
        );
        Ok((account, Some(rows)))
    }

    /// Checks that name and address are available, and records the start of the import, unless this is a dry run.
    async fn begin_new(
        &mut self,
        survey: &Survey,
        account_move: &AccountMove<'_>,
        store: Option<&Store>,
    ) -> Result<Option<ImportRecord>, ImportError> {
        let pod_url = self.target.url.as_str().to_owned();
        names::check_name(&mut self.target, account_move.new_id, &self.options.reserved_names).await?;
        let (username, archive_sha256) =
            (account_move.new_id.username(), self.options.archive_sha256.as_str());
        let former = match store {
            Some(store) => {
                let archive = Some((account_move.old_key, archive_sha256));
                // A dry run gives the name to nobody, so it may check any number of names.
                let is_newcomer = self.options.owner.is_some() && self.target.writes();
                let claimant = Claimant { old_id: account_move.old_id, archive, is_newcomer };
                former::identity_for(store, &pod_url, username, &claimant).await?
            }
            None => None,
        };
        let email = self.email(survey);
        names::check_email(&mut self.target, &email).await?;
        let Some(store) = store.filter(|_| self.target.writes()) else { return Ok(None) };
        let new = NewImport {
            archive_sha256,
            old_id: account_move.old_id,
            old_key: account_move.old_key,
            username,
            owner: self.options.owner.as_deref().unwrap_or(PODMIN),
            pod_url: &pod_url,
            person_guid: former.as_ref().map(|former| former.person_guid.as_str()),
            now: self.options.now,
        };
        Ok(Some(imports::begin(store, new).await?))
    }

    /// Returns the rows of the account; creates them if missing, except in a dry run.
    async fn account_rows(
        &mut self,
        survey: &Survey,
        account_move: &AccountMove<'_>,
    ) -> Result<Option<AccountRows>, ImportError> {
        let Some(import) = self.journal.import() else {
            self.target.repeat_profile_findings(survey.profile.as_ref());
            return Ok(None);
        };
        let guid: Guid = import.person_guid.parse().map_err(|_| ImportError::Internal)?;
        if let Some(rows) = self.target.find_account(account_move.new_id, &guid).await? {
            if rows.is_open && rows.is_closed {
                return Err(ImportError::Closed(account_move.new_id.clone()));
            }
            self.target.repeat_profile_findings(survey.profile.as_ref());
            return Ok(Some(rows));
        }
        if !self.target.writes() {
            self.target.repeat_profile_findings(survey.profile.as_ref());
            return Ok(None);
        }
        let (email, password) = (self.email(survey), self.options.encrypted_password.as_ref());
        let credentials = Credentials { email: &email, password };
        self.target
            .create_account(survey, account_move.new_id, &guid, &credentials, &mut self.journal)
            .await?;
        let rows = self.target.find_account(account_move.new_id, &guid).await?;
        rows.ok_or(ImportError::RowMissing("the new account")).map(Some)
    }

    fn email(&self, survey: &Survey) -> String {
        names::stored_email(self.options.email.as_deref().unwrap_or(&survey.email))
    }
}

/// The owner of imports that the podmin starts.
const PODMIN: &str = "podmin";

/// Returns an existing import if it may be continued: only under the same name, with the same key, for the same owner,
/// and not while it is being undone. The podmin may continue the imports of all owners.
fn resume(
    import: ImportRecord,
    account_move: &AccountMove<'_>,
    owner: Option<&str>,
) -> Result<ImportRecord, ImportError> {
    let old_id = account_move.old_id.clone();
    let is_foreign = owner.is_some_and(|owner| import.owner.as_deref().is_some_and(|other| other != owner));
    if import.is_being_undone && !is_foreign {
        return Err(ImportError::BeingUndone { old_id, import: import.id });
    }
    if import.new_username != account_move.new_id.username() || is_foreign {
        return Err(ImportError::ImportedBefore { old_id, name: import.new_username, import: import.id });
    }
    match import.old_key {
        Some(imported_key) if account_move.old_key != Some(imported_key.as_str()) => {
            Err(ImportError::AnotherKey {
                old_id,
                name: import.new_username,
                import: import.id,
                imported_key,
                archive_key: account_move.old_key.unwrap_or("none").to_owned(),
            })
        }
        _ => Ok(import),
    }
}
