//! The guarded client against servers that behave badly, and against addresses that lead inside.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::double::{Misbehaviour, client, misbehave, options, serve};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::response::Response;
use futures_util::stream;
use pappus_engine::http::{Client, ClientOptions, HttpError, RetryAfter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

async fn get(client: &Client, address: &str) -> Result<Vec<u8>, HttpError> {
    client.get(&url(address), "*/*").await.map(|answer| answer.body)
}

#[tokio::test]
async fn asks_and_sends() {
    let server = serve(|request| {
        let accept = request.headers().get("accept").unwrap().to_str().unwrap().to_owned();
        let agent = request.headers().get("user-agent").unwrap().to_str().unwrap();
        assert!(agent.starts_with("Pappus/"), "{agent}");
        let kind = request.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let text = format!("{} {} {accept} {kind:?}", request.method(), request.uri());
        Response::builder().status(202).header(CONTENT_TYPE, "text/plain").body(Body::from(text)).unwrap()
    })
    .await;
    let client = client([server.host()]);
    let base = client.base_url(&server.host()).unwrap();
    let answer = client.get(&base.join("/a?b=c").unwrap(), "text/html").await.unwrap();
    assert_eq!((answer.status, answer.is_success()), (202, true));
    assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
    assert_eq!(answer.body, b"GET /a?b=c text/html None");
    let answer = client.post(&base.join("/b").unwrap(), "application/json", b"{}".to_vec()).await.unwrap();
    assert_eq!(answer.body, b"POST /b */* Some(\"application/json\")");
}

#[tokio::test]
async fn a_status_that_says_no_is_an_answer() {
    let server = serve(|_| {
        Response::builder().status(503).header(RETRY_AFTER, "120").body(Body::from("later")).unwrap()
    })
    .await;
    let client = client([server.host()]);
    let answer = client.get(&url(&format!("http://{}", server.host())), "*/*").await.unwrap();
    assert_eq!((answer.status, answer.is_success()), (503, false));
    assert_eq!(answer.retry_after, Some(RetryAfter::Delay(Duration::from_mins(2))));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let inside = serve(|_| Response::new(Body::from("secret"))).await;
    let target = format!("http://{}/", inside.host());
    let server = serve(move |_| {
        Response::builder().status(302).header(LOCATION, &target).body(Body::empty()).unwrap()
    })
    .await;
    let client = client([server.host(), inside.host()]);
    let error = get(&client, &format!("http://{}", server.host())).await.unwrap_err();
    assert!(matches!(error, HttpError::Redirect { status: 302, .. }), "{error}");
    assert_eq!(inside.requests(), 0);
}

#[tokio::test]
async fn long_answers_are_not_read_to_their_end() {
    let with_length = serve(|_| Response::new(Body::from(vec![b'x'; 10 << 20]))).await;
    let without = serve(|_| {
        let piece = Bytes::from(vec![b'x'; 64 << 10]);
        let pieces = stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
        Response::new(Body::from_stream(pieces))
    })
    .await;
    let client = client([with_length.host(), without.host()]);
    for server in [with_length, without] {
        let address = format!("http://{}", server.host());
        let error = get(&client, &address).await.unwrap_err();
        assert_eq!(error, HttpError::TooLarge { host: server.host(), limit: 1 << 20 });
        let answer = client.post(&url(&address), "text/plain", Vec::new()).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, 4 << 10));
    }
}

