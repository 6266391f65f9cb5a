//! Failures of a disk, or of the server behind it.

use std::io;

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
