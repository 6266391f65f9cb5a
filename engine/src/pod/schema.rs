//! Checks that Pappus supports the schema version of a pod's database.

use std::collections::HashSet;

use super::database::{DatabaseError, Snapshot, VISIBLE};
use crate::sql::{Dialect, Row};

/// First `schema_migrations` entry of diaspora* 0.7.0.0.
const OLDEST: &str = "20170813222333";
/// Newest known entry: diaspora* 0.10-dev of April 2026.
const NEWEST: &str = "20260428000000";

/// Tables and columns that an export reads. All of them exist in every version from 0.7 on.
const REQUIRED: &[(&str, &str)] = &[
    ("account_migrations", "id old_person_id new_person_id"),
    ("aspect_memberships", "aspect_id contact_id"),
    ("aspect_visibilities", "shareable_id shareable_type aspect_id"),
    ("aspects", "id name user_id order_id post_default"),
    ("blocks", "id user_id person_id"),
    ("comment_signatures", "comment_id author_signature signature_order_id additional_data"),
    ("comments", "id text commentable_id commentable_type author_id guid created_at"),
    ("contacts", "id user_id person_id sharing receiving"),
    ("conversation_visibilities", "conversation_id person_id unread"),
    ("conversations", "id subject guid author_id created_at"),
    ("like_signatures", "like_id author_signature signature_order_id additional_data"),
    ("likes", "id positive target_id target_type author_id guid"),
    ("locations", "id address lat lng status_message_id"),
    ("messages", "id conversation_id author_id guid text created_at"),
    ("participations", "id target_id target_type author_id"),
    ("people", "id guid diaspora_handle serialized_public_key owner_id closed_account pod_id"),
    (
        "photos",
        "id author_id public guid text remote_photo_path remote_photo_name processed_image unprocessed_image \
         created_at status_message_guid height width",
    ),
    ("pods", "id host ssl port"),
    ("poll_answers", "id answer poll_id guid"),
    (
        "poll_participation_signatures",
        "poll_participation_id author_signature signature_order_id additional_data",
    ),
    ("poll_participations", "id poll_answer_id author_id poll_id guid"),
    ("polls", "id question status_message_id guid"),
    ("posts", "id author_id public guid type text created_at provider_display_name root_guid"),
    (
        "profiles",
        "id first_name last_name image_url image_url_small image_url_medium birthday gender bio searchable \
         person_id updated_at location nsfw public_details",
    ),
    ("signature_orders", "id order"),
    ("tag_followings", "tag_id user_id"),
    ("taggings", "id tag_id taggable_id taggable_type"),
    ("tags", "id name"),
    ("user_preferences", "id email_type user_id"),
    (
        "users",
        "id username serialized_private_key disable_mail language email locked_at \
         show_community_spotlight_in_stream auto_follow_back auto_follow_back_aspect_id hidden_shareables \
         color_theme post_default_public",
    ),
];

/// Returns the tables that an export reads.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    REQUIRED.iter().map(|(table, _)| *table)
}

/// Schema version of a pod's database: its newest `schema_migrations` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaVersion(String);

impl SchemaVersion {
    /// Returns the entry, fourteen digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the versions of diaspora* with this schema, in words.
    pub fn software(&self) -> &'static str {
        if self.0.as_str() <= "20190701234716" {
            "diaspora* 0.7"
        } else if self.0.as_str() <= "20230604015559" {
            "diaspora* 0.9"
        } else {
            "diaspora* 0.10-dev"
        }
    }
}

/// The reason a pod's tables cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database is not diaspora*'s.
    #[error(
        "this database has no table schema_migrations with entries: it is not a diaspora* pod's database"
    )]
    NotDiaspora,
    /// The schema is older than 0.7.
    #[error(
        "the pod's tables are of version {0}, older than diaspora* 0.7: update the pod to 0.7 or later first"
    )]
    TooOld(String),
    /// The schema is newer than any known one.
    #[error(
        "the pod's tables are of version {0}, newer than any that this version of Pappus supports (up to {NEWEST}): update Pappus"
    )]
    TooNew(String),
    /// The database user may not read some of the tables.
    #[error(
        "the pod's database does not let this user read {tables}. As the owner of the database, run: {grant}"
    )]
    Denied {
        /// The tables.
        tables: String,
        /// The statements that grant the right.
        grant: String,
    },
    /// A column has a type of an extension, or one that the podmin created.
    #[error(
        "{column} is of the type {kind}, which is not built into PostgreSQL: change it to the type that diaspora* uses \
         (ALTER TABLE … ALTER COLUMN … TYPE varchar), or read a copy of the database"
    )]
    ForeignType {
        /// Table and column.
        column: String,
        /// The type.
        kind: String,
    },
    /// The version is known, but the tables do not match it.
    #[error("the pod's tables are of version {version}, but {missing} missing: was a migration interrupted?")]
    Incomplete {
        /// The newest entry.
        version: String,
        /// Tables and columns, in words with "is" or "are".
        missing: String,
    },
}

