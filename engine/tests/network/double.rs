//! Small servers on this machine that behave well or badly.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// A server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Requests, or connections where no request is understood.
    pub(crate) seen: Arc<AtomicUsize>,
    /// Most requests at one moment.
    pub(crate) most: Arc<AtomicUsize>,
}

impl Server {
    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

/// Answers with what the function makes of a request; each answer takes a few milliseconds.
pub(crate) async fn serve<F>(answer: F) -> Server
where
    F: Fn(Request) -> Response + Clone + Send + Sync + 'static,
{
    serve_together(&Counters::default(), answer).await
}

/// Counts requests of several servers at one moment.
#[derive(Default)]
pub(crate) struct Counters {
    now: Arc<AtomicUsize>,
    /// Most requests at one moment.
    pub(crate) most: Arc<AtomicUsize>,
}

/// Like [`serve`], with counters that several servers share.
pub(crate) async fn serve_together<F>(counters: &Counters, answer: F) -> Server
where
    F: Fn(Request) -> Response + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::<AtomicUsize>::default();
    let (most, now) = (Arc::clone(&counters.most), Arc::clone(&counters.now));
    let server = Server { address, seen: Arc::clone(&seen), most: Arc::clone(&most) };
    let app = Router::new().fallback(move |request: Request| {
        let (answer, seen, most, now) = (answer.clone(), seen.clone(), most.clone(), now.clone());
        async move {
            seen.fetch_add(1, Ordering::SeqCst);
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            let response = answer(request);
            now.fetch_sub(1, Ordering::SeqCst);
            response
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    server
}

/// What a server does that does not speak HTTP.
#[derive(Clone, Copy)]
pub(crate) enum Misbehaviour {
    /// Takes the connection and says nothing.
    Hangs,
    /// Takes the connection and ends it in the middle of the request.
    Resets,
    /// Sends these bytes and ends the connection.
    Says(&'static str),
    /// Sends these bytes and says nothing more.
    SaysAndHangs(&'static str),
    /// Sends the first bytes, and the others over and over again.
    NeverEnds(&'static str, &'static str),
}

/// A server that misbehaves.
pub(crate) async fn misbehave(how: Misbehaviour) -> Server {
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let seen = Arc::<AtomicUsize>::default();
    let server = Server { address: listener.local_addr().unwrap(), seen: seen.clone(), most: Arc::default() };
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            seen.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                _ = stream.read(&mut [0; 16]).await;
                let (text, hangs) = match how {
                    Misbehaviour::Hangs => ("", true),
                    Misbehaviour::Resets => ("", false),
                    Misbehaviour::Says(text) | Misbehaviour::NeverEnds(text, _) => (text, false),
                    Misbehaviour::SaysAndHangs(text) => (text, true),
                };
                _ = stream.write_all(text.as_bytes()).await;
                if let Misbehaviour::NeverEnds(_, more) = how {
                    while stream.write_all(more.as_bytes()).await.is_ok() {}
                }
                if hangs {
                    tokio::time::sleep(Duration::from_mins(5)).await;
                }
            });
        }
    });
    server
}

/// A client with short limits that may ask these hosts.
pub(crate) fn client<T: AsRef<str>>(allowed: impl IntoIterator<Item = T>) -> Client {
    Client::new(options(allowed)).unwrap()
}

pub(crate) fn options<T: AsRef<str>>(allowed: impl IntoIterator<Item = T>) -> ClientOptions {
    ClientOptions {
        allowed: AllowedNetworks::new(allowed).unwrap(),
        connect: Duration::from_millis(500),
        total: Duration::from_millis(1500),
        ..ClientOptions::default()
    }
}
