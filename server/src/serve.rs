//! Serves requests until the service is stopped.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Clock, StartError};
use crate::config::{Config, Listen};
use crate::connections::Server;
use crate::health::Metrics;
use crate::router::router;
use crate::security::Limits;
use crate::sessions::StoredSessions;

/// Interval between removals of what has expired.
const SWEEP_INTERVAL: Duration = Duration::from_mins(10);

/// Serves until `stop` is cancelled; then ends open requests within some seconds. `listening` is called once the
/// service listens, with the address.
///
/// # Errors
/// [`StartError`].
pub async fn serve(
    config: Config,
    clock: Clock,
    stop: CancellationToken,
    listening: impl FnOnce(&str),
) -> Result<(), StartError> {
    if let Some(problem) = config.web.unknown_proxy() {
        return Err(StartError::Proxy(problem));
    }
    if let Some(problem) = config.web.missing_proxy() {
        tracing::warn!("{problem}");
    }
    let listen = config.web.listen.clone();
    let app = App::open(config, clock, Metrics::install()?).await?;
    let limits = Limits::new(app.config.web.requests_per_second);
    let sweeping = tokio::spawn(sweep(app.clone(), limits.clone()));
    let router = router(app.clone(), limits)?;
    let background_tasks = crate::portal::start(&app, &stop)?;
    let server = Server::new(router, &app.config.web);
    let result = match &listen {
        Listen::Port(address) => match TcpListener::bind(address).await {
            Ok(listener) => {
                let bound = listener.local_addr().map_or(listen.clone(), Listen::Port);
                listening(&bound.to_string());
                server.run(listener, |peer| Some(*peer), stop).await;
                Ok(())
            }
            Err(error) => Err(error),
        },
        Listen::Socket(path) => match open_socket(path, app.config.web.socket_group) {
            Ok(listener) => {
                listening(&listen.to_string());
                server.run(listener, |_| None, stop).await;
                // Otherwise the next start removes it.
                _ = std::fs::remove_file(path);
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    sweeping.abort();
    background_tasks.end().await;
    app.store.clone().close().await;
    result.map_err(|source| StartError::Listen { address: listen.to_string(), source })
}

/// Opens the socket. Removes a stale one, but not one at which another process listens.
fn open_socket(path: &Path, group: Option<u32>) -> std::io::Result<UnixListener> {
    let is_stale = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && std::os::unix::net::UnixStream::connect(path).is_err();
    if is_stale {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // The proxy is another user, in this group. Anyone else who could write here could forge client addresses.
    if group.is_some() {
        std::os::unix::fs::chown(path, None, group)?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Removes what has expired, as long as the service runs.
async fn sweep(app: App, limits: Limits) {
    let sessions = StoredSessions::new(app.clone());
    loop {
        if let Err(error) = sessions.sweep().await {
            tracing::warn!("{error}");
        }
        if let Err(error) = app.sign_in.sweep(&app).await {
            tracing::warn!("{error}");
        }
        if let Err(error) = crate::audit::sweep(&app).await {
            tracing::warn!("{error}");
        }
        limits.sweep();
        app.metrics.sweep();
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}
