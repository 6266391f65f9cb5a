//! `config/diaspora.toml`, or `config/diaspora.yml` on older pods, and the environment variables that override them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::database_file::from_yaml;
use super::{ConfigError, Environment, file};

/// A pod's settings, looked up as diaspora* does.
///
/// No `Debug`: the files contain mail and S3 passwords.
pub(super) struct Settings<'a> {
    path: PathBuf,
    tree: Tree,
    environment: Environment<'a>,
}

impl<'a> Settings<'a> {
    /// Reads `diaspora.toml`, else `diaspora.yml`, in the pod's folder `dir`.
    ///
    /// A pod may be configured by environment variables only and have neither file; `ENVIRONMENT_URL` is then
    /// required.
    ///
    /// # Errors
    /// See [`file::read`]; [`ConfigError::Toml`], [`ConfigError::Yaml`] when the file is malformed;
    /// [`ConfigError::NoSettingsFile`].
    pub(super) fn read(dir: &Path, environment: Environment<'a>) -> Result<Self, ConfigError> {
        let folder = dir.join("config");
        let path = folder.join("diaspora.toml");
        if let Some(text) = file::read(&path)? {
            let tree = toml::from_str(&text).map_err(|error| toml_error(&text, &path, &error))?;
            return Ok(Self { path, tree, environment });
        }
        let yaml = folder.join("diaspora.yml");
        if let Some(text) = file::read(&yaml)? {
            let tree = from_yaml(&text, &yaml)?;
            return Ok(Self { path: yaml, tree, environment });
        }
        if environment("ENVIRONMENT_URL").is_none() {
            return Err(ConfigError::NoSettingsFile { folder });
        }
        Ok(Self { path, tree: Tree::Null, environment })
    }

    /// Returns the path of the file that was read, or would have been.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a setting such as `["environment", "s3", "bucket"]`: from the environment variable
    /// (`ENVIRONMENT_S3_BUCKET`), else from the section of `rails_env`, else from `configuration`. As in diaspora*,
    /// an empty text and `nil` count as unset.
    pub(super) fn get(&self, rails_env: &str, path: &[&str]) -> Option<String> {
        (self.environment)(&path.join("_").to_ascii_uppercase())
            .or_else(|| self.tree.leaf(rails_env, path))
            .or_else(|| self.tree.leaf("configuration", path))
            .map(|value| value.trim().to_owned())
            .filter(|value| !matches!(value.as_str(), "" | "nil"))
    }

    /// Returns a setting that is a list of names, such as `["settings", "username_blacklist"]`. Environment variables
    /// separate them with commas.
    pub(super) fn list(&self, rails_env: &str, path: &[&str]) -> Option<Vec<String>> {
        let variable = (self.environment)(&path.join("_").to_ascii_uppercase())
            .filter(|value| !value.trim().is_empty())
            .map(|value| value.split(',').map(str::to_owned).collect());
        let names: Vec<String> = variable
            .or_else(|| self.tree.list(rails_env, path))
            .or_else(|| self.tree.list("configuration", path))?;
        Some(names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
    }

    /// Returns a boolean setting. As in diaspora*, every value except `false` is true.
    pub(super) fn enabled(&self, rails_env: &str, path: &[&str], default: bool) -> bool {
        self.get(rails_env, path).map_or(default, |value| value != "false")
    }
}

/// Converts a parser error. Its `Display` shows the line, which may contain a password; its message does not.
fn toml_error(text: &str, file: &Path, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    ConfigError::Toml { file: file.to_owned(), line, reason: error.message().to_owned() }
}

/// A tree of settings, from TOML or YAML.
enum Tree {
    Branch(BTreeMap<String, Tree>),
    Leaf(String),
    List(Vec<Tree>),
    Null,
}

impl Tree {
    fn find(&self, section: &str, path: &[&str]) -> Option<&Self> {
        let mut tree = self;
        for name in [section].iter().chain(path) {
            let Self::Branch(children) = tree else { return None };
            tree = children.get(*name)?;
        }
        Some(tree)
    }

    fn leaf(&self, section: &str, path: &[&str]) -> Option<String> {
        match self.find(section, path)? {
            Self::Leaf(value) => Some(value.clone()),
            Self::Branch(_) | Self::List(_) | Self::Null => None,
        }
    }

    fn list(&self, section: &str, path: &[&str]) -> Option<Vec<String>> {
        let leaf = |tree: &Self| if let Self::Leaf(value) = tree { Some(value.clone()) } else { None };
        match self.find(section, path)? {
            Self::List(values) => Some(values.iter().filter_map(leaf).collect()),
            other => leaf(other).map(|value| vec![value]),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut children = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            children.insert(name, map.next_value()?);
        }
        Ok(Tree::Branch(children))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Tree::List(values))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: [&str; 2] = ["environment", "url"];
    const S3: [&str; 3] = ["environment", "s3", "enable"];

    fn no_variables(_: &str) -> Option<String> {
        None
    }

    fn read<'a>(files: &[(&str, &str)], environment: Environment<'a>) -> Result<Settings<'a>, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("config")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join("config").join(name), text).unwrap();
        }
        Settings::read(dir.path(), environment)
    }

    const TOML: &str = r#"
