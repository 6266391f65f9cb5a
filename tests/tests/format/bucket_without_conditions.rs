//! Servers for S3 that do not support conditional writes: files of all sizes are stored, and none is replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::Response;
use pappus_engine::depot::{Depot, DepotError};
use pappus_tests::cluster::shared_s3;

use super::depot::{noise, parse};

/// A server that forwards requests without conditions to another one.
#[derive(Clone)]
struct Forwarding {
    endpoint: String,
    client: reqwest::Client,
    refused: Arc<AtomicUsize>,
}

async fn forward(State(server): State<Forwarding>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    if parts.headers.contains_key(header::IF_NONE_MATCH) {
        server.refused.fetch_add(1, Ordering::SeqCst);
        let text = "<Error><Code>NotImplemented</Code><Message>A header is not supported</Message></Error>";
        return Response::builder().status(501).body(Body::from(text)).unwrap();
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    let address = format!("{}{}", server.endpoint, parts.uri);
    let request = server.client.request(parts.method, address).headers(parts.headers).body(bytes);
    let answer = request.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != header::TRANSFER_ENCODING && name != header::CONNECTION {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}

#[tokio::test]
async fn files_of_all_sizes_are_stored_and_never_replaced() {
    let s3 = shared_s3().await.unwrap();
    s3.create_bucket("plain").await.unwrap();
    let refused = Arc::new(AtomicUsize::new(0));
    let (endpoint, client) = (s3.endpoint(), reqwest::Client::new());
    let service =
        Router::new().fallback(forward).with_state(Forwarding { endpoint, client, refused: refused.clone() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });

    let depot = Depot::open(&parse("s3://plain/pod", port)).await.unwrap();
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = files.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let large = file("large", &noise(7 << 20, 11));
    for (name, file) in [("small.zip", file("small", b"small")), ("large.zip", large.clone())] {
        let stored = depot.put(name, &file).await.unwrap();
        assert_eq!(depot.stored(name).await.unwrap(), Some(stored.clone()));
        assert_eq!(depot.put(name, &file).await.unwrap(), stored);
        let error = depot.put(name, &other(files.path())).await.unwrap_err();
        assert!(matches!(error, DepotError::Taken { .. }), "{error}");
    }
    // The refusal of large uploads is remembered: the next one is not sent twice.
    let before = refused.load(Ordering::SeqCst);
    assert!(before > 0);
    depot.put("next.zip", &large).await.unwrap();
    assert_eq!(refused.load(Ordering::SeqCst), before);
}

/// Returns a large file with other bytes.
fn other(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("other");
    std::fs::write(&path, noise(7 << 20, 13)).unwrap();
    path
}
