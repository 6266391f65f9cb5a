//! A program that may be killed while it works.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::time::Duration;

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    /// By SIGKILL, while it was at work.
    Killed,
    /// By itself, with what it printed.
    Itself { code: Option<i32>, stdout: String, stderr: String },
}

/// The program, from its start to its end.
pub(crate) struct Victim {
    child: Mutex<Option<Child>>,
    /// Where its output goes: a pipe that nobody reads might hold it up.
    output: PathBuf,
}

impl Victim {
    pub(crate) fn new(output: PathBuf) -> Self {
        Self { child: Mutex::new(None), output }
    }

    pub(crate) fn start(&self, mut command: Command) {
        let file = |name: &str| File::create(self.output.with_extension(name)).unwrap();
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        *self.child.lock().unwrap() = Some(child);
    }

    /// SIGKILL, unless it has ended; what has not been waited for keeps its number, so nobody else is hit.
    pub(crate) fn kill(&self) {
        if let Some(child) = self.child.lock().unwrap().as_mut() {
            child.kill().unwrap();
        }
    }

    pub(crate) async fn end(&self) -> End {
        let status = loop {
            if let Some(status) = self.status() {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        if status.signal() == Some(9) {
            return End::Killed;
        }
        let read = |name: &str| std::fs::read_to_string(self.output.with_extension(name)).unwrap();
        End::Itself { code: status.code(), stdout: read("stdout"), stderr: read("stderr") }
    }

    fn status(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap().as_mut().unwrap().try_wait().unwrap()
    }
}
