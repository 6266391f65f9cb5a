//! Connections: their number, and timeouts for idle ones.

mod count;
mod stalled;

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::config::Web;
pub(crate) use count::{Connections, LimitReached, Place};
use stalled::Stalled;

/// Grace period for open requests when the service stops.
const PATIENCE: Duration = Duration::from_secs(20);
/// Proxies keep connections open between requests: by default for a minute in nginx.
const PROXY_HEADERS: Duration = Duration::from_secs(75);
/// Time to send a refused connection its answer.
const REFUSAL: Duration = Duration::from_secs(1);
/// Refused connections answered at the same time; further ones are closed without an answer.
const REFUSALS: usize = 64;

/// A server of connections within the configured limits.
pub(crate) struct Server {
    router: Router,
    web: Web,
    connections: Connections,
    refusals: Connections,
}

impl Server {
    pub(crate) fn new(router: Router, web: &Web) -> Self {
        Self {
            router,
            connections: Connections::new(web.connections, web.connections_per_address),
            refusals: Connections::new(REFUSALS, REFUSALS),
            web: web.clone(),
        }
    }

    /// Accepts connections until `stop` is cancelled; then ends open requests, but does not wait forever: a download
    /// may take hours, and can be resumed. `peer` returns the address of a connection, unless from a Unix socket.
    pub(crate) async fn run<L: Listener>(
        self,
        mut listener: L,
        peer: impl Fn(&L::Addr) -> Option<SocketAddr>,
        stop: CancellationToken,
    ) {
        let graceful = GracefulShutdown::new();
        let mut stopped = pin!(stop.cancelled());
        loop {
            tokio::select! {
                (stream, address) = listener.accept() => self.take(stream, peer(&address), &graceful),
                () = &mut stopped => break,
            }
        }
        drop(listener);
        _ = tokio::time::timeout(PATIENCE, graceful.shutdown()).await;
    }

    fn take<S>(&self, stream: S, peer: Option<SocketAddr>, graceful: &GracefulShutdown)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // A proxy stands for many people, who are limited elsewhere.
        let stranger = peer.map(|peer| peer.ip().to_canonical()).filter(|ip| !self.web.proxies.contains(*ip));
        let place = match self.connections.enter(stranger) {
            Ok(place) => place,
            Err(crowded) => {
                if let Ok(place) = self.refusals.enter(None) {
                    tokio::spawn(refuse(stream, crowded, place));
                }
                return;
            }
        };
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (mut router, mut request) = (router.clone(), request.map(Body::new));
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            async move { router.call(request).await }
        });
        let stream = TokioIo::new(Stalled::new(stream, self.web.body_patience));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_patience(stranger))
            .serve_connection(stream, service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // The connection was lost, or did not speak HTTP: nothing to do.
            _ = connection.await;
            drop(place);
        });
    }

    fn header_patience(&self, stranger: Option<IpAddr>) -> Duration {
        if stranger.is_some() {
            self.web.header_patience
        } else {
            self.web.header_patience.max(PROXY_HEADERS)
        }
    }
}

/// Answers that there are too many connections.
async fn refuse<S>(mut stream: S, crowded: LimitReached, _place: Place)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let status = match crowded {
        LimitReached::Together => "503 Service Unavailable",
        LimitReached::Address => "429 Too Many Requests",
    };
    let answer =
        format!("HTTP/1.1 {status}\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let saying = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // Closed before the request is read, the connection would be reset and the answer lost.
        let mut request = [0; 4096];
        while stream.read(&mut request).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    _ = tokio::time::timeout(REFUSAL, saying).await;
}
