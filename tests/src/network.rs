//! Many pods that only pretend, all on this machine: some take what comes, some refuse, some are as good as dead.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// How a pod behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Manner {
    /// 202, as diaspora* says.
    Accepts,
    /// 200, as others say.
    Ok,
    /// 200, and then 10 MB of nothing.
    Talks,
    /// 404.
    NotFound,
    /// 500.
    Broken,
    /// 302 to another path of its own.
    Redirects,
    /// Takes the request and never answers.
    Hangs,
    /// Closes the connection at the first bytes.
    Resets,
    /// Nobody listens.
    NotThere,
}

impl Manner {
    /// How the pod of a number behaves: half of them live, a third dead.
    pub fn of(pod: usize) -> Self {
        match pod % 12 {
            0..=3 => Self::Accepts,
            4 => Self::Ok,
            5 => Self::Talks,
            6 => Self::NotFound,
            7 => Self::Broken,
            8 => Self::Redirects,
            9 => Self::Hangs,
            10 => Self::Resets,
            _ => Self::NotThere,
        }
    }

    /// Whether the pod takes what it is sent.
    pub fn lives(self) -> bool {
        matches!(self, Self::Accepts | Self::Ok | Self::Talks)
    }
}

/// What the pods have got.
#[derive(Debug, Default)]
struct Seen {
    /// How often each body came to each address.
    bodies: HashMap<u64, usize>,
    /// How many moves each pod has been told of.
    moves: HashMap<usize, usize>,
    requests: usize,
    /// Requests that followed a redirect.
    followed: usize,
    /// When the last live pod got its last one.
    last: Option<Instant>,
}

/// The pods, as long as the runtime lives that they were started on.
#[derive(Debug, Clone)]
pub struct Network {
    seen: Arc<Mutex<Seen>>,
    port: u16,
    resetting: u16,
}

const ELSEWHERE: &str = "/elsewhere";

impl Network {
    /// Starts them.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start() -> io::Result<Self> {
        let seen = Arc::new(Mutex::default());
        let router = Router::new().fallback(receive).with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        let resetting = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                // Closed with something unread, so that the other side sees a reset.
                _ = connection.read(&mut [0; 10]).await;
            }
        });
        Ok(Self { seen, port, resetting })
    }

    /// Host and port of a pod. All of 127.0.0.0/8 is this machine, so every pod has an address.
    pub fn address(&self, pod: usize) -> (String, u16) {
        let port = match Manner::of(pod) {
            Manner::Resets => self.resetting,
            Manner::NotThere => 1,
            _ => self.port,
        };
        (format!("127.7.{}.{}", pod / 250, pod % 250 + 1), port)
    }

    /// So many pods, as `PAPPUS_ALLOW_HOST` wants them.
    pub fn allowed(&self, pods: usize) -> String {
        let hosts = (0..pods).map(|pod| self.address(pod));
        hosts.map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>().join(",")
    }

    /// How often a body came to an address.
    pub fn times(&self, url: &str, body: &[u8]) -> usize {
        self.seen().bodies.get(&digest(url, body)).copied().unwrap_or_default()
    }

    /// How many moves a pod has been told of.
    pub fn moves(&self, pod: usize) -> usize {
        self.seen().moves.get(&pod).copied().unwrap_or_default()
    }

    /// How many requests have come.
    pub fn requests(&self) -> usize {
        self.seen().requests
    }

    /// How many requests have followed a redirect.
    pub fn followed(&self) -> usize {
        self.seen().followed
    }

    /// When the last live pod got its last one.
    pub fn last(&self) -> Option<Instant> {
        self.seen().last
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(url: &str, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (url, body).hash(&mut hasher);
    hasher.finish()
}

/// The number of the pod at a host.
fn pod(host: &str) -> Option<usize> {
    let mut parts = host.split(':').next()?.split('.').skip(2).map(str::parse::<usize>);
    (parts.next()?.ok()? * 250 + parts.next()?.ok()?).checked_sub(1)
}

async fn receive(
    State(seen): State<Arc<Mutex<Seen>>>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let Some(pod) = pod(host) else { return StatusCode::BAD_REQUEST.into_response() };
    let manner = Manner::of(pod);
    // What a pod runs is asked, too.
    if method == Method::POST {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.requests += 1;
        seen.followed += usize::from(uri.path() == ELSEWHERE);
        *seen.bodies.entry(digest(&format!("http://{host}{}", uri.path()), &body)).or_default() += 1;
        if uri.path() == "/receive/public" {
            *seen.moves.entry(pod).or_default() += 1;
        }
        if manner.lives() {
            seen.last = Some(Instant::now());
        }
    }
    match manner {
        Manner::Accepts => StatusCode::ACCEPTED.into_response(),
        Manner::Ok => StatusCode::OK.into_response(),
        Manner::Talks => Body::from(vec![b' '; 10_000_000]).into_response(),
        Manner::NotFound => (StatusCode::NOT_FOUND, "no such pod\nanywhere").into_response(),
        Manner::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "We're sorry").into_response(),
        Manner::Redirects => (StatusCode::FOUND, [("location", ELSEWHERE)]).into_response(),
        Manner::Hangs | Manner::Resets | Manner::NotThere => std::future::pending().await,
    }
}
