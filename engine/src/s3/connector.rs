//! Headers of S3 requests that the library for S3 does not support.
//!
//! Photos are public: diaspora* stores them with the ACL `public-read`, because browsers fetch them directly from the
//! bucket. With `Readers::Podmin`, a multipart upload does not overwrite an existing object.

use async_trait::async_trait;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

use super::Readers;

/// The factor by which a response to an upload may take longer than to other requests.
const UPLOAD_FACTOR: u32 = 10;

/// Creates clients that add these headers.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) credential: Arc<AwsCredential>,
    pub(super) region: String,
    pub(super) patience: Duration,
    pub(super) readers: Readers,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client =
            |patience| ReqwestConnector::default().connect(&options.clone().with_read_timeout(patience));
        Ok(HttpClient::new(SigningService {
            reading: client(self.patience)?,
            // Its timeout covers the time from the first byte sent to the first one received.
            writing: client(self.patience * UPLOAD_FACTOR)?,
            credential: Arc::clone(&self.credential),
            region: self.region.clone(),
            readers: self.readers,
        }))
    }
}

#[derive(Debug)]
struct SigningService {
    reading: HttpClient,
    writing: HttpClient,
    credential: Arc<AwsCredential>,
    region: String,
    readers: Readers,
}

#[async_trait]
impl HttpService for SigningService {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match (request.method().as_str(), self.readers) {
            ("PUT", Readers::Everyone) => self.make_public(&mut request)?,
            ("PUT", Readers::Podmin | Readers::PodminAgain) => {}
            ("POST", Readers::Podmin) if ends_upload(request.uri().query()) => {
                // This header need not be signed.
                request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
            }
            _ => return self.reading.execute(request).await,
        }
        self.writing.execute(request).await
    }
}

impl SigningService {
    fn make_public(&self, request: &mut HttpRequest) -> Result<(), HttpError> {
        request.headers_mut().insert("x-amz-acl", HeaderValue::from_static("public-read"));
        // The library has already signed the request, including the digest of the body.
        let digest = request.headers().get("x-amz-content-sha256").and_then(|value| unhex(value.as_bytes()));
        AwsAuthorizer::new(&self.credential, "s3", &self.region)
            .try_authorize(request, digest.as_deref())
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
    }
}

/// Returns whether the request completes a multipart upload.
fn ends_upload(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("uploadId=")))
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
