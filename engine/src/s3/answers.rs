//! Interpretation of error responses of S3 servers.

/// The maximum length of a description, in characters.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// Codes of servers that ask to come again.
const BUSY: [&str; 6] =
    ["InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "ServerBusy", "OperationAborted"];

/// Returns whether the object does not exist; a missing bucket does not count.
pub(crate) fn is_missing(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. }) && code(&error.to_string()) != Some("NoSuchBucket")
}

/// Returns whether the server refuses access to this object; others may be accessible.
pub(crate) fn is_refused(error: &object_store::Error) -> bool {
    matches!(code(&error.to_string()), Some("AccessDenied" | "InvalidObjectState"))
}

/// Returns whether the key may not access this object.
pub(crate) fn is_denied(error: &object_store::Error) -> bool {
    code(&error.to_string()) == Some("AccessDenied")
}

/// Returns whether the server is out of reach or busy, rather than that it has refused.
pub(crate) fn is_unavailable(error: &object_store::Error) -> bool {
    use object_store::Error as S3Error;
    match code(&error.to_string()) {
        Some(code) => BUSY.contains(&code) || code.starts_with("XMinioServer"),
        None => !matches!(
            error,
            S3Error::NotFound { .. }
                | S3Error::PermissionDenied { .. }
                | S3Error::Unauthenticated { .. }
                | S3Error::InvalidPath { .. }
        ),
    }
}

/// Returns whether the server does not support conditional writes.
pub(crate) fn lacks_conditional_put(error: &object_store::Error) -> bool {
    code(&error.to_string()) == Some("NotImplemented")
}

/// Returns the error code in a server's response.
pub(crate) fn code(text: &str) -> Option<&str> {
    tag(text, "<Code>", "</Code>")
}

fn tag<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.split_once(begin)?.1.split_once(end).map(|(inside, _)| inside)
}

/// Returns a readable description of the error in one line. The full error contains URLs, times and XML.
pub(crate) fn why(error: &object_store::Error) -> String {
    let text = error.to_string();
    match code(&text) {
        Some(code) => describe_code(code, &text),
        None => describe_without_code(error, &text),
    }
}

/// Returns a readable description of a response with an error code.
pub(super) fn describe_code(code: &str, text: &str) -> String {
    let meaning = match code {
        "NoSuchBucket" => "there is no such bucket",
        "InvalidAccessKeyId" => "the server does not know the access key",
        "SignatureDoesNotMatch" => "the secret of the access key is wrong",
        "ExpiredToken" | "InvalidToken" => "the access key is no longer valid",
        "AccessDenied" => "the access key does not allow it",
        "InvalidObjectState" => "the server has moved it to an archive; it must be restored from there first",
        "RequestTimeTooSkewed" => "the clock of this machine is wrong",
        "AccessControlListNotSupported" => {
            "the bucket does not allow public-read objects, which diaspora* needs, too; enable access lists for it"
        }
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            "the bucket is in another region"
        }
        _ => tag(text, "<Message>", "</Message>").unwrap_or("the server refuses the request"),
    };
    one_line(&format!("{meaning} ({code})"))
}

fn describe_without_code(error: &object_store::Error, text: &str) -> String {
    if text.contains("without LOCATION") {
        return "the bucket is in another region".to_owned();
    }
    if let Some(status) = tag(text, "status code: ", ":") {
        return one_line(&format!("the server answers {status}"));
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    one_line(&format!("the server did not answer, or broke off: {cause}"))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DESCRIPTION_CHARS).collect()
}
