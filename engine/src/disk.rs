//! Failures of a disk, or of the server behind it, and names given to files without replacing any.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::io::Errno;

/// Error codes that mean the same as the kinds below and have none of their own.
const CODES: [Errno; 8] = [
    Errno::IO,
    Errno::NXIO,
    Errno::NODEV,
    Errno::REMOTEIO,
    Errno::NOMEDIUM,
    Errno::SHUTDOWN,
    Errno::HOSTDOWN,
    Errno::NOLINK,
];

/// Returns whether the disk itself has failed, was removed, or is out of reach, rather than one file on it.
pub(crate) fn has_failed(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::StaleNetworkFileHandle
            | Kind::NotADirectory
            | Kind::NotConnected
            | Kind::TimedOut
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::ConnectionAborted
            | Kind::ConnectionReset
    ) || is_one_of(error, &CODES)
}

/// Returns whether an error has one of these codes.
pub(crate) fn is_one_of(error: &io::Error, codes: &[Errno]) -> bool {
    codes.iter().any(|code| error.raw_os_error() == Some(code.raw_os_error()))
}

/// Gives a file a name that nothing has yet, in the same file system; the old name may or may not remain. Unlike a
/// rename, it never replaces a file.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when something has the name, and the system's errors.
pub(crate) fn name_once(temporary: &Path, path: &Path) -> io::Result<()> {
    match std::fs::hard_link(temporary, path) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound | io::ErrorKind::StorageFull
            ) =>
        {
            // File systems without hard links: a rename that does not replace, where supported.
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            match renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(()),
                Err(Errno::INVAL | Errno::NOSYS) => {
                    // The name is ours from here on, empty for a moment; a second program is refused.
                    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?);
                    std::fs::rename(temporary, path).inspect_err(|_| _ = std::fs::remove_file(path))
                }
                Err(error) => Err(error.into()),
            }
        }
        done => done,
    }
}
