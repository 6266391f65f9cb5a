//! A pod's configuration, read from the files in its folder.

use std::path::{Path, PathBuf};

use super::database_file::DatabaseFile;
use super::settings::Settings;
use super::{ConfigError, PodUrl, S3Settings};
use crate::environment::Environment;
use crate::sql::DatabaseUrl;

/// A pod's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodConfig {
    /// The pod's database.
    pub database: DatabaseUrl,
    /// The pod's own address.
    pub url: PodUrl,
    /// Location of uploaded photos.
    pub uploads: Uploads,
    /// Reserved usernames.
    pub reserved_names: Vec<String>,
    /// The podmin's e-mail address (`admins.podmin_email`), if set.
    pub podmin_email: Option<String>,
}

/// Returns the usernames that diaspora* reserves by default (`settings.username_blacklist`).
pub fn reserved_names() -> Vec<String> {
    let names = "admin administrator hostmaster info postmaster root ssladmin ssladministrator sslwebmaster sysadmin \
                 webmaster support contact";
    names.split_whitespace().map(str::to_owned).collect()
}

/// Location of uploaded photos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploads {
    /// The folder that contains `images/`.
    Folder(PathBuf),
    /// A bucket.
    S3(Box<S3Settings>),
}

impl Uploads {
    /// Parses the value of `--uploads`: a folder, or `s3://BUCKET[/PREFIX]` with the rest in the environment.
    ///
    /// # Errors
    /// See [`S3Settings::from_address`].
    pub fn parse(location: &Path, environment: Environment<'_>) -> Result<Self, ConfigError> {
        match location.to_str().and_then(|text| text.strip_prefix("s3://")) {
            Some(address) => Ok(Self::S3(Box::new(S3Settings::from_address(address, environment)?))),
            None => Ok(Self::Folder(location.to_owned())),
        }
    }
}

/// Reads the configuration of the pod installed in `dir`. Opens no connection and changes nothing.
///
/// # Errors
/// A [`ConfigError`] that names the file and the fix: when the folder is not a pod, a file is missing, unreadable,
/// too large or malformed, or a required setting is missing.
pub fn read_pod_directory(dir: &Path, environment: Environment<'_>) -> Result<PodConfig, ConfigError> {
    if !dir.is_dir() {
        return Err(ConfigError::NoFolder { dir: dir.to_owned() });
    }
    if !dir.join("config").is_dir() {
        return Err(ConfigError::NotAPod { dir: dir.to_owned() });
    }
    let database_file = DatabaseFile::read(dir, environment)?;
    let settings = Settings::read(dir, environment)?;
    let rails_env = rails_environment(&database_file, &settings, environment);
    Ok(PodConfig {
        database: database_file.database(dir, &rails_env, environment)?,
        url: pod_url(&settings, &rails_env)?,
        uploads: uploads(dir, &settings, &rails_env, environment)?,
        reserved_names: settings
            .list(&rails_env, &["settings", "username_blacklist"])
            .unwrap_or_else(reserved_names),
        podmin_email: settings
            .get(&rails_env, &["admins", "podmin_email"])
            .filter(|email| email.contains('@')),
    })
}

/// Determines the environment that the pod runs in.
///
/// With neither `RAILS_ENV` nor `RACK_ENV` set, diaspora*'s own commands use development. On a pod's machine, though,
/// the service sets `RAILS_ENV` while the podmin's shell or a cron job often lacks it, and the empty development
/// database would look like a pod without accounts. So the setting of diaspora*'s start script comes first, then
/// production if the file describes it; only a developer's machine has none of these.
fn rails_environment(
    database_file: &DatabaseFile,
    settings: &Settings<'_>,
    environment: Environment<'_>,
) -> String {
    let variable =
        |name| environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    variable("RAILS_ENV")
        .or_else(|| variable("RACK_ENV"))
        .or_else(|| settings.get("configuration", &["server", "rails_environment"]))
        .unwrap_or_else(|| {
            // Without the file, DATABASE_URL describes the database, as on hosted production pods.
            let is_production = database_file.describes("production") || !database_file.exists();
            if is_production { "production" } else { "development" }.to_owned()
        })
}

