//! Photos on S3: bucket and credentials.

use std::fmt;

use super::settings::Settings;
use super::{ConfigError, Environment};
use crate::s3::{REGION, S3Access, S3AccessError};

/// The folder that contains `images/`, on a disk and in a bucket alike.
const PREFIX: &str = "uploads";

/// A bucket that contains photos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket and its credentials.
    pub access: S3Access,
    /// Prefix of the keys before `/images/NAME`; on every pod `uploads`.
    pub prefix: String,
    /// True when browsers should cache photos for a year (diaspora*'s `s3.cache`).
    pub cache: bool,
}

impl S3Settings {
    /// Parses `BUCKET[/PREFIX]`, and reads the rest from the usual S3 environment variables: `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`.
    ///
    /// # Errors
    /// [`ConfigError::Bucket`].
    pub fn from_address(address: &str, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { PREFIX } else { prefix }.to_owned();
        let access = S3Access::from_environment(bucket, environment)?;
        access.check(&prefix)?;
        Ok(Self { access, prefix, cache: true })
    }

    /// Reads `environment.s3`. diaspora* supports Amazon only; another server comes from the environment, as in
    /// [`from_address`](Self::from_address).
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
        let required =
            |name| get(name).ok_or_else(|| S3AccessError::NoKey { name, origin: file.display().to_string() });
        let bucket = get("bucket").ok_or_else(|| ConfigError::NoBucket { file: file.to_owned() })?;
        let access =
            S3Access::new(bucket, get("region"), (required("key")?, required("secret")?), environment)?;
        access.check(PREFIX)?;
        let cache = settings.enabled(rails_env, &["environment", "s3", "cache"], true);
        Ok(Self { access, prefix: PREFIX.to_owned(), cache })
    }

    /// Returns the photos' public address, ending in `/`, as diaspora* 0.9 writes it to `remote_photo_path`. Bucket
    /// names that are invalid in a certificate's host name go into the path.
    pub fn public_address(&self) -> String {
        let Self { access: S3Access { bucket, region, endpoint, .. }, prefix, .. } = self;
        if let Some(endpoint) = endpoint {
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

/// Displays the bucket's address.
impl fmt::Display for S3Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}/images{}", self.access.bucket, self.prefix, self.access.server())
    }
}

/// Returns whether a bucket's name is a valid host label: 3 to 63 lowercase letters, digits and hyphens, neither
/// beginning nor ending with a hyphen, and not mistakable for a numeric address.
fn is_host_label(bucket: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_number = bucket.bytes().all(|byte| byte.is_ascii_digit()) && (4..=12).contains(&bucket.len());
    (3..=63).contains(&bucket.len())
        && bucket.bytes().all(is_allowed)
        && !bucket.starts_with('-')
        && !bucket.ends_with('-')
        && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str, variables: &[(&str, &str)]) -> Result<S3Settings, ConfigError> {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
        let environment = |name: &str| {
            let all = variables.iter().chain(&keys);
            all.clone().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        S3Settings::from_address(address, &environment)
    }

    #[test]
    fn public_addresses_are_those_of_diaspora() {
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
        let custom = read("b/old/uploads/", &[("AWS_ENDPOINT_URL", "https://s3.example:9000/")]).unwrap();
        assert_eq!(custom.public_address(), "https://s3.example:9000/b/old/uploads/images/");
        assert_eq!(custom.to_string(), "s3://b/old/uploads/images at https://s3.example:9000");
    }

    #[test]
    fn the_environment_provides_everything_else() {
        let settings =
            read("b", &[("AWS_DEFAULT_REGION", "eu-north-1"), ("AWS_SESSION_TOKEN", "hunter3")]).unwrap();
        assert_eq!((settings.prefix.as_str(), settings.access.region.as_str()), ("uploads", "eu-north-1"));
        assert_eq!(settings.access.token.as_ref().unwrap().as_str(), "hunter3");
        let shown = format!("{settings:?} {settings}");
        assert!(!shown.contains("hunter") && !shown.contains("AKIA"), "{shown}");
        let missing = read("b", &[("AWS_SECRET_ACCESS_KEY", " ")]).unwrap_err();
        assert!(missing.to_string().contains("AWS_SECRET_ACCESS_KEY"), "{missing}");
    }

    #[test]
    fn invalid_addresses_are_rejected() {
        for address in ["", "a b", "b/../c", "b/a//c", "b?x", "..", "b/ä", "a@b", "b/x#y"] {
            assert!(
                matches!(read(address, &[]), Err(ConfigError::Bucket(S3AccessError::BadBucket { .. }))),
                "{address}"
            );
        }
        assert!(read("b", &[("AWS_REGION", "x/y")]).is_err());
        let plain = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000");
        assert!(matches!(read("b", &[plain]), Err(ConfigError::Bucket(S3AccessError::BadEndpoint(_)))));
        assert!(matches!(
            read("b", &[plain, ("AWS_ALLOW_HTTP", "false")]),
            Err(ConfigError::Bucket(S3AccessError::BadEndpoint(_)))
        ));
        assert!(read("b", &[plain, ("AWS_ALLOW_HTTP", "true")]).is_ok());
        for endpoint in ["s3.example", "ftp://x", "https://u:hunter2@s3.example", "https://s3.example/?x"] {
            let error = read("b", &[("AWS_ENDPOINT_URL", endpoint)]).unwrap_err();
            assert!(matches!(error, ConfigError::Bucket(S3AccessError::BadEndpoint(_))), "{endpoint}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
