//! `config/database.yml`: Rails's database configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::DuplicateKeyPolicy;
use zeroize::Zeroizing;

use super::connection::{Connection, KEYS};
use super::{ConfigError, Environment, erb, file};
use crate::sql::DatabaseUrl;

/// The contents of `config/database.yml` by section.
pub(super) struct DatabaseFile {
    path: PathBuf,
    /// `None` when the file does not exist, which is valid if `DATABASE_URL` is set.
    sections: Option<BTreeMap<String, Section>>,
}

impl DatabaseFile {
    /// Reads `config/database.yml` in the pod's folder `dir`.
    ///
    /// # Errors
    /// See [`file::read`] and [`erb::resolve`]; [`ConfigError::Yaml`] when it is not valid YAML.
    pub(super) fn read(dir: &Path, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let path = dir.join("config").join("database.yml");
        let Some(text) = file::read(&path)? else { return Ok(Self { path, sections: None }) };
        let text = erb::resolve(&text, &path, environment)?;
        let Sections(sections) = from_yaml(&text, &path)?;
        Ok(Self { path, sections: Some(sections) })
    }

    /// Returns whether a section describes a database.
    pub(super) fn describes(&self, section: &str) -> bool {
        self.section(section)
            .is_some_and(|connection| connection.get("database").is_some() || connection.get("url").is_some())
    }

    /// Returns whether the file exists.
    pub(super) fn exists(&self) -> bool {
        self.sections.is_some()
    }

    /// Returns the database of the pod in `dir` for the environment `rails_env`.
    ///
    /// As in Rails, a `url` in the section takes precedence over the section's other keys, and `DATABASE_URL` over
    /// the section unless that has a `url`.
    ///
    /// # Errors
    /// [`ConfigError::NoDatabaseFile`], [`ConfigError::NoSection`], [`ConfigError::DatabaseAddress`] and the errors
    /// of [`Connection::database_url`].
    pub(super) fn database(
        &self,
        dir: &Path,
        rails_env: &str,
        environment: Environment<'_>,
    ) -> Result<DatabaseUrl, ConfigError> {
        let from_environment = environment("DATABASE_URL").map(Zeroizing::new).filter(|url| !url.is_empty());
        let section = self.section(rails_env);
        if let Some(section) = section {
            let origin = format!("{}, section `{rails_env}`", self.path.display());
            let mut connection = section.clone();
            if let Some(url) = section.get("url") {
                connection.merge(Connection::from_address(url, &origin)?);
                return connection.database_url(dir, &origin);
            }
            if from_environment.is_none() {
                return connection.database_url(dir, &origin);
            }
        }
        let Some(url) = from_environment else {
            let file = self.path.clone();
            return Err(match self.sections {
                None => ConfigError::NoDatabaseFile { file },
                Some(_) => ConfigError::NoSection { file, environment: rails_env.to_owned() },
            });
        };
        let origin = "the environment variable DATABASE_URL";
        let mut connection = section.cloned().unwrap_or_default();
        connection.merge(Connection::from_address(&url, origin)?);
        connection.database_url(dir, origin)
    }

    fn section(&self, name: &str) -> Option<&Connection> {
        let section = self.sections.as_ref()?.get(name)?;
        let connection = section.primary.as_ref().unwrap_or(&section.connection);
        (!connection.values.is_empty()).then_some(connection)
    }
}

/// Parses YAML as Ruby does: the last of duplicate keys wins.
///
/// # Errors
/// [`ConfigError::Yaml`] with the position only: the parser's message quotes the file, including passwords.
pub(super) fn from_yaml<'a, T: Deserialize<'a>>(text: &'a str, file: &Path) -> Result<T, ConfigError> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let location = error.location();
        ConfigError::Yaml {
            file: file.to_owned(),
            line: location.map_or(0, |location| location.line()),
            column: location.map_or(0, |location| location.column()),
        }
    })
}

/// All sections by name.
#[derive(Default)]
struct Sections(BTreeMap<String, Section>);

/// One section. `primary` is set when a pod describes several databases in Rails's way.
#[derive(Default)]
struct Section {
    connection: Connection,
    primary: Option<Connection>,
}

