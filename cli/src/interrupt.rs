//! Ctrl-C and SIGTERM: answered at once, with the terminal as it was and no half-written file.

use std::convert::Infallible;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Time in which a command that waits for something can remove its temporary files. Whoever is busy with a long
/// computation is not waited for any longer.
const CLEAN_UP: Duration = Duration::from_millis(500);

/// The signal that ends the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, or a machine that shuts down.
    Terminate,
}

impl Interrupted {
    /// 128 and the signal's number, as shells count.
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

/// What a signal meets.
struct State {
    /// The terminal's settings from before a prompt.
    terminal: Option<(std::fs::File, Termios)>,
    /// Folders with files in the making, which are removed before the program ends.
    folders: Vec<PathBuf>,
    /// A command that finishes what it has begun before it stops, and what it says then.
    graceful: Option<(watch::Sender<bool>, &'static str)>,
}

impl State {
    fn restore_terminal(&self) {
        if let Some((terminal, settings)) = &self.terminal {
            // A terminal that has gone away needs no settings.
            _ = tcsetattr(terminal, OptionalActions::Now, settings);
        }
    }
}

static STATE: Mutex<State> = Mutex::new(State { terminal: None, folders: Vec::new(), graceful: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens for signals, on a thread of its own: the command's may be busy or wait for a key.
pub(crate) struct Listener(watch::Receiver<Option<Interrupted>>);

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system has no thread left, or no file descriptor.
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (told, telling) = watch::channel(None);
        let signals = {
            let _context = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let listen = move || {
            let Err(interrupted) = runtime.block_on(listen(signals, &told));
            remove_folders();
            std::process::exit(interrupted.code().into());
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(Self(telling))
    }

    /// Waits for a signal that ends the program.
    pub(crate) async fn interrupted(&mut self) -> Interrupted {
        match self.0.wait_for(Option::is_some).await.map(|told| *told) {
            Ok(Some(interrupted)) => interrupted,
            // The listening thread ends with the program only.
            _ => std::future::pending().await,
        }
    }

    /// Returns the signal that has ended a prompt, if one has.
    pub(crate) fn now(&self) -> Option<Interrupted> {
        *self.0.borrow()
    }
}

/// Hands signals out; ends with the one after which the program has not ended by itself.
async fn listen(
    (mut interrupt, mut terminate): (tokio::signal::unix::Signal, tokio::signal::unix::Signal),
    told: &watch::Sender<Option<Interrupted>>,
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
        if let Some((stop, sentence)) = graceful {
            // Whoever has closed standard error does not want to know.
            _ = writeln!(std::io::stderr(), "\n{sentence}");
            _ = stop.send(true);
            continue;
        }
        told.send_replace(Some(interrupted));
        tokio::time::sleep(CLEAN_UP).await;
        // A prompt that was just beginning may have silenced the terminal after the first time.
        state().restore_terminal();
        return Err(interrupted);
    }
}

/// Lets the first signal stop what is going on in good order, with a sentence on standard error; the second one ends the
/// program at once.
pub(crate) fn stop_gracefully(sentence: &'static str) -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    state().graceful = Some((stop, sentence));
    stopped
}

/// Removes a folder when a signal ends the program: a computation that goes on until the end cannot do it itself.
pub(crate) fn remove_at_the_end(folder: &Path) {
    state().folders.push(folder.to_owned());
}

fn remove_folders() {
    for folder in &state().folders {
        pappus_engine::work_dir::remove(folder);
    }
}

/// Remembers the terminal's settings while `prompt` changes them, so that a signal can restore them.
pub(crate) fn with_terminal<T>(prompt: impl FnOnce() -> T) -> T {
    // Without a terminal the prompt itself says so.
    if let Ok(terminal) = std::fs::File::options().read(true).write(true).open("/dev/tty")
        && let Ok(settings) = tcgetattr(&terminal)
    {
        state().terminal = Some((terminal, settings));
    }
    let result = prompt();
    state().terminal = None;
    result
}
