//! Ctrl-C and SIGTERM: handled at once, with the terminal restored and no half-written file.

use std::convert::Infallible;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Time in which a waiting command can remove its temporary files. After that the program ends even if the command is
/// still computing.
const CLEAN_UP_TIME: Duration = Duration::from_millis(500);

/// The signal that ends the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, or a system shutdown.
    Terminate,
}

impl Interrupted {
    /// Returns 128 plus the signal's number, as in shells.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

impl From<Interrupted> for ExitCode {
    fn from(interrupted: Interrupted) -> Self {
        Self::from(interrupted.code())
    }
}

/// Prints that the current work is being finished. A progress bar has to print it itself: its next frame would
/// overwrite other output.
type Announce = Box<dyn Fn() + Send>;

/// State that is cleaned up after a signal.
struct State {
    /// The terminal's settings from before a prompt.
    terminal: Option<(std::fs::File, Termios)>,
    /// Folders of temporary files, removed before the program ends.
    folders: Vec<PathBuf>,
    /// The token of a command that finishes its current work before it stops, and the function that prints this.
    graceful: Option<(CancellationToken, Announce)>,
}

impl State {
    fn restore_terminal(&self) {
        if let Some((terminal, settings)) = &self.terminal {
            // A closed terminal needs no settings.
            _ = tcsetattr(terminal, OptionalActions::Now, settings);
        }
    }
}

static STATE: Mutex<State> = Mutex::new(State { terminal: None, folders: Vec::new(), graceful: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens for signals on a separate thread: the command's own thread may be busy or wait for a keypress.
pub(crate) struct Listener(watch::Receiver<Option<Interrupted>>);

impl Listener {
    /// Starts to listen.
    ///
    /// # Errors
    /// I/O errors, if the system is out of threads or file descriptors.
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, receiver) = watch::channel(None);
        let signals = {
            let _context = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let listen = move || {
            let Err(interrupted) = runtime.block_on(listen(signals, &sender));
            remove_folders();
            std::process::exit(interrupted.code().into());
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(Self(receiver))
    }

    /// Waits for a signal that ends the program.
    pub(crate) async fn interrupted(&mut self) -> Interrupted {
        match self.0.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(interrupted)) => interrupted,
            // The listening thread ends only when the program ends.
            _ => std::future::pending().await,
        }
    }

    /// Returns the signal that ended a prompt, if any.
    pub(crate) fn received(&self) -> Option<Interrupted> {
        *self.0.borrow()
    }
}

/// Forwards signals; returns the one after which the program did not end in time.
async fn listen(
    (mut interrupt, mut terminate): (tokio::signal::unix::Signal, tokio::signal::unix::Signal),
    sender: &watch::Sender<Option<Interrupted>>,
) -> Result<Infallible, Interrupted> {
    loop {
        let interrupted = tokio::select! {
            _ = interrupt.recv() => Interrupted::Interrupt,
            _ = terminate.recv() => Interrupted::Terminate,
        };
        let graceful = {
            let mut state = state();
            state.restore_terminal();
            state.graceful.take()
        };
        if let Some((stop, announce)) = graceful {
            announce();
            stop.cancel();
            continue;
        }
        sender.send_replace(Some(interrupted));
        tokio::time::sleep(CLEAN_UP_TIME).await;
        // A prompt that was just starting may have turned off the terminal's echo after the first restore.
        state().restore_terminal();
        return Err(interrupted);
    }
}

/// Makes the first signal stop the current work gracefully, with a sentence on standard error; the second one ends the
/// program immediately.
pub(crate) fn stop_gracefully(sentence: &'static str) -> CancellationToken {
    // A closed standard error is ignored.
    stop_and_announce(move || _ = writeln!(std::io::stderr(), "\n{sentence}"))
}

/// Like [`stop_gracefully`], for commands that print the sentence themselves.
pub(crate) fn stop_and_announce(announce: impl Fn() + Send + 'static) -> CancellationToken {
    let stop = CancellationToken::new();
    state().graceful = Some((stop.clone(), Box::new(announce)));
    stop
}

/// Removes a folder when a signal ends the program: a command that is still computing cannot do it itself.
pub(crate) fn remove_at_the_end(folder: &Path) {
    state().folders.push(folder.to_owned());
}

fn remove_folders() {
    for folder in &state().folders {
        pappus_engine::work_dir::remove(folder);
    }
}

/// Saves the terminal's settings while `prompt` changes them, so that a signal can restore them.
pub(crate) fn with_terminal<T>(prompt: impl FnOnce() -> T) -> T {
    // The prompt itself reports a missing terminal.
    if let Ok(terminal) = std::fs::File::options().read(true).write(true).open("/dev/tty")
        && let Ok(settings) = tcgetattr(&terminal)
    {
        state().terminal = Some((terminal, settings));
    }
    let result = prompt();
    state().terminal = None;
    result
}
