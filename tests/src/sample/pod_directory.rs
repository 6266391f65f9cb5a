//! The files a podmin's tool finds on a pod's machine.

use std::fs;
use std::path::Path;

use url::Url;

use super::build_photos::file_error;
use super::{POD_URL, SampleError};

/// Writes `config/database.yml` and `config/diaspora.toml` under `directory` and makes
/// `public/uploads`. The pod's database is at `database`.
///
/// The YAML has the shape of diaspora*'s own example, with aliases and merge keys, because that
/// is what podmins have. A SQLite database is something only sample pods have.
///
/// # Errors
/// When a file cannot be written or the address is not one of a known database.
pub fn write_pod_directory(directory: &Path, database: &str) -> Result<(), SampleError> {
    for folder in ["config", "public/uploads/images"] {
        let path = directory.join(folder);
        fs::create_dir_all(&path).map_err(|source| file_error(&path, source))?;
    }
    write(&directory.join("config/database.yml"), &database_yml(database)?)?;
    write(&directory.join("config/diaspora.toml"), &diaspora_toml())
}

fn write(path: &Path, text: &str) -> Result<(), SampleError> {
    fs::write(path, text).map_err(|source| file_error(path, source))
}

fn database_yml(database: &str) -> Result<String, SampleError> {
    if let Some(file) = database.strip_prefix("sqlite:") {
        let file = quoted(file.trim_start_matches("//").split('?').next().unwrap_or_default());
        return Ok(format!(
            "# A sample pod; real pods have PostgreSQL or MariaDB.\n\
             common: &common\n  adapter: sqlite3\n\n\
             combined: &combined\n  <<: *common\n\n\
             production:\n  <<: *combined\n  database: {file}\n"
        ));
    }
    let broken = || SampleError::Address(database.to_owned());
    let url = Url::parse(database).map_err(|_| broken())?;
    let (name, adapter, port, coding) = match url.scheme() {
        "postgres" | "postgresql" => ("postgresql", "postgresql", 5432, "  encoding: unicode\n"),
        "mysql" | "mariadb" => ("mysql", "mysql2", 3306, "  encoding: utf8mb4\n  collation: utf8mb4_bin\n"),
        _ => return Err(broken()),
    };
    let host = quoted(url.host_str().ok_or_else(broken)?);
    let port = url.port().unwrap_or(port);
    let user = quoted(url.username());
    let password = quoted(url.password().unwrap_or_default());
    let table = quoted(url.path().trim_start_matches('/'));
    Ok(format!(
        "{name}: &{name}\n  adapter: {adapter}\n  host: {host}\n  port: {port}\n  username: {user}\n  \
         password: {password}\n{coding}\n\
         common: &common\n  <<: *{name}\n\n\
         combined: &combined\n  <<: *common\n\n\
         development:\n  <<: *combined\n  database: nobody_has_this\n\
         production:\n  <<: *combined\n  database: {table}\n"
    ))
}

/// A YAML string in double quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn diaspora_toml() -> String {
    format!(
        "[configuration.environment]\n\
         url = \"{POD_URL}\"\n\
         certificate_authorities = \"/etc/ssl/certs/ca-certificates.crt\"\n\
         require_ssl = true\n\n\
         [configuration.environment.s3]\n\
         #enable = true\n\n\
         [configuration.server]\n\
         listen = \"unix:tmp/diaspora.sock\"\n\
         rails_environment = \"production\"\n\n\
         [configuration.settings]\n\
         pod_name = \"The sample pod\"\n\n\
         [configuration.mail]\n\
         enable = true\n\
         sender_address = \"no-reply@closing.example\"\n\
         method = \"smtp\"\n\n\
         [configuration.mail.smtp]\n\
         host = \"127.0.0.1\"\n\
         port = 2525\n\
         authentication = \"none\"\n\
         starttls_auto = false\n\n\
         [configuration.admins]\n\
         account = \"greta\"\n\
         podmin_email = \"greta@mail.example\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_makes_a_database_yml() {
        let sqlite = database_yml("sqlite:/a/b \"c\"/db.sqlite3?mode=rwc").unwrap();
        assert!(sqlite.contains(r#"database: "/a/b \"c\"/db.sqlite3""#), "{sqlite}");
        let postgres = database_yml("postgres://postgres@127.0.0.1:5433/pod").unwrap();
        assert!(postgres.contains("port: 5433") && postgres.contains("database: \"pod\""), "{postgres}");
        assert!(database_yml("mysql://root@127.0.0.1/pod").unwrap().contains("adapter: mysql2"));
        assert!(database_yml("oracle://x/y").is_err());
    }
}
