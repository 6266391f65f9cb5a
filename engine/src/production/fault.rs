//! The cause of a failed export: the account, or something that all accounts need.

use std::io;

use crate::depot::is_of_the_disk;
use crate::export::{ExportError, OutputError};
use crate::pod::database::DatabaseError;
use crate::pod::reader::ReadError;

/// The cause of a failed export.
pub(crate) enum Fault {
    /// The account itself; others may succeed.
    Account(String),
    /// The account has left the pod since the list was written.
    Gone,
    /// The connection to the pod's database was lost, or there was none.
    Lost(String),
    /// The pod's database, or its treatment of the account's rows.
    Database(String),
    /// A table of the pod's database is missing, or the right to read it.
    Tables(String),
    /// The pod's photos as a whole.
    Uploads(String),
    /// The disk that archives are written to.
    Disk(String),
}

/// Classifies an export error by its cause.
pub(crate) fn fault(error: &ExportError) -> Fault {
    let reason = error.to_string();
    match error {
        ExportError::Read(ReadError::Database(DatabaseError::Statement { .. })) => Fault::Database(reason),
        ExportError::Read(ReadError::Database(
            DatabaseError::Missing { .. } | DatabaseError::Denied { .. },
        )) => Fault::Tables(reason),
        ExportError::Read(ReadError::Database(_)) => Fault::Lost(reason),
        ExportError::Read(ReadError::Uploads(_)) => Fault::Uploads(reason),
        ExportError::Read(ReadError::UnknownAccount { .. }) => Fault::Gone,
        ExportError::Output(OutputError::Busy(_) | OutputError::Exists(_)) => Fault::Account(reason),
        error if is_caused_by_disk(error) => Fault::Disk(reason),
        _ => Fault::Account(reason),
    }
}

/// Returns whether an error, or one of its causes, is a failure of the disk as a whole.
fn is_caused_by_disk(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && is_disk_error(error)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_disk_error(error: &io::Error) -> bool {
    is_of_the_disk(error) || error.get_ref().is_some_and(|inner| is_caused_by_disk(inner))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::archive::writer::WriteError;

    #[test]
    fn a_full_disk_is_not_the_accounts_fault() {
        let full = || io::Error::from_raw_os_error(28);
        let folder = PathBuf::from("/srv/out");
        for error in [
            ExportError::Output(OutputError::Io { path: folder.clone(), source: full() }),
            ExportError::Write { folder: folder.clone(), source: WriteError::Io(full()) },
            ExportError::Write { folder: folder.clone(), source: WriteError::Io(io::Error::other(full())) },
            ExportError::Write {
                folder: folder.clone(),
                source: WriteError::Zip {
                    entry: "diaspora.json".to_owned(),
                    source: zip::result::ZipError::Io(full()),
                },
            },
        ] {
            assert!(matches!(fault(&error), Fault::Disk(_)), "{error:?}");
        }
        let too_large = io::Error::from_raw_os_error(27);
        let error = ExportError::Write { folder, source: WriteError::Io(too_large) };
        assert!(matches!(fault(&error), Fault::Account(_)));
    }

    #[test]
    fn a_missing_folder_is_not_the_accounts_fault() {
        for code in [2, 13, 107, 110, 116] {
            let source = io::Error::from_raw_os_error(code);
            let error =
                ExportError::Output(OutputError::Io { path: PathBuf::from("/srv/out/.x.part"), source });
            assert!(matches!(fault(&error), Fault::Disk(_)), "{error:?}");
        }
    }
}
