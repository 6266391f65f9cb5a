//! Requests to S3, on their way out: what the library for S3 cannot say is put in here.
//!
//! Photos may be read by everybody: diaspora* stores them with the access `public-read`, because browsers fetch
//! them from the bucket itself. What is for the podmin only is never put where something is already, not even by an
//! upload in parts.

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

/// Times the patience for an answer that an upload may take.
const UPLOAD_FACTOR: u32 = 10;

/// Makes clients that say so.
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
        Ok(HttpClient::new(Signing {
            reading: client(self.patience)?,
            // Its clock runs from the first byte sent to the first one received.
            writing: client(self.patience * UPLOAD_FACTOR)?,
            credential: Arc::clone(&self.credential),
            region: self.region.clone(),
            readers: self.readers,
        }))
    }
}

#[derive(Debug)]
struct Signing {
    reading: HttpClient,
    writing: HttpClient,
    credential: Arc<AwsCredential>,
    region: String,
    readers: Readers,
}

#[async_trait]
impl HttpService for Signing {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match (request.method().as_str(), self.readers) {
            ("PUT", Readers::Everybody) => self.open_to_everybody(&mut request)?,
            ("PUT", Readers::Podmin | Readers::PodminAgain) => {}
            ("POST", Readers::Podmin) if ends_upload(request.uri().query()) => {
                // Not among the headers that are signed.
                request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
            }
            _ => return self.reading.execute(request).await,
        }
        self.writing.execute(request).await
    }
}

impl Signing {
    fn open_to_everybody(&self, request: &mut HttpRequest) -> Result<(), HttpError> {
        request.headers_mut().insert("x-amz-acl", HeaderValue::from_static("public-read"));
        // The library has signed it already, and with that the digest of the body.
        let digest = request.headers().get("x-amz-content-sha256").and_then(|value| unhex(value.as_bytes()));
        AwsAuthorizer::new(&self.credential, "s3", &self.region)
            .try_authorize(request, digest.as_deref())
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
    }
}

/// The request that makes one object of all parts.
fn ends_upload(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("uploadId=")))
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