## Comments as in the stock file
[configuration.environment]
url = "https://pod.example/"
certificate_authorities = "/etc/ssl/certs/ca-certificates.crt"
#require_ssl = true
[configuration.environment.s3]
enable = false
[configuration.settings]
source_urls = ["a", "b"]
[configuration.server]
rails_environment = "production"
[production.environment]
s3.enable = true
[development.environment]
url = "http://localhost:3000/"
"#;

    #[test]
    fn the_section_of_the_environment_comes_first() {
        let settings = read(&[("diaspora.toml", TOML)], &no_variables).unwrap();
        assert_eq!(settings.get("production", &URL).unwrap(), "https://pod.example/");
        assert_eq!(settings.get("development", &URL).unwrap(), "http://localhost:3000/");
        assert!(settings.enabled("production", &S3, false));
        assert!(!settings.enabled("development", &S3, true));
        assert!(settings.enabled("production", &["environment", "require_ssl"], true));
        assert_eq!(settings.get("production", &["settings", "source_urls"]), None);
        assert_eq!(settings.get("production", &["environment"]), None);
        assert_eq!(settings.get("production", &["environment", "url", "deeper"]), None);
    }

    #[test]
    fn lists_have_the_same_sources_as_single_settings() {
        const NAMES: [&str; 2] = ["settings", "names"];
        let toml = "[configuration.settings]\nnames = [\"a\", \" b \", \"\", 3, [\"x\"]]\nsingle = \"c\"\n\
                    [test.settings]\nnames = []\n";
        let settings = read(&[("diaspora.toml", toml)], &no_variables).unwrap();
        assert_eq!(settings.list("production", &NAMES).unwrap(), ["a", "b", "3"]);
        assert_eq!(settings.list("test", &NAMES).unwrap(), [""; 0]);
        assert_eq!(settings.list("production", &["settings", "single"]).unwrap(), ["c"]);
        assert_eq!(settings.list("production", &["settings", "none"]), None);
        let yaml = "configuration:\n  settings:\n    names:\n      - 'd'\n      - e\n";
        let settings = read(&[("diaspora.yml", yaml)], &no_variables).unwrap();
        assert_eq!(settings.list("production", &NAMES).unwrap(), ["d", "e"]);
        let variables = |name: &str| (name == "SETTINGS_NAMES").then(|| "f, g".to_owned());
        let settings = read(&[("diaspora.yml", yaml)], &variables).unwrap();
        assert_eq!(settings.list("production", &NAMES).unwrap(), ["f", "g"]);
    }

    #[test]
    fn the_old_yaml_file_has_the_same_tree() {
        let yaml = "configuration: ## comment\n  environment: ## comment\n    \
                    url: \"https://old.example/\"\n    require_ssl: no\n    s3:\n      enable: yes\n      \
                    bucket:\n    number: 12\n    \
                    float: 1.5\nproduction:\n  environment:\n  #  redis: x\n";
        let settings = read(&[("diaspora.yml", yaml)], &no_variables).unwrap();
        assert_eq!(settings.get("production", &URL).unwrap(), "https://old.example/");
        assert!(settings.enabled("production", &S3, false));
        assert!(!settings.enabled("production", &["environment", "require_ssl"], true));
        assert_eq!(settings.get("production", &["environment", "s3", "bucket"]), None);
        assert_eq!(settings.get("production", &["environment", "number"]).unwrap(), "12");
        // The newer file wins when both exist.
        let settings = read(&[("diaspora.yml", yaml), ("diaspora.toml", TOML)], &no_variables).unwrap();
        assert_eq!(settings.get("production", &URL).unwrap(), "https://pod.example/");
    }

    #[test]
    fn environment_variables_win() {
        let environment = |name: &str| match name {
            "ENVIRONMENT_URL" => Some(" https://env.example/ ".to_owned()),
            "ENVIRONMENT_S3_ENABLE" => Some("false".to_owned()),
            "SERVER_RAILS_ENVIRONMENT" => Some("nil".to_owned()),
            _ => None,
        };
        for files in [&[("diaspora.toml", TOML)] as &[_], &[]] {
            let settings = read(files, &environment).unwrap();
            assert_eq!(settings.get("production", &URL).unwrap(), "https://env.example/");
            assert!(!settings.enabled("production", &S3, true));
            assert_eq!(settings.get("configuration", &["server", "rails_environment"]), None);
        }
    }

    #[test]
    fn errors_have_a_position_but_no_secret() {
        for (name, text) in [
            ("diaspora.toml", "[configuration.environment]\nurl = \"x\"\nsecret = hunter2\n"),
            ("diaspora.toml", "[configuration.environment]\nurl = \"x\"\nsecret = \"hunter2\n"),
            ("diaspora.toml", "[configuration.environment]\nurl = \"x\"\n\"hunter2\" \"hunter2\"\n"),
            ("diaspora.toml", "[configuration.environment]\nurl = \"x\"\nsecret = \"\\hunter2\"\n"),
            ("diaspora.yml", "configuration:\n  mail:\n    password: \"hunter2\n"),
        ] {
            let error = read(&[(name, text)], &no_variables).err().unwrap();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(name) && shown.contains("line 3") || name.ends_with("yml"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(matches!(error, ConfigError::Toml { line: 3, .. } | ConfigError::Yaml { .. }), "{shown}");
        }
        assert!(matches!(read(&[], &no_variables), Err(ConfigError::NoSettingsFile { .. })));
    }
}
