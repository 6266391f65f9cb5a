//! Creates clients for S3, with Pappus's timeouts and retries.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpConnector as _, HttpError, HttpRequest, HttpRequestBody};
use object_store::{BackoffConfig, ClientOptions, HeaderValue, RetryConfig};

use super::S3Access;
use super::answers::{code, describe_code, why};
use super::connector::Connector;

/// The maximum number of retries of a request.
const MAX_RETRIES: usize = 6;

/// The people who may read new objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Everyone, as for photos.
    Everyone,
    /// Those who have the bucket's access keys. Multipart uploads do not overwrite objects.
    Podmin,
    /// Those who have the bucket's access keys. Multipart uploads overwrite existing objects.
    PodminAgain,
}

/// Creates a client for a bucket, without sending a request. The client retries failed requests; in a multipart upload,
/// only the failed part.
pub(crate) fn client(access: &S3Access, readers: Readers) -> object_store::Result<AmazonS3> {
    let S3Access { bucket, region, endpoint, key, secret, token, patience } = access;
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: MAX_RETRIES,
        retry_timeout: *patience * 3,
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_access_key_id(key)
        .with_secret_access_key(secret.as_str())
        .with_client_options(options(access))
        .with_retry(retry)
        .with_http_connector(connector(access, readers));
    if let Some(token) = token {
        builder = builder.with_token(token.as_str());
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
    }
    builder.build()
}

fn options(access: &S3Access) -> ClientOptions {
    ClientOptions::new()
        .with_user_agent(HeaderValue::from_static(concat!("Pappus/", env!("CARGO_PKG_VERSION"))))
        .with_allow_http(access.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http"))
        .with_connect_timeout(access.patience.min(Duration::from_secs(10)))
        // A large object may take a long time while data arrives; the connector limits the pauses.
        .with_timeout_disabled()
}

fn connector(access: &S3Access, readers: Readers) -> Connector {
    Connector {
        credential: Arc::new(credential(access)),
        region: access.region.clone(),
        patience: access.patience,
        readers,
    }
}

fn credential(access: &S3Access) -> AwsCredential {
    AwsCredential {
        key_id: access.key.clone(),
        secret_key: String::clone(&access.secret),
        token: access.token.as_deref().cloned(),
    }
}

/// Sends a request for the bucket itself, which the library does not support. There are no retries. `query` must be
/// percent-encoded; the answer has at most `max_bytes`.
///
/// # Errors
/// A readable description of the problem.
pub(crate) async fn ask_bucket(access: &S3Access, query: &str, max_bytes: usize) -> Result<Vec<u8>, String> {
    let mut server = match &access.endpoint {
        Some(endpoint) => endpoint.as_str().trim_end_matches('/').to_owned(),
        None => format!("https://s3.{}.amazonaws.com", access.region),
    };
    server.push('/');
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    let address = format!("{server}{}?{query}", access.bucket);
    *request.uri_mut() =
        address.parse().map_err(|_| "the address of the server cannot be used".to_owned())?;
    let credential = credential(access);
    AwsAuthorizer::new(&credential, "s3", &access.region)
        .try_authorize(&mut request, None)
        .map_err(|error| why(&error))?;
    let client = connector(access, Readers::Podmin).connect(&options(access)).map_err(|error| why(&error))?;
    let broken = |error: HttpError| format!("the server did not answer, or broke off: {error}");
    let answer = client.execute(request).await.map_err(broken)?;
    let status = answer.status();
    let (mut bytes, mut stream) = (Vec::new(), answer.into_body().bytes_stream());
    while let Some(chunk) = stream.try_next().await.map_err(broken)? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(format!("the server's answer has more than {max_bytes} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    Err(code(&text).map_or_else(|| format!("the server answers {status}"), |code| describe_code(code, &text)))
}
