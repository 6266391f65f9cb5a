//! Photos on S3: which bucket, and how to get in.

use std::fmt;
use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use super::settings::Settings;
use super::{ConfigError, Environment};

/// The folder that diaspora* puts `images/` into, on a disk and in a bucket alike.
const PREFIX: &str = "uploads";
/// Where a bucket is that says nothing else, for diaspora* and for Amazon.
const REGION: &str = "us-east-1";
/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// A bucket at Amazon S3 or a look-alike, with the keys to it.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket's name.
    pub bucket: String,
    /// What stands before `/images/NAME` in the keys; on every pod `uploads`.
    pub prefix: String,
    /// The bucket's region.
    pub region: String,
    /// The server, when it is not Amazon's; the bucket is the first part of the path there.
    pub endpoint: Option<Url>,
    /// The access key's name.
    pub key: String,
    /// The access key's secret.
    pub secret: Zeroizing<String>,
    /// What a temporary access key needs besides.
    pub token: Option<Zeroizing<String>>,
    /// Whether browsers are told to keep photos for a year (diaspora*'s `s3.cache`).
    pub cache: bool,
    /// How long the server may be silent before a request is tried again; after three times that long it is
    /// not.
    pub patience: Duration,
}

impl S3Settings {
    /// Reads `BUCKET[/PREFIX]`, and the rest from the environment as other programs for S3 do: `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`.
    ///
    /// # Errors
    /// [`ConfigError::BadBucket`], [`ConfigError::NoS3Key`] or [`ConfigError::BadEndpoint`].
    pub fn from_address(address: &str, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        let prefix = prefix.trim_matches('/');
        let variable = |name: &'static str| filled(environment, name);
        let place = "the environment";
        let needed =
            |name| variable(name).ok_or_else(|| ConfigError::NoS3Key { name, place: place.to_owned() });
        let settings = Self {
            bucket: bucket.to_owned(),
            prefix: if prefix.is_empty() { PREFIX } else { prefix }.to_owned(),
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .unwrap_or_else(|| REGION.to_owned()),
            endpoint: endpoint(environment)?,
            key: needed("AWS_ACCESS_KEY_ID")?,
            secret: Zeroizing::new(needed("AWS_SECRET_ACCESS_KEY")?),
            token: variable("AWS_SESSION_TOKEN").map(Zeroizing::new),
            cache: true,
            patience: PATIENCE,
        };
        settings.checked()
    }

    /// Reads `environment.s3`. diaspora* knows Amazon only; a server of another kind comes from the environment,
    /// as in [`from_address`](Self::from_address).
    ///
    /// # Errors
    /// [`ConfigError::NoBucket`], and as [`from_address`](Self::from_address).
    pub(super) fn from_settings(
        settings: &Settings<'_>,
        rails_env: &str,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let get = |name| settings.get(rails_env, &["environment", "s3", name]);
        let file = settings.path();
        let needed =
            |name| get(name).ok_or_else(|| ConfigError::NoS3Key { name, place: file.display().to_string() });
        let settings = Self {
            bucket: get("bucket").ok_or_else(|| ConfigError::NoBucket { file: file.to_owned() })?,
            prefix: PREFIX.to_owned(),
            region: get("region").unwrap_or_else(|| REGION.to_owned()),
            endpoint: endpoint(environment)?,
            key: needed("key")?,
            secret: Zeroizing::new(needed("secret")?),
            token: None,
            cache: settings.enabled(rails_env, &["environment", "s3", "cache"], true),
            patience: PATIENCE,
        };
        settings.checked()
    }

    /// What stands in an address as it is must not lead elsewhere.
    fn checked(self) -> Result<Self, ConfigError> {
        let plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
                && !text.is_empty()
                && !matches!(text, "." | "..")
        };
        if plain(&self.bucket) && plain(&self.region) && self.prefix.split('/').all(plain) {
            Ok(self)
        } else {
            Err(ConfigError::BadBucket { bucket: format!("{}/{}", self.bucket, self.prefix) })
        }
    }

    /// Where browsers find the photos, ending in `/`: what diaspora* 0.9 writes into `remote_photo_path`. Bucket
    /// names that cannot stand in a certificate's host name stand in the path.
    pub fn public_address(&self) -> String {
        let Self { bucket, prefix, region, .. } = self;
        if let Some(endpoint) = &self.endpoint {
            return format!("{}/{bucket}/{prefix}/images/", endpoint.as_str().trim_end_matches('/'));
        }
        let host = if region == REGION {
            "s3.amazonaws.com".to_owned()
        } else {
            format!("s3.{region}.amazonaws.com")
        };
        if is_host_label(bucket) {
            format!("https://{bucket}.{host}/{prefix}/images/")
        } else {
            format!("https://{host}/{bucket}/{prefix}/images/")
        }
    }
}

/// Without what would let somebody in.
impl fmt::Debug for S3Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3Settings")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_ref().map(Url::as_str))
            .finish_non_exhaustive()
    }
}

