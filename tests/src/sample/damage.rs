//! Defects that old pods really have, applied to a sample pod one at a time.

use super::SampleError;
use super::words::guid;
use crate::schema::{Dialect, Pool, SchemaError};

/// A defect. Unless it says otherwise it concerns the account `ida`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A NUL character in ida's comment `ida-on-hello`; PostgreSQL cannot hold one.
    NulInText,
    /// A byte that is no UTF-8 in the same comment; PostgreSQL holds it in a `SQL_ASCII` database
    /// only, MariaDB never.
    InvalidUtf8,
    /// ida's private key has no sense between its first and last line.
    PrivateKey,
    /// ida has no private key.
    NoPrivateKey,
    /// The public key of paula, a contact, cannot be read.
    PublicKey,
    /// The file of photo `lake-1` is not there under the name in its row.
    PhotoFile,
    /// ida's comment `ida-on-paula` is on a post that is gone.
    CommentWithoutPost,
    /// All likes of ida are on posts and comments that are gone.
    LikesWithoutTarget,
    /// ida's reshare `ida-reshares-paula` names a root that is gone.
    ReshareWithoutRoot,
    /// The order by which `quentin-on-poll` is signed has a name nobody knows.
    UnknownOrder,
    /// The order by which `quentin-on-photos` is signed is gone.
    OrderGone,
    /// The additional data of `theo-on-oskar` is no YAML; concerns `oskar`.
    BrokenYaml,
    /// quentin, a contact, has no profile.
    PersonWithoutProfile,
    /// ida herself has no profile.
    NoProfile,
    /// The post `ida-hello` was made at a time that is none: infinity on PostgreSQL, year 0000 on
    /// MariaDB, words on SQLite.
    AbsurdTime,
    /// The pod has run a migration nobody knows.
    UnknownMigration,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::NulInText,
        Self::InvalidUtf8,
        Self::PrivateKey,
        Self::NoPrivateKey,
        Self::PublicKey,
        Self::PhotoFile,
        Self::CommentWithoutPost,
        Self::LikesWithoutTarget,
        Self::ReshareWithoutRoot,
        Self::UnknownOrder,
        Self::OrderGone,
        Self::BrokenYaml,
        Self::PersonWithoutProfile,
        Self::NoProfile,
        Self::AbsurdTime,
        Self::UnknownMigration,
    ];
}

/// The id no post and no comment has.
const NOWHERE: i64 = 999_999;

/// Applies a defect to a sample pod.
///
/// # Errors
/// [`SampleError::Impossible`] when this database refuses such a value whatever one does.
pub async fn damage(pool: &Pool, kind: Damage) -> Result<(), SampleError> {
    let done = pool.execute(&statement(pool.dialect(), kind)?).await;
    match done {
        // `invalid byte sequence for encoding "UTF8"`: this database checks.
        Err(SchemaError::Statement { source: sqlx::Error::Database(error), .. })
            if kind == Damage::InvalidUtf8 && error.code().as_deref() == Some("22021") =>
        {
            Err(impossible("PostgreSQL with UTF8", kind))
        }
        other => Ok(other?),
    }
}

fn impossible(database: &'static str, kind: Damage) -> SampleError {
    let damage = if kind == Damage::NulInText { "a NUL character" } else { "invalid UTF-8" };
    SampleError::Impossible { database, damage }
}

