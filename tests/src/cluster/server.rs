//! One server process with its folder, kept by a shell that outlives neither.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::Connection;
use tempfile::TempDir;

use super::ClusterError;

/// `$1` is the folder, `$2` the signal that makes the server stop at once, `$3` the command that
/// fills the folder (its words hold no blanks), the rest the server. Both run under the shell, so
/// that nothing is left when we are killed between them. `wait` comes before `rm` so that the
/// server does not write into a folder being removed.
const KEEPER: &str = r#"
folder=$1; signal=$2; setup=$3; shift 3
if $setup </dev/null >"$folder/log" 2>&1; then
    "$@" </dev/null >>"$folder/log" 2>&1 &
    server=$!
    read -r _
    kill -"$signal" "$server" 2>/dev/null
    wait "$server"
else
    : >"$folder/failed"
    read -r _
fi
rm -rf -- "$folder"
"#;

const PATIENCE: Duration = Duration::from_mins(1);

/// Servers refuse to run as root, so root hands them to the user their package made.
pub(super) struct Account {
    name: Option<&'static str>,
}

impl Account {
    pub(super) fn of(name: &'static str) -> Result<Self, ClusterError> {
        Ok(Self { name: is_root()?.then_some(name) })
    }

    /// Whoever runs the test.
    pub(super) fn own() -> Self {
        Self { name: None }
    }

    /// The command line that runs a program as this account.
    pub(super) fn line(&self, program: &Path) -> Vec<OsString> {
        let mut line: Vec<OsString> = Vec::new();
        if let Some(name) = self.name {
            for part in ["setpriv", "--reuid", name, "--regid", name, "--clear-groups"] {
                line.push(part.into());
            }
        }
        line.push(program.into());
        line
    }

    /// A new folder that belongs to this account.
    pub(super) fn folder(&self, kind: &str) -> Result<TempDir, ClusterError> {
        // Short, because a socket's path has 107 bytes at most.
        let folder = tempfile::Builder::new()
            .prefix(&format!("pappus-{kind}-"))
            .tempdir_in("/tmp")
            .map_err(ClusterError::io("make a folder in /tmp"))?;
        if let Some(name) = self.name {
            run("chown", Command::new("chown").arg(format!("{name}:")).arg(folder.path()))?;
        }
        Ok(folder)
    }
}

/// Whether the test runs as root.
pub(super) fn is_root() -> Result<bool, ClusterError> {
    let own = fs::metadata("/proc/self").map_err(ClusterError::io("read /proc/self"))?;
    Ok(own.uid() == 0)
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    keeper: Child,
    folder: PathBuf,
}

impl Server {
    pub(super) fn start(
        folder: TempDir,
        signal: &str,
        setup: &[OsString],
        line: &[OsString],
    ) -> Result<Self, ClusterError> {
        // Its own process group: a test runner that kills the group of a test shall not hit the
        // shell before it has cleaned up.
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(folder.path())
            .arg(signal)
            .arg(setup.join(OsStr::new(" ")))
            .args(line)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(ClusterError::io("start a shell"))?;
        // From here on the shell removes it.
        Ok(Self { keeper, folder: folder.keep() })
    }

    /// Waits until the server takes connections.
    pub(super) async fn answered<C: Connection>(
        &self,
        program: &'static str,
        url: &str,
    ) -> Result<(), ClusterError> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE && !self.folder.join("failed").exists() {
            if let Ok(connection) = C::connect(url).await {
                drop(connection.close().await);
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(ClusterError::Silent { program, log: tail(&self.folder.join("log")) })
    }
}

impl Server {
    /// Waits until somebody listens on a port.
    pub(super) async fn listens(&self, program: &'static str, port: u16) -> Result<(), ClusterError> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(ClusterError::Silent { program, log: tail(&self.folder.join("log")) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing is left to do when waiting fails.
        drop(self.keeper.wait());
    }
}

/// Runs a program to its end.
pub(super) fn run(program: &'static str, command: &mut Command) -> Result<(), ClusterError> {
    let output = command.stdin(Stdio::null()).output().map_err(ClusterError::io(program))?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(ClusterError::Program { program, output: text })
}

/// A port nobody listens on now.
pub(super) fn free_port() -> Result<u16, ClusterError> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(ClusterError::io("find a free port"))
}

fn tail(log: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |data| data.len());
        drop(file.seek(SeekFrom::Start(length.saturating_sub(1000))));
        drop(file.read_to_string(&mut text));
    }
    text
}