/// For people.
impl fmt::Display for S3Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}/images", self.bucket, self.prefix)?;
        match &self.endpoint {
            Some(endpoint) => write!(formatter, " at {}", endpoint.as_str().trim_end_matches('/')),
            None => write!(formatter, " in {}", self.region),
        }
    }
}

/// Lower-case letters, digits and hyphens, 3 to 63 of them, neither beginning nor ending with a hyphen, and not
/// what could be taken for an address in numbers.
fn is_host_label(bucket: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let number = bucket.bytes().all(|byte| byte.is_ascii_digit()) && (4..=12).contains(&bucket.len());
    (3..=63).contains(&bucket.len())
        && bucket.bytes().all(good)
        && !bucket.starts_with('-')
        && !bucket.ends_with('-')
        && !number
}

fn filled(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn endpoint(environment: Environment<'_>) -> Result<Option<Url>, ConfigError> {
    let address =
        filled(environment, "AWS_ENDPOINT_URL_S3").or_else(|| filled(environment, "AWS_ENDPOINT_URL"));
    let Some(address) = address else { return Ok(None) };
    let url = Url::parse(&address).map_err(|_| ConfigError::BadEndpoint("it is no address"))?;
    let allow_http = filled(environment, "AWS_ALLOW_HTTP").is_some_and(|value| {
        matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on" | "y")
    });
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => {
            let reason = "over plain http everybody on the way sees the photos; if that is all right, set \
                          AWS_ALLOW_HTTP=true";
            return Err(ConfigError::BadEndpoint(reason));
        }
        _ => return Err(ConfigError::BadEndpoint("it is neither http nor https")),
    }
    if url.host_str().is_none() || url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::BadEndpoint("it is not scheme, host and port"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::BadEndpoint("it holds a user name or password; set AWS_ACCESS_KEY_ID"));
    }
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str, more: &[(&str, &str)]) -> Result<S3Settings, ConfigError> {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
        let environment = |name: &str| {
            let all = more.iter().chain(&keys);
            all.clone().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        S3Settings::from_address(address, &environment)
    }

    #[test]
    fn photos_are_where_diaspora_says() {
        let address =
            |bucket: &str, region| read(bucket, &[("AWS_REGION", region)]).unwrap().public_address();
        assert_eq!(address("pictures", ""), "https://pictures.s3.amazonaws.com/uploads/images/");
        assert_eq!(address("pictures", "us-east-1"), "https://pictures.s3.amazonaws.com/uploads/images/");
        assert_eq!(
            address("pictures", "eu-west-1"),
            "https://pictures.s3.eu-west-1.amazonaws.com/uploads/images/"
        );
        for bucket in ["my.pictures", "Pictures", "my_pictures", "127001", "-ab", "ab-"] {
            let expected = format!("https://s3.eu-west-1.amazonaws.com/{bucket}/uploads/images/");
            assert_eq!(address(bucket, "eu-west-1"), expected);
        }
        let own = read("b/old/uploads/", &[("AWS_ENDPOINT_URL", "https://s3.example:9000/")]).unwrap();
        assert_eq!(own.public_address(), "https://s3.example:9000/b/old/uploads/images/");
        assert_eq!(own.to_string(), "s3://b/old/uploads/images at https://s3.example:9000");
    }

    #[test]
    fn the_environment_says_the_rest() {
        let settings =
            read("b", &[("AWS_DEFAULT_REGION", "eu-north-1"), ("AWS_SESSION_TOKEN", "hunter3")]).unwrap();
        assert_eq!((settings.prefix.as_str(), settings.region.as_str()), ("uploads", "eu-north-1"));
        assert_eq!(settings.token.as_ref().unwrap().as_str(), "hunter3");
        let shown = format!("{settings:?} {settings}");
        assert!(!shown.contains("hunter") && !shown.contains("AKIA"), "{shown}");
        let missing = read("b", &[("AWS_SECRET_ACCESS_KEY", " ")]).unwrap_err();
        assert!(missing.to_string().contains("AWS_SECRET_ACCESS_KEY"), "{missing}");
    }

    #[test]
    fn nothing_leads_elsewhere() {
        for address in ["", "a b", "b/../c", "b/a//c", "b?x", "..", "b/ä", "a@b", "b/x#y"] {
            assert!(matches!(read(address, &[]), Err(ConfigError::BadBucket { .. })), "{address}");
        }
        assert!(read("b", &[("AWS_REGION", "x/y")]).is_err());
        let plain = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000");
        assert!(matches!(read("b", &[plain]), Err(ConfigError::BadEndpoint(_))));
        assert!(matches!(read("b", &[plain, ("AWS_ALLOW_HTTP", "false")]), Err(ConfigError::BadEndpoint(_))));
        assert!(read("b", &[plain, ("AWS_ALLOW_HTTP", "true")]).is_ok());
        for endpoint in ["s3.example", "ftp://x", "https://u:hunter2@s3.example", "https://s3.example/?x"] {
            let error = read("b", &[("AWS_ENDPOINT_URL", endpoint)]).unwrap_err();
            assert!(matches!(error, ConfigError::BadEndpoint(_)), "{endpoint}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