/// Reads the version and checks that every table and column for an export exists.
///
/// # Errors
/// [`SchemaError`], each with its remedy.
pub async fn read_schema(snapshot: &mut Snapshot) -> Result<SchemaVersion, SchemaError> {
    let sql = "SELECT MAX(version) AS newest_version FROM schema_migrations".to_owned();
    let row = match snapshot.first("the version of its tables", sql, &[]).await {
        // The table does not exist.
        Err(DatabaseError::Missing { .. }) => None,
        other => other?,
    };
    let version = row.and_then(|row| row.text("newest_version")).ok_or(SchemaError::NotDiaspora)?;
    if version.len() != 14 || version.as_str() < OLDEST {
        return Err(SchemaError::TooOld(version));
    }
    if version.as_str() > NEWEST {
        return Err(SchemaError::TooNew(version));
    }
    let present = columns(snapshot).await?;
    let denied = denied_tables(snapshot, &present).await?;
    if !denied.is_empty() {
        snapshot.read_user().await?;
        let (tables, grant) = (denied.join(", "), snapshot.grant(&denied));
        return Err(SchemaError::Denied { tables, grant });
    }
    let missing: Vec<String> = REQUIRED
        .iter()
        .flat_map(|(table, columns)| {
            columns.split_whitespace().map(move |column| format!("{table}.{column}"))
        })
        .filter(|name| !present.contains(name))
        .collect();
    match missing.as_slice() {
        [] => match foreign_type(snapshot).await? {
            None => Ok(SchemaVersion(version)),
            Some((column, kind)) => Err(SchemaError::ForeignType { column, kind }),
        },
        [name] => Err(SchemaError::Incomplete { version, missing: format!("{name} is") }),
        names => {
            let first_names = names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
            let missing = format!("{first_names}{} are", if names.len() > 5 { " and more" } else { "" });
            Err(SchemaError::Incomplete { version, missing })
        }
    }
}

/// Returns an exported column whose type is not built into PostgreSQL, and that type. Domains are allowed: PostgreSQL
/// sends their values as those of the underlying types.
async fn foreign_type(snapshot: &mut Snapshot) -> Result<Option<(String, String)>, DatabaseError> {
    if snapshot.dialect() != Dialect::PostgreSql {
        return Ok(None);
    }
    let sql = format!(
        "SELECT concat(c.relname, '.', a.attname) AS found_column, t.typname::text AS found_type \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid \
         WHERE {VISIBLE} AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 \
         AND t.typtype <> 'd' AND t.typnamespace <> 'pg_catalog'::regnamespace ORDER BY 1"
    );
    let rows = snapshot.rows("the types of its columns", sql, &[]).await?;
    let is_read = |name: &str| {
        let (table, column) = name.split_once('.').unwrap_or_default();
        REQUIRED
            .iter()
            .any(|(read, columns)| *read == table && columns.split_whitespace().any(|read| read == column))
    };
    let mut foreign =
        rows.iter().filter_map(|row| Some((row.text("found_column")?, row.text("found_type")?)));
    Ok(foreign.find(|(name, _)| is_read(name)))
}

/// Returns the exported tables that this user may not read.
async fn denied_tables(
    snapshot: &mut Snapshot,
    present: &HashSet<String>,
) -> Result<Vec<&'static str>, DatabaseError> {
    match snapshot.dialect() {
        Dialect::PostgreSql => {
            let sql = format!(
                "SELECT c.relname::text AS found_table FROM pg_class c WHERE {VISIBLE} \
                 AND c.relkind IN ('r', 'p', 'v') AND NOT has_table_privilege(c.oid, 'SELECT') \
                 AND NOT has_any_column_privilege(c.oid, 'SELECT')"
            );
            let rows = snapshot.rows("this user's rights", sql, &[]).await?;
            let denied: HashSet<String> = rows.iter().filter_map(|row| row.text("found_table")).collect();
            Ok(tables().filter(|table| denied.contains(*table)).collect())
        }
        // MySQL reports unreadable tables as missing until they are queried.
        Dialect::MySql => {
            let mut denied = Vec::new();
            for (table, columns) in REQUIRED {
                let first = columns.split_whitespace().next().unwrap_or_default();
                if present.contains(&format!("{table}.{first}")) {
                    continue;
                }
                let sql = format!("SELECT 1 FROM {table} LIMIT 0");
                if let Err(DatabaseError::Denied { .. }) = snapshot.rows("this user's rights", sql, &[]).await
                {
                    denied.push(*table);
                }
            }
            Ok(denied)
        }
        Dialect::Sqlite => Ok(Vec::new()),
    }
}

/// Returns every `table.column` of the database.
pub(crate) async fn columns(snapshot: &mut Snapshot) -> Result<HashSet<String>, DatabaseError> {
    let sql = match snapshot.dialect() {
        Dialect::PostgreSql => format!(
            "SELECT c.relname::text AS found_table, a.attname::text AS found_column FROM pg_attribute a \
             JOIN pg_class c ON c.oid = a.attrelid WHERE {VISIBLE} AND c.relkind IN ('r', 'p', 'v') \
             AND a.attnum > 0 AND NOT a.attisdropped"
        ),
        Dialect::MySql => {
            "SELECT table_name AS found_table, column_name AS found_column FROM information_schema.columns \
             WHERE table_schema = DATABASE()"
                .to_owned()
        }
        Dialect::Sqlite => "SELECT m.name AS found_table, p.name AS found_column FROM sqlite_master m \
             JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
            .to_owned(),
    };
    let rows = snapshot.rows("the list of its columns", sql, &[]).await?;
    let name = |row: &Row| Some(format!("{}.{}", row.text("found_table")?, row.text("found_column")?));
    Ok(rows.iter().filter_map(name).collect())
}
