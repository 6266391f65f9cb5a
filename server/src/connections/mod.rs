//! Limits on the number of connections, and timeouts for idle ones.

mod count;
mod write_timeout;

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
pub(crate) use count::{Connections, LimitReached, Permit};
use write_timeout::WriteTimeout;

/// Grace period for open requests when the service stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(20);
/// Shortest header timeout for proxies: they keep connections open between requests, nginx for a minute by default.
const PROXY_HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// Time to send a response to a refused connection.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Refused connections that get a response at the same time; further ones are closed without one.
const MAX_REFUSALS: usize = 64;

/// An HTTP server that accepts connections within the configured limits.
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
            refusals: Connections::new(MAX_REFUSALS, MAX_REFUSALS),
            web: web.clone(),
        }
    }

    /// Accepts connections until `stop` is cancelled, then gives open requests [`SHUTDOWN_GRACE`] to finish: a download
    /// may take hours, and can be resumed. `peer` returns the address of a connection, unless it is from a Unix socket.
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
                (stream, address) = listener.accept() => self.serve(stream, peer(&address), &graceful),
                () = &mut stopped => break,
            }
        }
        drop(listener);
        _ = tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown()).await;
    }

    fn serve<S>(&self, stream: S, peer: Option<SocketAddr>, graceful: &GracefulShutdown)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Many people share a proxy's address; the rate limit counts them by their own.
        let client = peer.map(|peer| peer.ip().to_canonical()).filter(|ip| !self.web.proxies.contains(*ip));
        let permit = match self.connections.acquire(client) {
            Ok(permit) => permit,
            Err(limit) => {
                if let Ok(permit) = self.refusals.acquire(None) {
                    tokio::spawn(refuse(stream, limit, permit));
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
        let stream = TokioIo::new(WriteTimeout::new(stream, self.web.body_timeout));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout(client))
            .serve_connection(stream, service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // The connection was lost, or did not speak HTTP: nothing to do.
            _ = connection.await;
            drop(permit);
        });
    }

    fn header_timeout(&self, client: Option<IpAddr>) -> Duration {
        if client.is_some() {
            self.web.header_timeout
        } else {
            self.web.header_timeout.max(PROXY_HEADER_TIMEOUT)
        }
    }
}

/// Responds that there are too many connections.
async fn refuse<S>(mut stream: S, limit: LimitReached, _permit: Permit)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let status = match limit {
        LimitReached::Total => "503 Service Unavailable",
        LimitReached::Address => "429 Too Many Requests",
    };
    let response =
        format!("HTTP/1.1 {status}\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let sent = async {
        stream.write_all(response.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing the connection before reading the request would reset it, and the response would be lost.
        let mut request = [0; 4096];
        while stream.read(&mut request).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    _ = tokio::time::timeout(REFUSAL_TIMEOUT, sent).await;
}
