//! What a server for S3 says when something is wrong, and what that means.

/// Characters of what a server says that are passed on.
const MAX_SAID: usize = 200;

/// No such object; a bucket that is gone is no missing photo.
pub(crate) fn is_missing(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. }) && code(&error.to_string()) != Some("NoSuchBucket")
}

/// This object is not to be had, others may be.
pub(crate) fn is_refused(error: &object_store::Error) -> bool {
    matches!(code(&error.to_string()), Some("AccessDenied" | "InvalidObjectState"))
}

/// The name of an error in the answer of a server.
pub(crate) fn code(text: &str) -> Option<&str> {
    tag(text, "<Code>", "</Code>")
}

fn tag<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.split_once(begin)?.1.split_once(end).map(|(inside, _)| inside)
}

/// What went wrong, for people, in one line. The whole error has addresses, times and XML in it.
pub(crate) fn why(error: &object_store::Error) -> String {
    let text = error.to_string();
    match code(&text) {
        Some(code) => why_code(code, &text),
        None => without_code(error, &text),
    }
}

/// The same of an answer with such a name in it.
pub(super) fn why_code(code: &str, text: &str) -> String {
    let meaning = match code {
        "NoSuchBucket" => "there is no such bucket",
        "InvalidAccessKeyId" => "the server does not know the access key",
        "SignatureDoesNotMatch" => "the secret of the access key is wrong",
        "ExpiredToken" | "InvalidToken" => "the access key is not valid any more",
        "AccessDenied" => "the access key does not allow it",
        "InvalidObjectState" => {
            "it is in an archive at the server, and must be brought back from there first"
        }
        "RequestTimeTooSkewed" => "the clock of this machine is wrong",
        "AccessControlListNotSupported" => {
            "the bucket allows no public-read objects, which diaspora* needs as well; allow access lists in it"
        }
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            "the bucket is in another region"
        }
        _ => tag(text, "<Message>", "</Message>").unwrap_or("the server refuses"),
    };
    one_line(&format!("{meaning} ({code})"))
}

fn without_code(error: &object_store::Error, text: &str) -> String {
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
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect()
}
