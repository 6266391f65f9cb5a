//! The tables of Pappus's own database, brought up to date when it is opened.
//!
//! The files are listed one by one, without `sqlx::migrate!`: that macro would build every database driver a second
//! time for the compiler, and does not notice a new file without a build script.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::sql::Dialect;

macro_rules! files {
    ($($version:literal $name:literal),* $(,)?) => {
        /// Version, name, text for SQLite, text for PostgreSQL. Published entries are never changed.
        const FILES: &[(i64, &str, &str, &str)] = &[$((
            $version,
            $name,
            include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        )),*];
    };
}

files! {
    1 "0001_imports",
    2 "0002_deliveries",
    3 "0003_campaigns",
    4 "0004_keys",
    5 "0005_sign_in",
    6 "0006_web",
    7 "0007_requests",
    8 "0008_board",
    9 "0009_newcomers",
    10 "0010_deliveries",
    11 "0011_moves",
    12 "0012_newcomers",
    13 "0013_journals",
    14 "0014_stamps",
    15 "0015_upload_space",
    16 "0016_owned_names",
    17 "0017_pages",
    18 "0018_deaths",
    19 "0019_evidence",
    20 "0020_once",
    21 "0021_leases",
    22 "0022_owners",
    23 "0023_repeated_moves",
    24 "0024_newcomer_starts",
    25 "0025_link_stamps",
    26 "0026_profiles",
    27 "0027_step_limits",
    28 "0028_sent_at",
    29 "0029_lookups",
    30 "0030_trusted_pods",
    31 "0031_evidence_and_checks",
}

/// The table of applied migrations. Its name differs from the library's default, because other programs may use the
/// library in the same database.
pub(super) const MIGRATIONS_TABLE: &str = "pappus_migrations";

/// Returns all migrations for one kind of database.
pub(super) fn migrator(dialect: Dialect) -> Migrator {
    let migrations = FILES.iter().map(|(version, name, sqlite, postgres)| {
        let sql = if dialect == Dialect::Sqlite { sqlite } else { postgres };
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // This is "dangerous" for databases with the default table; Pappus's own never had it.
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    // The callers have locked the database: SQLite's file, or for the transaction on PostgreSQL.
    migrator.set_locking(false);
    migrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_once_and_in_order() {
        let listed: Vec<String> = FILES.iter().map(|(_, name, ..)| format!("{name}.sql")).collect();
        assert!(FILES.iter().zip(1..).all(|((version, name, ..), number)| {
            *version == number && name.starts_with(&format!("{number:04}_"))
        }));
        for dialect in ["sqlite", "postgres"] {
            let folder = format!("{}/migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
            let mut found: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            assert_eq!(found, listed);
        }
    }
}
