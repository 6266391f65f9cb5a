//! The address of a bucket, and its access keys.

use std::fmt;
use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use crate::environment::Environment;

/// An error in the settings of a bucket.
#[derive(Debug, thiserror::Error)]
pub enum S3AccessError {
    /// The access key or its secret is missing.
    #[error("looking for files on S3: {name} is not set in {origin}; set it there")]
    NoKey {
        /// The setting or environment variable.
        name: &'static str,
        /// The settings file, or the environment.
        origin: String,
    },
    /// The bucket, its region or the prefix of its keys is invalid.
    #[error(
        "looking for files on S3: {bucket:?} or its region is not a valid name; specify it as \
         s3://BUCKET or s3://BUCKET/PREFIX"
    )]
    BadBucket {
        /// Bucket and prefix.
        bucket: String,
    },
    /// The address of the server is malformed. The message does not repeat it, since it may contain a password.
    #[error(
        "looking for files on S3: the address in AWS_ENDPOINT_URL cannot be used: {0}; expected \
         an address like https://s3.example:9000"
    )]
    BadEndpoint(&'static str),
}

/// The default region of a bucket, for diaspora* and for Amazon.
pub(crate) const REGION: &str = "us-east-1";
/// The default timeout for a response.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(20);

/// A bucket at Amazon S3 or a compatible server, with its access key.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Access {
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's region.
    pub region: String,
    /// The server, if it is not Amazon's; the bucket is then the first part of the path.
    pub endpoint: Option<Url>,
    /// The access key ID.
    pub key: String,
    /// The secret access key.
    pub secret: Zeroizing<String>,
    /// The session token of a temporary access key.
    pub token: Option<Zeroizing<String>>,
    /// The time without a response after which a request is retried; no retries happen after three times that long.
    pub patience: Duration,
}

impl S3Access {
    /// Creates the access with the podmin's key, and with the server that the environment specifies.
    ///
    /// # Errors
    /// [`S3AccessError::BadEndpoint`].
    pub(crate) fn new(
        bucket: String,
        region: Option<String>,
        (key, secret): (String, String),
        environment: Environment<'_>,
    ) -> Result<Self, S3AccessError> {
        Ok(Self {
            bucket,
            region: region.unwrap_or_else(|| REGION.to_owned()),
            endpoint: endpoint(environment)?,
            key,
            secret: Zeroizing::new(secret),
            token: None,
            patience: DEFAULT_PATIENCE,
        })
    }

    /// Reads the access to a bucket from the environment, with the usual S3 variables: `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`.
    ///
    /// # Errors
    /// [`S3AccessError::NoKey`] or [`S3AccessError::BadEndpoint`].
    pub fn from_environment(bucket: &str, environment: Environment<'_>) -> Result<Self, S3AccessError> {
        let variable = |name: &'static str| non_empty_variable(environment, name);
        let origin = "the environment";
        let required =
            |name| variable(name).ok_or_else(|| S3AccessError::NoKey { name, origin: origin.to_owned() });
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let keys = (required("AWS_ACCESS_KEY_ID")?, required("AWS_SECRET_ACCESS_KEY")?);
        let token = variable("AWS_SESSION_TOKEN").map(Zeroizing::new);
        Ok(Self { token, ..Self::new(bucket.to_owned(), region, keys, environment)? })
    }

    /// Checks that the values can be used verbatim in a URL without changing its destination. The prefix of keys has
    /// no slash at either end, and may be empty.
    ///
    /// # Errors
    /// [`S3AccessError::BadBucket`].
    pub(crate) fn check(&self, prefix: &str) -> Result<(), S3AccessError> {
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
                && !text.is_empty()
                && !matches!(text, "." | "..")
        };
        let is_plain_prefix = prefix.is_empty() || prefix.split('/').all(is_plain);
        if is_plain(&self.bucket) && is_plain(&self.region) && is_plain_prefix {
            Ok(())
        } else {
            Err(S3AccessError::BadBucket { bucket: format!("{}/{prefix}", self.bucket) })
        }
    }

    /// Returns ` at https://s3.example:9000` or ` in eu-west-1`, for messages.
    pub(crate) fn server(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!(" at {}", endpoint.as_str().trim_end_matches('/')),
            None => format!(" in {}", self.region),
        }
    }
}

/// Shows the address without the keys.
impl fmt::Debug for S3Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3Access")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_ref().map(Url::as_str))
            .finish_non_exhaustive()
    }
}

fn non_empty_variable(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn endpoint(environment: Environment<'_>) -> Result<Option<Url>, S3AccessError> {
    let address = non_empty_variable(environment, "AWS_ENDPOINT_URL_S3")
        .or_else(|| non_empty_variable(environment, "AWS_ENDPOINT_URL"));
    let Some(address) = address else { return Ok(None) };
    let url = Url::parse(&address).map_err(|_| S3AccessError::BadEndpoint("it is not an address"))?;
    let allow_http = non_empty_variable(environment, "AWS_ALLOW_HTTP").is_some_and(|value| {
        matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on" | "y")
    });
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => {
            let reason = "plain http does not encrypt the files on their way; if that is acceptable, set \
                          AWS_ALLOW_HTTP=true";
            return Err(S3AccessError::BadEndpoint(reason));
        }
        _ => return Err(S3AccessError::BadEndpoint("it is neither http nor https")),
    }
    if url.host_str().is_none() || url.query().is_some() || url.fragment().is_some() {
        return Err(S3AccessError::BadEndpoint("it must consist of a scheme, a host and a port only"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(S3AccessError::BadEndpoint(
            "it contains a user name or a password; set AWS_ACCESS_KEY_ID instead",
        ));
    }
    Ok(Some(url))
}
