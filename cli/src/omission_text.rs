//! Omissions as text.

use pappus_engine::domain::{OmissionCode, RecordKind};
use pappus_engine::export::LeftOut;

use crate::commands::counted;

/// Describes the records left out for one reason: the number of each kind, and the reason.
pub(crate) fn line(left_out: &LeftOut) -> String {
    let LeftOut { code, record, count, reason } = left_out;
    let records = counted(*count, record.map_or("record", noun));
    // Omits reasons that only apply to the first record.
    let example = match (code, count) {
        (OmissionCode::MissingParent | OmissionCode::MissingFile | OmissionCode::EmptyFile, _) => {
            String::new()
        }
        _ if reason.is_empty() => String::new(),
        (_, 1) => format!(" ({reason})"),
        _ => format!(" (the first: {reason})"),
    };
    format!("{records} {}{example}", clause(*code))
}

fn noun(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Account => "account",
        RecordKind::Contact => "contact",
        RecordKind::Block => "ignored person",
        RecordKind::Post => "post",
        RecordKind::Photo => "photo record",
        RecordKind::PhotoFile => "photo",
        RecordKind::Poll => "poll",
        RecordKind::Comment => "comment",
        RecordKind::Like => "like",
        RecordKind::PollParticipation => "vote",
        RecordKind::Person => "person",
        RecordKind::Conversation => "conversation",
        RecordKind::Message => "message",
        RecordKind::Subscription => "subscription",
    }
}

/// Returns a relative clause with the reason.
fn clause(code: OmissionCode) -> &'static str {
    match code {
        OmissionCode::MissingParent => "whose post is gone",
        OmissionCode::MissingPerson => "whose person is gone",
        OmissionCode::MissingFile => "whose file is missing",
        OmissionCode::UnreadableFile => "whose file cannot be read",
        OmissionCode::EmptyFile => "whose file is empty",
        OmissionCode::UnsafeFileName => "whose file has a name that is not safe",
        OmissionCode::TooManyFiles => "beyond the number an archive can hold",
        OmissionCode::UnreadableKey => "whose key is missing or broken",
        OmissionCode::KeyMismatch => "whose private key does not match the public key",
        OmissionCode::NoSignature => "that are not signed",
        OmissionCode::NoSignatureOrder => "whose signature can no longer be checked",
        OmissionCode::UnreadableAdditionalData => "with a damaged signed part",
        OmissionCode::InvalidIdentifier => "with a name the network does not allow",
        OmissionCode::MissingValue => "that lack a required value",
        OmissionCode::UnreadableTime => "with a time that cannot be represented",
        OmissionCode::UnreadableNumber => "with a number or flag that cannot be read",
        OmissionCode::UnreadableSetting => "with a setting that cannot be read",
        OmissionCode::TooLarge => "larger than readers accept",
        OmissionCode::StockLimit => "that would stop a stock pod's importer, kept in extras.json",
        OmissionCode::UnknownType => "of a kind the archive has no place for",
    }
}
