//! `pappus` in a pseudo-terminal, as a person at a keyboard sees it.

use std::io::{Read as _, Write as _};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use pappus_tests::program::program;
use pty_process::blocking::{Command, Pts, Pty};
use rustix::termios::{LocalModes, tcgetattr};

/// A program that has not done what was expected by then never will.
const PATIENCE: Duration = Duration::from_mins(1);
/// Enough that nothing scrolls away.
const ROWS: u16 = 60;
/// The key Ctrl-C.
pub(super) const CTRL_C: &str = "\x03";

/// A terminal with a program in it.
pub(super) struct Terminal {
    child: Child,
    keyboard: Arc<Pty>,
    /// Kept open, so that the terminal outlives the program and its settings can be looked at.
    line: Pts,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Everything the program has written, with control characters.
    pub(super) written: String,
    /// What the screen looked like after each piece of output.
    pub(super) frames: Vec<String>,
}

impl Terminal {
    /// Starts `pappus` in a terminal of so many columns.
    pub(super) fn start(columns: u16, arguments: &[String]) -> Self {
        let (keyboard, line) = pty_process::blocking::open().unwrap();
        keyboard.resize(pty_process::Size::new(ROWS, columns)).unwrap();
        let mut command = program("pappus");
        command.args(arguments).env("TERM", "xterm");
        let child = Command::from(command).spawn_borrowed(&line).unwrap();
        let keyboard = Arc::new(keyboard);
        let (send, output) = channel();
        let reader = Arc::clone(&keyboard);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Fails when nobody has the terminal open any more.
            while let Ok(count @ 1..) = (&*reader).read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(ROWS.try_into().unwrap(), columns.try_into().unwrap(), 0);
        Self { child, keyboard, line, output, screen, written: String::new(), frames: Vec::new() }
    }

    /// What is on the screen.
    pub(super) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until a text is on the screen.
    pub(super) fn wait_for(&mut self, text: &str) {
        self.wait_for_nth(text, 1);
    }

    /// Waits until a text is on the screen so many times.
    pub(super) fn wait_for_nth(&mut self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.text().matches(text).count() < times {
            assert!(Instant::now() < deadline, "{text:?} does not appear:\n{}", self.text());
            let over = matches!(self.child.try_wait(), Ok(Some(_)));
            let silent = !self.look(Duration::from_millis(50));
            assert!(!(silent && over), "the program has ended without {text:?}:\n{}", self.text());
        }
    }

    /// Takes what the program writes within a time; false when it writes nothing.
    fn look(&mut self, time: Duration) -> bool {
        match self.output.recv_timeout(time) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.written.push_str(&String::from_utf8_lossy(&bytes));
                self.frames.push(self.text());
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Presses keys.
    pub(super) fn press(&mut self, keys: &str) {
        (&*self.keyboard).write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line and presses Enter.
    pub(super) fn enter(&mut self, text: &str) {
        self.press(&format!("{text}\r"));
    }

    /// Sends the program a signal of this name.
    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Whether the terminal shows what is typed.
    pub(super) fn echoes(&self) -> bool {
        tcgetattr(&self.line)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON)
    }

    /// Waits for the program's end.
    pub(super) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.look(Duration::from_millis(20));
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.look(Duration::from_millis(100)) {}
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end:\n{}", self.text());
        }
    }

    /// Waits for the program's end and returns its exit code.
    pub(super) fn code(&mut self) -> Option<i32> {
        self.wait().code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that has failed leaves no program behind.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}
