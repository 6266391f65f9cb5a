//! Listening, until told to stop.

use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

use crate::app::{App, Clock, StartError};
use crate::config::{Config, Listen};
use crate::health::Numbers;
use crate::router::router;
use crate::security::Limits;
use crate::sessions::StoredSessions;

/// How often what has run out is removed.
const SWEEP: Duration = Duration::from_mins(10);
/// How long requests that are under way may take when the service stops.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves until `stop` holds true; then what is under way is ended, within some seconds. `listening` hears when and where
/// people are served.
///
/// # Errors
/// [`StartError`].
pub async fn serve(
    config: Config,
    clock: Clock,
    stop: watch::Receiver<bool>,
    listening: impl FnOnce(&str),
) -> Result<(), StartError> {
    let listen = config.web.listen.clone();
    let app = App::open(config, clock, Numbers::install()?).await?;
    let limits = Limits::new(app.config.web.requests_per_second);
    let sweeping = tokio::spawn(sweep(app.clone(), limits.clone()));
    let router = router(app.clone(), limits)?;
    let working = crate::portal::start(&app, &stop)?;
    let served = match &listen {
        Listen::Port(address) => {
            let listener = TcpListener::bind(address).await;
            let listener =
                listener.map_err(|source| StartError::Listen { place: listen.to_string(), source })?;
            let place = listener.local_addr().map_or(listen.clone(), Listen::Port);
            listening(&place.to_string());
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let serving = axum::serve(listener, service).with_graceful_shutdown(until(stop.clone()));
            patient(serving.into_future(), stop).await
        }
        Listen::Socket(path) => {
            let listener = open_socket(path)
                .map_err(|source| StartError::Listen { place: listen.to_string(), source })?;
            listening(&listen.to_string());
            let served = serve_socket(listener, router, stop).await;
            // Whoever starts next would remove it as well.
            _ = std::fs::remove_file(path);
            served
        }
    };
    sweeping.abort();
    working.end().await;
    app.store.clone().close().await;
    served.map_err(|source| StartError::Listen { place: listen.to_string(), source })
}

async fn serve_socket(
    listener: UnixListener,
    router: Router,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let serving =
        axum::serve(listener, router.into_make_service()).with_graceful_shutdown(until(stop.clone()));
    patient(serving.into_future(), stop).await
}

/// A stale socket is in the way; one that somebody listens at is not ours to remove.
fn open_socket(path: &Path) -> std::io::Result<UnixListener> {
    let stale = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && std::os::unix::net::UnixStream::connect(path).is_err();
    if stale {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // The proxy is another user; who may reach the socket is said by its folder.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

async fn until(mut stop: watch::Receiver<bool>) {
    // An error means that whoever could tell is gone.
    _ = stop.wait_for(|stop| *stop).await;
}

/// Waits for what is under way, but not for ever: a download may take hours, and goes on where it was.
async fn patient(
    serving: impl Future<Output = std::io::Result<()>>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let late = async {
        until(stop).await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = serving => served,
        () = late => Ok(()),
    }
}

/// Removes what has run out, as long as the service runs.
async fn sweep(app: App, limits: Limits) {
    let sessions = StoredSessions::new(app.clone());
    loop {
        if let Err(error) = sessions.sweep().await {
            tracing::warn!("{error}");
        }
        if let Err(error) = app.sign_in.sweep(&app).await {
            tracing::warn!("{error}");
        }
        limits.sweep();
        app.numbers.sweep();
        tokio::time::sleep(SWEEP).await;
    }
}