fn pod_url(settings: &Settings<'_>, rails_env: &str) -> Result<PodUrl, ConfigError> {
    // diaspora*'s defaults. For production, diaspora* uses localhost as well, but no federating pod can have that
    // address, and a wrong one would end up in every archive.
    let (fallback, requires_ssl) = match rails_env {
        "development" => (Some("http://localhost:3000/"), false),
        "test" => (Some("http://localhost:9887/"), false),
        _ => (None, true),
    };
    let address = settings
        .get(rails_env, &["environment", "url"])
        .or_else(|| fallback.map(str::to_owned))
        .ok_or_else(|| ConfigError::NoUrl { file: settings.path().to_owned() })?;
    let requires_ssl = settings.enabled(rails_env, &["environment", "require_ssl"], requires_ssl);
    PodUrl::from_setting(&address, requires_ssl)
}

fn uploads(
    dir: &Path,
    settings: &Settings<'_>,
    rails_env: &str,
    environment: Environment<'_>,
) -> Result<Uploads, ConfigError> {
    if !settings.enabled(rails_env, &["environment", "s3", "enable"], false) {
        return Ok(Uploads::Folder(dir.join("public").join("uploads")));
    }
    Ok(Uploads::S3(Box::new(S3Settings::from_settings(settings, rails_env, environment)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str = "all: &all\n  adapter: postgresql\n  host: localhost\n  username: dia\n  \
                            password: hunter2\n\
                            development:\n  <<: *all\n  database: diaspora_development\n\
                            production:\n  <<: *all\n  database: diaspora_production\n";
    const SETTINGS: &str = "[configuration.environment]\nurl = \"http://www.pod.example\"\n";

    struct Pod(tempfile::TempDir);

    impl Pod {
        fn new(files: &[(&str, &str)]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("config")).unwrap();
            for (name, text) in files {
                std::fs::write(dir.path().join("config").join(name), text).unwrap();
            }
            Self(dir)
        }

        fn read(&self, variables: &[(&str, &str)]) -> Result<PodConfig, ConfigError> {
            let environment = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            read_pod_directory(self.0.path(), &environment)
        }

        fn database(&self, variables: &[(&str, &str)]) -> String {
            self.read(variables).unwrap().database.to_string()
        }
    }

    fn stock() -> Pod {
        Pod::new(&[("database.yml", DATABASE), ("diaspora.toml", SETTINGS)])
    }

    #[test]
    fn reads_a_pod() {
        let pod = stock();
        let config = pod.read(&[]).unwrap();
        assert_eq!(config.database.expose(), "postgres://dia:hunter2@localhost/diaspora_production");
        assert_eq!(config.url.as_str(), "https://www.pod.example/");
        assert_eq!(config.url.diaspora_host(), "pod.example");
        assert_eq!(config.uploads, Uploads::Folder(pod.0.path().join("public/uploads")));
        assert_eq!(config.podmin_email, None);
        let with_podmin =
            format!("{SETTINGS}[configuration.admins]\npodmin_email = \"podmin@pod.example\"\n");
        let pod = Pod::new(&[("database.yml", DATABASE), ("diaspora.toml", &with_podmin)]);
        assert_eq!(pod.read(&[]).unwrap().podmin_email.as_deref(), Some("podmin@pod.example"));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn chooses_the_environment() {
        let pod = stock();
        assert!(pod.database(&[("RAILS_ENV", "development")]).ends_with("/diaspora_development"));
        assert!(pod.database(&[("RACK_ENV", "development")]).ends_with("/diaspora_development"));
        let both = [("RAILS_ENV", "production"), ("RACK_ENV", "development")];
        assert!(pod.database(&both).ends_with("/diaspora_production"));
        assert!(pod.database(&[("RAILS_ENV", " ")]).ends_with("/diaspora_production"));

        let set = format!("{SETTINGS}[configuration.server]\nrails_environment = \"development\"\n");
        let pod = Pod::new(&[("database.yml", DATABASE), ("diaspora.toml", &set)]);
        assert!(pod.database(&[]).ends_with("/diaspora_development"));
        assert!(pod.database(&[("RAILS_ENV", "production")]).ends_with("/diaspora_production"));

        let developer = DATABASE.replace("  database: diaspora_production\n", "");
        let pod = Pod::new(&[("database.yml", &developer), ("diaspora.toml", "")]);
        let config = pod.read(&[]).unwrap();
        assert!(config.database.to_string().ends_with("/diaspora_development"));
        // diaspora*'s own defaults, sufficient for development.
        assert_eq!(config.url.as_str(), "http://localhost:3000/");

        let error = stock().read(&[("RAILS_ENV", "staging")]).unwrap_err();
        assert!(
            matches!(&error, ConfigError::NoSection { environment, .. } if environment == "staging"),
            "{error}"
        );
    }

    #[test]
    fn environment_variables_are_enough() {
        let variables = [
            ("DATABASE_URL", "mysql2://u:hunter2@db/pod"),
            ("ENVIRONMENT_URL", "https://pod.example"),
            ("ENVIRONMENT_S3_ENABLE", "true"),
            ("ENVIRONMENT_S3_BUCKET", "pictures"),
            ("ENVIRONMENT_S3_REGION", "eu-central-1"),
            ("ENVIRONMENT_S3_KEY", "AKIA"),
            ("ENVIRONMENT_S3_SECRET", "hunter2"),
            ("ENVIRONMENT_S3_CACHE", "false"),
        ];
        let config = Pod::new(&[]).read(&variables).unwrap();
        assert_eq!(config.database.to_string(), "mysql://u:***@db/pod");
        assert_eq!(config.url.origin(), "https://pod.example");
        let Uploads::S3(s3) = &config.uploads else { panic!("{config:?}") };
        assert_eq!(
            (s3.access.bucket.as_str(), s3.access.region.as_str(), s3.cache),
            ("pictures", "eu-central-1", false)
        );
        assert_eq!(
            (s3.access.key.as_str(), s3.access.secret.as_str(), s3.prefix.as_str()),
            ("AKIA", "hunter2", "uploads")
        );
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn reads_s3_and_tls_settings() {
        let settings = "[configuration.environment]\nurl = \"http://pod.example\"\nrequire_ssl = false\n\
                        [configuration.environment.s3]\nenable = true\nkey = \"k\"\n\
                        secret = \"hunter2\"\nbucket = \"b\"\n";
        let pod = Pod::new(&[("database.yml", DATABASE), ("diaspora.toml", settings)]);
        let config = pod.read(&[]).unwrap();
        assert_eq!(config.url.as_str(), "http://pod.example/");
        let Uploads::S3(s3) = &config.uploads else { panic!("{config:?}") };
        assert_eq!(
            (s3.access.bucket.as_str(), s3.access.region.as_str(), s3.cache),
            ("b", "us-east-1", true)
        );
        assert_eq!(s3.access.endpoint, None);
        for (setting, bucket) in [("bucket", true), ("secret", false), ("key", false)] {
            let without = settings.replace(setting, "none");
            let pod = Pod::new(&[("database.yml", DATABASE), ("diaspora.toml", &without)]);
            let error = pod.read(&[]).unwrap_err();
            assert_eq!(matches!(error, ConfigError::NoBucket { .. }), bucket, "{error}");
            assert!(error.to_string().contains(setting), "{error}");
        }
    }

    #[test]
    fn missing_files_and_settings_are_reported() {
        let dir = tempfile::tempdir().unwrap();
        let error = read_pod_directory(dir.path(), &|_| None).unwrap_err();
        assert!(matches!(error, ConfigError::NotAPod { .. }), "{error}");

        let error = Pod::new(&[("diaspora.toml", SETTINGS)]).read(&[]).unwrap_err();
        assert!(matches!(error, ConfigError::NoDatabaseFile { .. }), "{error}");

        let error = Pod::new(&[("database.yml", DATABASE)]).read(&[]).unwrap_err();
        assert!(matches!(error, ConfigError::NoSettingsFile { .. }), "{error}");

        for settings in ["", "[configuration.environment]\nurl = \"\"\n"] {
            let pod = Pod::new(&[("database.yml", DATABASE), ("diaspora.toml", settings)]);
            let error = pod.read(&[]).unwrap_err();
            assert!(matches!(error, ConfigError::NoUrl { .. }), "{error}");
        }
        let pod = Pod::new(&[
            ("database.yml", DATABASE),
            ("diaspora.toml", "[configuration.environment]\nurl=\"https://\"\n"),
        ]);
        assert!(matches!(pod.read(&[]), Err(ConfigError::BadUrl { .. })));
    }
}