impl<'de> Deserialize<'de> for Sections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SectionsVisitor)
    }
}

struct SectionsVisitor;

impl<'de> Visitor<'de> for SectionsVisitor {
    type Value = Sections;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("sections named after environments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sections, A::Error> {
        let mut sections = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            sections.insert(name, map.next_value()?);
        }
        Ok(Sections(sections))
    }

    // An empty file, or one that contains only comments.
    fn visit_unit<E>(self) -> Result<Sections, E> {
        Ok(Sections::default())
    }
}

impl<'de> Deserialize<'de> for Section {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SectionVisitor)
    }
}

struct SectionVisitor;

impl<'de> Visitor<'de> for SectionVisitor {
    type Value = Section;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the settings of one database")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Section, A::Error> {
        let mut section = Section::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "primary" {
                section.primary = Some(map.next_value::<Section>()?.connection);
            } else if KEYS.contains(&key.as_str()) {
                // Read as text, so that a password like 0123 or 1e5 is not changed.
                match map.next_value::<Option<String>>()? {
                    Some(value) => section.connection.values.insert(key, Zeroizing::new(value)),
                    None => section.connection.values.remove(&key),
                };
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(section)
    }

    // Values that are not sections are ignored.
    fn visit_unit<E>(self) -> Result<Section, E> {
        Ok(Section::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Section, E> {
        Ok(Section::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Section, E> {
        Ok(Section::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Section, E> {
        Ok(Section::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Section, E> {
        Ok(Section::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Section, E> {
        Ok(Section::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Section, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Section::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The structure of the file that diaspora* ships: anchors and merge keys, three levels deep.
    const STOCK: &str = r#"
pg: &pg
  adapter: postgresql
  host: "localhost"
  port: 5432
  username: "diaspora"
  password: "hunter2"
  encoding: unicode

my: &my
  adapter: mysql2
  host: "localhost"
  username: "root"
  password: "hunter2"
  encoding: utf8mb4
  collation: utf8mb4_bin

chosen: &chosen
  <<: *pg
  #<<: *my
  #pool: 25

all: &all
  <<: *chosen
development:
  <<: *all
  database: diaspora_development
production:
  <<: *all
  database: diaspora_production
test:
  <<: *all
  database: diaspora_test
"#;

    fn no_variables(_: &str) -> Option<String> {
        None
    }

    fn read(text: &str, environment: Environment<'_>) -> Result<DatabaseFile, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("config")).unwrap();
        std::fs::write(dir.path().join("config/database.yml"), text).unwrap();
        DatabaseFile::read(dir.path(), environment)
    }

    fn address(text: &str, rails_env: &str, environment: Environment<'_>) -> Result<String, ConfigError> {
        let url = read(text, environment)?.database(Path::new("/srv/diaspora"), rails_env, environment)?;
        Ok(url.expose().to_owned())
    }

    #[test]
    fn resolves_the_anchors_of_the_stock_file() {
        for name in ["development", "production", "test"] {
            let expected = format!("postgres://diaspora:hunter2@localhost:5432/diaspora_{name}");
            assert_eq!(address(STOCK, name, &no_variables).unwrap(), expected);
        }
        let mysql = STOCK.replace("<<: *pg", "#<<: *pg").replace("#<<: *my", "<<: *my");
        // For `localhost`, the result depends on the machine's sockets.
        let mysql = mysql.replace("localhost", "127.0.0.1");
        let expected = "mysql://root:hunter2@127.0.0.1/diaspora_production";
        assert_eq!(address(&mysql, "production", &no_variables).unwrap(), expected);
    }

    #[test]
    fn own_keys_win_over_merged_ones() {
        let text = STOCK.replace("diaspora_production", "x\n  password:\n  host: /run/pg\n  database: y");
        let expected = "postgres://diaspora@%2Frun%2Fpg:5432/y";
        assert_eq!(address(&text, "production", &no_variables).unwrap(), expected);
        let lists = "a: &a {adapter: mysql2, host: h}\nb: &b {database: d}\nproduction:\n  <<: [*a, *b]\n";
        assert_eq!(address(lists, "production", &no_variables).unwrap(), "mysql://h/d");
    }

    #[test]
    fn keeps_passwords_that_look_like_other_types() {
        for (written, encoded) in [
            ("0123", "0123"),
            ("1e5", "1e5"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("yes", "yes"),
            ("'a: b # c'", "a%3A%20b%20%23%20c"),
            (r#""t\tq\"""#, "t%09q%22"),
            ("p%40", "p%2540"),
        ] {
            let text = format!(
                "production: {{}}\nproduction:\n  adapter: postgresql\n  host: h\n  username: u\n  \
                 password: {written}\n  database: d\n"
            );
            let expected = format!("postgres://u:{encoded}@h/d");
            assert_eq!(address(&text, "production", &no_variables).unwrap(), expected);
        }
    }

    #[test]
    fn ignores_other_keys_and_sections() {
        let text = "list: [1, 2]\nnull_one:\ntext: x\nnumber: 1.5\nflag: true\nproduction:\n  primary:\n    \
                    adapter: postgresql\n    database: d\n    variables: {statement_timeout: 5000}\n  \
                    cache:\n    adapter: sqlite3\n";
        assert_eq!(address(text, "production", &no_variables).unwrap(), "postgres:///d");
        for section in ["list", "null_one", "text", "number", "flag", "absent"] {
            let error = address(text, section, &no_variables).unwrap_err();
            assert!(matches!(error, ConfigError::NoSection { .. }), "{section}: {error}");
        }
        assert!(matches!(
            address("# empty\n", "production", &no_variables),
            Err(ConfigError::NoSection { .. })
        ));
    }

    #[test]
    fn resolves_erb_before_yaml() {
        let text = "production:\n  adapter: postgresql\n  database: <%= ENV.fetch('DB', 'diaspora') %>\n  \
                    password: \"<%= ENV['PASS'] %>\"\n  username: u\n  pool: <%= ENV.fetch('N') { 5 } %>\n";
        let environment = |name: &str| (name == "PASS").then(|| "hunter2".to_owned());
        let expected = "postgres:///diaspora?user=u&password=hunter2";
        assert_eq!(address(text, "production", &environment).unwrap(), expected);
    }

    #[test]
    fn merges_addresses_as_rails_does() {
        let variable = |name: &str| {
            (name == "DATABASE_URL").then(|| "postgresql://other@db.example/elsewhere".to_owned())
        };
        // The section provides the values that the address omits.
        let expected = "postgres://other:hunter2@db.example:5432/elsewhere";
        assert_eq!(address(STOCK, "production", &variable).unwrap(), expected);
        assert_eq!(
            address("a: {}", "production", &variable).unwrap(),
            "postgres://other@db.example/elsewhere"
        );
        // A url in the section overrides the section's other keys and the variable.
        let text = STOCK.replace("diaspora_production", "d\n  url: mysql2://u:p@h:3307/e");
        assert_eq!(address(&text, "production", &variable).unwrap(), "mysql://u:p@h:3307/e");
        // An empty variable counts as unset.
        let empty = |_: &str| Some(String::new());
        assert!(address(STOCK, "production", &empty).unwrap().ends_with("diaspora_production"));
        let broken = |_: &str| Some("postgres//u:hunter3@h/d".to_owned());
        let error = address(STOCK, "production", &broken).unwrap_err();
        assert!(matches!(error, ConfigError::DatabaseAddress { .. }), "{error}");
        assert!(
            error.to_string().contains("DATABASE_URL") && !format!("{error}{error:?}").contains("hunter")
        );
    }

    #[test]
    fn yaml_errors_have_a_position_but_no_password() {
        for text in [
            "production:\n  adapter: postgresql\n  password: \"hunter2\n",
            "production:\n  adapter: postgresql\n\tpassword: hunter2\n",
            "production:\n  <<: *hunter2\n",
            "production:\n  password: [hunter2]\n",
            "production: {password: hunter2\n",
            "- hunter2\n",
            "production:\n  password: hunter2: x\n",
        ] {
            let error = read(text, &no_variables).err().unwrap_or_else(|| panic!("accepted {text}"));
            assert!(matches!(error, ConfigError::Yaml { .. }), "{text}: {error}");
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("database.yml") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
