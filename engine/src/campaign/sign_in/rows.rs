//! Reads the sign-in data of the pod's users from the columns that its version has.

use std::collections::HashSet;

use crate::campaign::sign_in::copy::{SecondFactor, SecretText, SignIn};
use crate::sql::{Row, id_list};

/// The columns of the second factor. The last one was added later: earlier versions encrypt the secret with a key that
/// only the pod has.
const SECOND_FACTOR: [&str; 4] =
    ["otp_required_for_login", "consumed_timestep", "otp_backup_codes", "plain_otp_secret"];

/// Returns a statement that reads all users. `columns` are those of the pod, as `table.column`.
pub(in crate::campaign) fn statement(columns: &HashSet<String>) -> String {
    format!("{} ORDER BY u.id", select(columns))
}

/// Returns a statement that reads people with one of two usernames or one of two e-mail addresses.
pub(in crate::campaign) fn by_name(columns: &HashSet<String>) -> String {
    format!("{} AND (u.username IN (?, ?) OR u.email IN (?, ?)) ORDER BY u.id LIMIT 1", select(columns))
}

/// Returns a statement that reads the users of these row numbers.
pub(in crate::campaign) fn by_rows(columns: &HashSet<String>, user_ids: &[i64]) -> String {
    format!("{} AND u.id IN ({})", select(columns), id_list(user_ids))
}

fn select(columns: &HashSet<String>) -> String {
    let second_factor = SECOND_FACTOR.map(|column| {
        let is_present = columns.contains(&format!("users.{column}"));
        if is_present { format!("u.{column}") } else { format!("NULL AS {column}") }
    });
    let has_older_secret = if columns.contains("users.encrypted_otp_secret") {
        "CASE WHEN u.encrypted_otp_secret IS NULL THEN 0 ELSE 1 END"
    } else {
        "0"
    };
    format!(
        "SELECT u.id, u.username, u.email, u.encrypted_password, u.locked_at, p.closed_account, p.diaspora_handle, \
         CASE WHEN EXISTS (SELECT 1 FROM roles r WHERE r.person_id = p.id AND r.name = 'admin') \
         THEN 1 ELSE 0 END AS is_admin, {has_older_secret} AS has_older_secret, {} FROM users u \
         LEFT JOIN people p ON p.owner_id = u.id WHERE u.username IS NOT NULL AND u.username <> ''",
        second_factor.join(", ")
    )
}

/// Reads one user from a row of one of these statements.
pub(in crate::campaign) fn read(row: &Row, host: &str) -> Option<SignIn> {
    let username = row.text("username")?;
    let secret = row.non_empty_text("plain_otp_secret").map(SecretText::new);
    // If the value cannot be read, the second factor is required: the password alone must not suffice.
    let is_required = row.boolean("otp_required_for_login").unwrap_or(!row.is_null("otp_required_for_login"));
    let has_older_secret = row.integer("has_older_secret") == Some(1);
    let second_factor = (is_required || secret.is_some() || has_older_secret).then(|| SecondFactor {
        required: is_required,
        secret,
        used_until: row.integer("consumed_timestep"),
        backup_codes: backup_codes(&row.text("otp_backup_codes").unwrap_or_default()),
    });
    Some(SignIn {
        user_id: row.integer("id")?,
        account: row.non_empty_text("diaspora_handle").unwrap_or_else(|| format!("{username}@{host}")),
        username,
        email: row.text("email").unwrap_or_default(),
        password_hash: SecretText::new(row.text("encrypted_password").unwrap_or_default()),
        locked: !row.is_null("locked_at"),
        closed: row.boolean("closed_account").unwrap_or(false),
        admin: row.integer("is_admin") == Some(1),
        second_factor,
    })
}

/// Parses the list of backup codes, which Rails stores as YAML.
fn backup_codes(yaml: &str) -> Vec<SecretText> {
    let codes: Vec<String> = serde_saphyr::from_str(yaml).unwrap_or_default();
    codes.into_iter().map(SecretText::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_statement() {
        let columns =
            |names: &[&str]| names.iter().map(|name| format!("users.{name}")).collect::<HashSet<_>>();
        let oldest = statement(&columns(&["username"]));
        let none = ", 0 AS has_older_secret, NULL AS otp_required_for_login, NULL AS consumed_timestep, \
                    NULL AS otp_backup_codes, NULL AS plain_otp_secret FROM";
        assert!(oldest.contains(none), "{oldest}");
        let middle =
            statement(&columns(&["encrypted_otp_secret", "otp_required_for_login", "consumed_timestep"]));
        let some = "THEN 0 ELSE 1 END AS has_older_secret, u.otp_required_for_login, u.consumed_timestep, \
                    NULL AS otp_backup_codes, NULL AS plain_otp_secret FROM";
        assert!(middle.contains(some), "{middle}");
        let newest = statement(&columns(&SECOND_FACTOR));
        let all = ", 0 AS has_older_secret, u.otp_required_for_login, u.consumed_timestep, \
                   u.otp_backup_codes, u.plain_otp_secret FROM";
        assert!(newest.contains(all), "{newest}");
    }

    #[test]
    fn codes_are_a_list_in_yaml() {
        let codes = backup_codes("---\n- \"$2a$10$abc\"\n- $2a$10$def\n");
        assert_eq!(codes.iter().map(SecretText::expose).collect::<Vec<_>>(), ["$2a$10$abc", "$2a$10$def"]);
        for yaml in ["", "--- []\n", "---\n", "no: list"] {
            assert!(backup_codes(yaml).is_empty(), "{yaml}");
        }
        assert_eq!(format!("{codes:?}"), "[SecretText, SecretText]");
    }
}