#[tokio::test]
async fn nothing_takes_longer_than_it_may() {
    let hangs = misbehave(Misbehaviour::Hangs).await;
    let begins =
        misbehave(Misbehaviour::SaysAndHangs("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf an answer"))
            .await;
    let client = client([hangs.host(), begins.host()]);
    for server in [hangs, begins] {
        let start = Instant::now();
        let error = get(&client, &format!("http://{}", server.host())).await.unwrap_err();
        assert!(matches!(error, HttpError::Timeout { .. }) && error.is_dead_host(), "{error}");
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

/// The head of an answer with so many lines, and its body.
fn answer_with(lines: usize) -> &'static str {
    let more = "x: y\r\n".repeat(lines - 1);
    format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{more}\r\nok").leak()
}

#[tokio::test]
async fn heads_that_are_too_large_are_not_read() {
    let most = misbehave(Misbehaviour::SaysAndHangs(answer_with(100))).await;
    let body = get(&client([most.host()]), &format!("http://{}/", most.host())).await.unwrap();
    assert_eq!(body, b"ok");
    for how in [
        Misbehaviour::Says(answer_with(101)),
        Misbehaviour::NeverEnds("HTTP/1.1 200 OK\r\n", "x: y\r\n".repeat(500).leak()),
        Misbehaviour::NeverEnds("HTTP/1.1 200 OK\r\nx: ", "y".repeat(4096).leak()),
        Misbehaviour::NeverEnds("HTTP/1.1 200 ", "y".repeat(4096).leak()),
    ] {
        let server = misbehave(how).await;
        // Long before the time for an answer is over: the size ends it.
        let patient =
            Client::new(ClientOptions { total: Duration::from_mins(1), ..options([server.host()]) });
        let start = Instant::now();
        let error = get(&patient.unwrap(), &format!("http://{}/", server.host())).await.unwrap_err();
        assert!(matches!(error, HttpError::Broken { .. }) && error.is_dead_host(), "{error}");
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test]
async fn broken_answers_have_a_sentence() {
    for how in [
        Misbehaviour::Resets,
        Misbehaviour::Says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf an answer"),
        Misbehaviour::Says("SSH-2.0-OpenSSH_9\r\n"),
    ] {
        let server = misbehave(how).await;
        let error = get(&client([server.host()]), &format!("http://{}/x", server.host())).await.unwrap_err();
        assert!(matches!(error, HttpError::Broken { .. }), "{error}");
        assert!(error.to_string().starts_with(&server.host()), "{error}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let error = get(&client([&gone]), &format!("http://{gone}/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }) && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn nobody_is_sent_inside() {
    // A server is there, so that a connection would be seen.
    let inside = misbehave(Misbehaviour::Resets).await;
    let port = inside.address.port();
    let client = client(["127.0.0.1:1"]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::127.0.0.1]",
        "localhost",
        "LocalHost",
    ] {
        let error = get(&client, &format!("https://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, HttpError::NotPublic(_)), "{host}: {error}");
        let error = get(&client, &format!("http://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, HttpError::NotHttps(_)), "{host}: {error}");
    }
    for address in
        ["ftp://pod.example/", "file:///etc/passwd", "https://user:hunter2@pod.example/", "data:,x"]
    {
        let error = get(&client, address).await.unwrap_err();
        assert!(matches!(error, HttpError::BadUrl(_)), "{address}: {error}");
    }
    let error = get(&client, "http://pod.example/").await.unwrap_err();
    assert_eq!(error, HttpError::NotHttps("pod.example".to_owned()));
    assert_eq!(inside.requests(), 0, "somebody connected");
}

#[tokio::test]
async fn what_is_allowed_is_that_port_and_scheme_only() {
    let (one, other) = (
        serve(|_| Response::new(Body::from("one"))).await,
        serve(|_| Response::new(Body::from("other"))).await,
    );
    let named = format!("localhost:{}", one.address.port());
    let client = client([format!("http://{}", one.host()), format!("http://{named}")]);
    assert_eq!(get(&client, &format!("http://{}/", one.host())).await.unwrap(), b"one");
    assert_eq!(get(&client, &format!("http://{named}/")).await.unwrap(), b"one");
    for address in
        [format!("https://{}/", one.host()), format!("https://localhost:{}/", other.address.port())]
    {
        let error = get(&client, &address).await.unwrap_err();
        assert!(matches!(error, HttpError::NotPublic(_)), "{address}: {error}");
    }
    assert!(matches!(get(&client, &format!("http://{}/", other.host())).await, Err(HttpError::NotHttps(_))));
    assert_eq!(other.requests(), 0);
}

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/tls");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

/// Says hello to everybody, over TLS.
async fn serve_tls(certificate: &str) -> u16 {
    let certificate = CertificateDer::from_pem_slice(fixture(certificate).as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(fixture("server.key.pem").as_bytes()).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            _ = stream.read(&mut [0; 1024]).await;
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
            _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn certificates_are_checked() {
    let port = serve_tls("server.pem").await;
    let address = format!("https://localhost:{port}/");
    let mut options = options([format!("https://localhost:{port}"), format!("https://127.0.0.2:{port}")]);
    let error = get(&Client::new(options.clone()).unwrap(), &address).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }) && error.is_dead_host(), "{error}");
    options.extra_authorities = vec![fixture("authority.pem")];
    let client = Client::new(options.clone()).unwrap();
    assert_eq!(get(&client, &address).await.unwrap(), b"hello");
    let error = get(&client, &format!("https://127.0.0.2:{port}/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "for another name: {error}");
    options.extra_authorities = vec!["no certificate".to_owned()];
    assert!(matches!(Client::new(options), Err(HttpError::Setup(_))));
}

#[tokio::test]
async fn what_is_wrong_with_tls_is_said() {
    for (certificate, words) in [
        ("expired.pem", "its certificate has expired"),
        ("other-host.pem", "its certificate is for another host"),
        ("self-signed.pem", "its certificate is self-signed"),
        ("server.pem", "or of an authority that is not trusted here"),
    ] {
        let port = serve_tls(certificate).await;
        let mut options = options([format!("https://localhost:{port}")]);
        options.extra_authorities = vec![fixture("other-authority.pem")];
        let client = Client::new(options).unwrap();
        let error = get(&client, &format!("https://localhost:{port}/")).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, HttpError::Tls { .. }), "{certificate}: {error:?}");
        assert!(text.contains("TLS") && text.contains(words), "{certificate}: {text}");
    }
    let plain = serve(|_| Response::new(Body::from("hello"))).await;
    let host = plain.host();
    let client = Client::new(options([format!("https://{host}")])).unwrap();
    let text = get(&client, &format!("https://{host}/")).await.unwrap_err().to_string();
    assert!(text.contains("TLS") && text.contains("does not speak TLS"), "{text}");
}
