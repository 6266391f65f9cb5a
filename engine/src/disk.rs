//! Failures of a disk or of the server that provides it, and naming a file without replacing another.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::io::Errno;

/// Error codes that also mean a failure of the disk, and have no [`io::ErrorKind`].
const FAILURE_CODES: [Errno; 8] = [
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
    ) || is_one_of(error, &FAILURE_CODES)
}

/// Returns whether an error has one of these codes.
pub(crate) fn is_one_of(error: &io::Error, codes: &[Errno]) -> bool {
    codes.iter().any(|code| error.raw_os_error() == Some(code.raw_os_error()))
}

/// Gives a file a name that does not exist yet, in the same file system. Unlike a rename, it never replaces a file.
/// The old name may or may not remain.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if the name exists, and the system's errors.
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
                    // This reserves the name with an empty file; a second program gets an error.
                    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?);
                    std::fs::rename(temporary, path).inspect_err(|_| _ = std::fs::remove_file(path))
                }
                Err(error) => Err(error.into()),
            }
        }
        result => result,
    }
}
