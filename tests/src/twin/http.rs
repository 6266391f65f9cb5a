//! The same pods over HTTP, each on an address of this machine, by the real clock.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use pappus_engine::domain::Timestamp;
use tokio::net::TcpListener;

use super::home::Home;
use super::world::World;

/// How often the pods work.
const TICK: Duration = Duration::from_millis(10);

struct Shared {
    world: World,
    home: Home,
    home_host: String,
}

/// Serves all pods and the target pod on one port of all addresses of this machine, until the runtime ends: the host
/// that is asked for decides.
///
/// # Errors
/// When the port is taken.
pub fn serve(listener: TcpListener, world: &World, home: &Home, home_host: &str) -> io::Result<()> {
    let shared =
        Arc::new(Shared { world: world.clone(), home: home.clone(), home_host: home_host.to_owned() });
    let router = Router::new().fallback(respond).with_state(Arc::clone(&shared));
    tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(TICK).await;
            let echoes = shared.world.work(millis());
            // A database that is busy gets them the next time it is asked.
            for _ in 0..100 {
                if shared.home.take(&echoes, now()).await.is_ok() {
                    break;
                }
                tokio::time::sleep(TICK).await;
            }
        }
    });
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "these pods go by the real clock")]
fn millis() -> i64 {
    Utc::now().timestamp_millis()
}

#[expect(clippy::disallowed_methods, reason = "these pods go by the real clock")]
fn now() -> Timestamp {
    Timestamp::from(Utc::now())
}

async fn respond(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    if host == shared.home_host {
        return match shared.home.get(uri.path(), uri.query().unwrap_or_default()).await {
            Ok((status, body)) => (code(status), body).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        };
    }
    let answer = if method == Method::POST {
        // Pods look up whom they do not know yet; a database that is busy answers the next one.
        if let Ok(identities) = shared.home.identities().await {
            shared.world.inner().identities.extend(identities);
        }
        shared.world.post(host, uri.path(), &body, millis()).map(|status| (status, String::new()))
    } else {
        shared.world.get(host, (uri.path(), uri.query().unwrap_or_default()), "http")
    };
    match answer {
        Some((status, body)) => (code(status), body).into_response(),
        // Behind a proxy whose pod is down.
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
