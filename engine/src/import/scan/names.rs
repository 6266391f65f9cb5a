//! The rules for usernames and e-mail addresses, as diaspora*'s `User` has them.

use crate::domain::DiasporaId;
use crate::import::ImportError;
use crate::import::target::Target;
use crate::pod::database::DatabaseError;

/// The longest username that diaspora* allows, in characters.
const MAX_USERNAME_CHARS: usize = 32;
/// The longest e-mail address that fits into its column, in characters.
const MAX_EMAIL_CHARS: usize = 255;

/// Checks that the name is valid, and that no account on the pod, open or closed, has it.
pub(in crate::import) async fn check_name(
    target: &mut Target,
    id: &DiasporaId,
    reserved: &[String],
) -> Result<(), ImportError> {
    let name = id.username();
    if name.len() > MAX_USERNAME_CHARS {
        return Err(ImportError::Username(name.to_owned(), "it is longer than 32 characters"));
    }
    if reserved.iter().any(|reserved| reserved == name) {
        return Err(ImportError::Username(name.to_owned(), "this pod keeps the name for itself"));
    }
    let sql = "SELECT username FROM users WHERE username IN ({})";
    let users = target.pod.rows_in("the username", sql, &[name]).await?;
    let sql = "SELECT id FROM people WHERE diaspora_handle IN ({})";
    let people = target.pod.rows_in("the username", sql, &[id.as_str()]).await?;
    if users.is_empty() && people.is_empty() {
        return Ok(());
    }
    Err(ImportError::Username(name.to_owned(), "somebody on this pod has, or had, that name"))
}

/// Returns an e-mail address as diaspora* stores it: without surrounding whitespace, in lowercase.
pub(in crate::import) fn stored_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Checks that the address is valid, and that no user of the pod has it, ignoring case. Users who have not confirmed a
/// change to it do not have it.
pub(in crate::import) async fn check_email(target: &mut Target, email: &str) -> Result<(), ImportError> {
    let refused = |reason| Err(ImportError::Email(email.to_owned(), reason));
    // Mail programs give brackets, quotes and commas a meaning: the text could be another address, or two.
    let is_special = |c: char| "@<>()[],;:\\\"".contains(c) || c.is_whitespace() || c.is_control();
    let is_plain = |part: &str| !part.is_empty() && !part.contains(is_special);
    if !email.split_once('@').is_some_and(|(name, host)| is_plain(name) && is_plain(host)) {
        return refused("it is not an e-mail address");
    }
    if email.chars().count() > MAX_EMAIL_CHARS {
        return refused("it is longer than 255 characters");
    }
    let column = target.pod.columns().await?.of("users", "email");
    let fitted = column.hold(email);
    if fitted.cut || fitted.replaced {
        return refused("this pod's database cannot store it");
    }
    let sql = "SELECT id FROM users WHERE LOWER(email) IN ({})";
    if target.pod.rows_in("the e-mail address", sql, &[email]).await?.is_empty() {
        return Ok(());
    }
    refused("another account on this pod uses it")
}

impl Target {
    /// Cancels unconfirmed changes to the address, as diaspora* does: otherwise these users could not save their
    /// settings.
    pub(in crate::import) async fn cancel_unconfirmed_changes(
        &mut self,
        email: &str,
    ) -> Result<(), DatabaseError> {
        let sql = "UPDATE users SET unconfirmed_email = NULL, confirm_email_token = NULL \
                   WHERE LOWER(unconfirmed_email) = ?";
        self.pod.run("the e-mail address", sql.to_owned(), &[email.into()]).await.map(drop)
    }
}