fn statement(dialect: Dialect, kind: Damage) -> Result<String, SampleError> {
    let broken_private = "-----BEGIN RSA PRIVATE KEY-----\nbm90IGEga2V5\n-----END RSA PRIVATE KEY-----\n";
    let broken_public = "-----BEGIN PUBLIC KEY-----\nnot even base64!\n-----END PUBLIC KEY-----\n";
    Ok(match kind {
        Damage::NulInText => set_text(nul(dialect)?),
        Damage::InvalidUtf8 => set_text(not_utf8(dialect)?),
        Damage::PrivateKey => {
            format!("UPDATE users SET serialized_private_key = '{broken_private}' WHERE username = 'ida'")
        }
        Damage::NoPrivateKey => {
            "UPDATE users SET serialized_private_key = NULL WHERE username = 'ida'".to_owned()
        }
        Damage::PublicKey => format!(
            "UPDATE people SET serialized_public_key = '{broken_public}' WHERE guid = '{}'",
            guid("person", "paula")
        ),
        Damage::PhotoFile => format!(
            "UPDATE photos SET remote_photo_name = '{gone}', unprocessed_image = '{gone}', \
             processed_image = '{gone}' WHERE guid = '{}'",
            guid("photo", "lake-1"),
            gone = "00000000000000000000.jpg"
        ),
        Damage::CommentWithoutPost => format!(
            "UPDATE comments SET commentable_id = {NOWHERE} WHERE guid = '{}'",
            guid("comment", "ida-on-paula")
        ),
        // Nobody may like one thing twice, so each like gets a target of its own.
        Damage::LikesWithoutTarget => format!(
            "UPDATE likes SET target_id = {NOWHERE} + id WHERE author_id IN \
             (SELECT id FROM people WHERE guid = '{}')",
            guid("person", "ida")
        ),
        Damage::ReshareWithoutRoot => format!(
            "UPDATE posts SET root_guid = '{}' WHERE guid = '{}'",
            guid("post", "never written"),
            guid("post", "ida-reshares-paula")
        ),
        Damage::UnknownOrder => {
            format!(
                "UPDATE signature_orders SET {} = 'author guid flavour text colour' WHERE id = 2",
                order(dialect)
            )
        }
        Damage::OrderGone => without_checks(dialect, "DELETE FROM signature_orders WHERE id = 5"),
        Damage::BrokenYaml => format!(
            "UPDATE comment_signatures SET additional_data = '--- !ruby/object:Object [' WHERE comment_id IN \
             (SELECT id FROM comments WHERE guid = '{}')",
            guid("comment", "theo-on-oskar")
        ),
        Damage::PersonWithoutProfile => delete_profile("quentin"),
        Damage::NoProfile => delete_profile("ida"),
        Damage::AbsurdTime => absurd_time(dialect),
        Damage::UnknownMigration => {
            "INSERT INTO schema_migrations (version) VALUES ('20991231235959')".to_owned()
        }
    })
}

fn set_text(value: &str) -> String {
    format!("UPDATE comments SET text = {value} WHERE guid = '{}'", guid("comment", "ida-on-hello"))
}

fn nul(dialect: Dialect) -> Result<&'static str, SampleError> {
    match dialect {
        Dialect::Postgres => Err(impossible("PostgreSQL", Damage::NulInText)),
        Dialect::MySql => Ok("CONCAT('before', CHAR(0 USING utf8mb4), 'after')"),
        Dialect::Sqlite => Ok("CAST(x'6265666f7265006166746572' AS TEXT)"),
    }
}

fn not_utf8(dialect: Dialect) -> Result<&'static str, SampleError> {
    match dialect {
        Dialect::Postgres => Ok(r"E'before\xffafter'"),
        // Every way into a utf8mb4 column checks: what is not well-formed becomes `?` or an error.
        Dialect::MySql => Err(impossible("MariaDB", Damage::InvalidUtf8)),
        Dialect::Sqlite => Ok("CAST(x'6265666f7265ff6166746572' AS TEXT)"),
    }
}

fn order(dialect: Dialect) -> String {
    crate::schema::quote(dialect, "order")
}

fn delete_profile(name: &str) -> String {
    format!(
        "DELETE FROM profiles WHERE person_id IN (SELECT id FROM people WHERE guid = '{}')",
        guid("person", name)
    )
}

fn absurd_time(dialect: Dialect) -> String {
    let (before, time) = match dialect {
        Dialect::Postgres => ("", "infinity"),
        Dialect::MySql => ("SET SESSION sql_mode = ''; ", "0000-00-00 00:00:00"),
        Dialect::Sqlite => ("", "some time in May"),
    };
    format!("{before}UPDATE posts SET created_at = '{time}' WHERE guid = '{}'", guid("post", "ida-hello"))
}

/// Runs a statement with foreign keys off, on the connection that runs it and only for it.
fn without_checks(dialect: Dialect, statement: &str) -> String {
    let (off, on) = match dialect {
        Dialect::Postgres => {
            ("SET session_replication_role = replica", "SET session_replication_role = origin")
        }
        Dialect::MySql => ("SET FOREIGN_KEY_CHECKS = 0", "SET FOREIGN_KEY_CHECKS = 1"),
        Dialect::Sqlite => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
    };
    format!("{off}; {statement}; {on}")
}
