//! The address of a depot.

use std::fmt;
use std::path::PathBuf;

use crate::environment::Environment;
use crate::s3::{S3Access, S3AccessError};

/// The scheme of an address on S3.
const S3: &str = "s3://";

/// A folder, or a prefix in a bucket on S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DepotAddress {
    /// A folder on this machine.
    Folder(PathBuf),
    /// All objects in a bucket whose key begins with a prefix and a slash, or the whole bucket.
    S3 {
        /// The bucket, with its access keys.
        access: Box<S3Access>,
        /// The prefix, without a slash at either end; may be empty.
        prefix: String,
    },
}

impl DepotAddress {
    /// Parses a folder's path, or `s3://BUCKET[/PREFIX]`; the settings of S3 come from the environment, see
    /// [`S3Access::from_environment`].
    ///
    /// # Errors
    /// [`S3AccessError`].
    pub fn parse(address: &str, environment: Environment<'_>) -> Result<Self, S3AccessError> {
        let Some(location) = address.strip_prefix(S3) else {
            return Ok(Self::Folder(PathBuf::from(address)));
        };
        let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
        let prefix = prefix.trim_matches('/').to_owned();
        let access = Box::new(S3Access::from_environment(bucket, environment)?);
        access.check(&prefix)?;
        Ok(Self::S3 { access, prefix })
    }
}

/// Prints the address as written, without keys.
impl fmt::Display for DepotAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(formatter, "{}", folder.display()),
            Self::S3 { access, prefix } if prefix.is_empty() => write!(formatter, "{S3}{}", access.bucket),
            Self::S3 { access, prefix } => write!(formatter, "{S3}{}/{prefix}", access.bucket),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<DepotAddress, S3AccessError> {
        DepotAddress::parse(address, &|name: &str| {
            name.starts_with("AWS_").then(|| "hunter2".to_owned()).filter(|_| !name.contains("ENDPOINT"))
        })
    }

    #[test]
    fn a_folder_or_a_bucket() {
        for (given, expected) in [
            ("/srv/out", "/srv/out"),
            ("out/", "out/"),
            ("s3://b", "s3://b"),
            ("s3://b/", "s3://b"),
            ("s3://b/x/y/", "s3://b/x/y"),
        ] {
            let address = parse(given).unwrap();
            assert_eq!(address.to_string(), expected);
            assert!(!format!("{address:?}").contains("hunter2") || expected.starts_with("s3"), "{address:?}");
        }
        let DepotAddress::S3 { access, prefix } = parse("s3://b/x/y/").unwrap() else { panic!() };
        assert_eq!((access.bucket.as_str(), prefix.as_str()), ("b", "x/y"));
        assert_eq!(access.secret.as_str(), "hunter2");
        for invalid in ["s3://", "s3://b/../c", "s3://b/x//y", "s3://a b"] {
            assert!(matches!(parse(invalid), Err(S3AccessError::BadBucket { .. })), "{invalid}");
        }
    }
}
