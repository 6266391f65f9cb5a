//! TLS errors as text.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Returns the problem, if the error is a TLS error.
pub(super) fn problem(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<TlsError>() {
        return Some(describe(error));
    }
    // An I/O error does not return its inner error as its cause.
    problem(error.downcast_ref::<io::Error>()?.get_ref()?)
}

fn describe(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(error) => describe_certificate_error(error),
        TlsError::NoCertificatesPresented => "it presents no certificate".to_owned(),
        TlsError::InvalidMessage(_) => "the server on this port does not speak TLS".to_owned(),
        TlsError::PeerIncompatible(_)
        | TlsError::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure) => {
            "it supports no safe version of TLS (1.2 or 1.3)".to_owned()
        }
        TlsError::AlertReceived(AlertDescription::UnrecognisedName) => {
            "it has no certificate for this host".to_owned()
        }
        other => other.to_string(),
    }
}

fn describe_certificate_error(error: &CertificateError) -> String {
    let self_signed = "its certificate is self-signed, or of an authority that is not trusted here";
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host".to_owned()
        }
        CertificateError::UnknownIssuer => self_signed.to_owned(),
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        // A self-signed authority certificate causes this error; `openssl req -x509` makes those.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            self_signed.to_owned()
        }
        other => format!("its certificate cannot be used: {other}"),
    }
}
