//! Finds unfinished uploads in parts, which killed programs leave in a bucket. They are charged for, but are not listed
//! as objects.
//!
//! The library for S3 cannot list them, so they are requested here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;

use crate::s3::{S3Access, ask_bucket};
use crate::xml::Element;

/// The number of uploads per response.
const PAGE_UPLOADS: usize = 200;
/// The maximum bytes of a response: a key has up to 1024, and each upload has other fields.
const MAX_RESPONSE_BYTES: usize = PAGE_UPLOADS * 5_000;
/// The maximum number of responses; a server that has more is broken.
const MAX_PAGES: usize = 10_000;

/// An upload that was started and neither completed nor aborted.
pub(super) struct UnfinishedUpload {
    pub(super) key: String,
    pub(super) id: String,
    pub(super) begun: SystemTime,
}

/// Returns all unfinished uploads to keys with this prefix.
///
/// # Errors
/// The error, for display.
pub(super) async fn unfinished(access: &S3Access, prefix: &str) -> Result<Vec<UnfinishedUpload>, String> {
    let mut all = Vec::new();
    let mut after: Option<(String, String)> = None;
    for _ in 0..MAX_PAGES {
        let response = ask_bucket(access, &query(prefix, after.as_ref()), MAX_RESPONSE_BYTES).await?;
        let list = Element::parse(&response, MAX_RESPONSE_BYTES)
            .map_err(|error| format!("the server's response: {error}"))?;
        let uploads: Vec<UnfinishedUpload> =
            list.children.iter().filter(|child| child.name == "Upload").filter_map(read).collect();
        let text = |name| list.child(name).map(|child| child.text.trim().to_owned());
        let is_truncated = text("IsTruncated").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        // Some servers report that there is more without the position to continue from.
        let end = uploads.last().map(|upload| (upload.key.clone(), upload.id.clone()));
        let next = text("NextKeyMarker").zip(text("NextUploadIdMarker")).or(end);
        all.extend(uploads);
        if !is_truncated || next.is_none() || next == after {
            break;
        }
        after = next;
    }
    Ok(all)
}

/// Returns the query for the page after a key and an upload, or for the first.
fn query(prefix: &str, after: Option<&(String, String)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some((key, id)) = after {
        query.append_pair("key-marker", key);
        query.append_pair("upload-id-marker", id);
    }
    query.append_pair("max-uploads", &PAGE_UPLOADS.to_string()).append_pair("prefix", prefix);
    query.append_pair("uploads", "");
    query.finish()
}

fn read(upload: &Element) -> Option<UnfinishedUpload> {
    let text = |name| upload.child(name).map(|child| child.text.trim());
    let begun = DateTime::parse_from_rfc3339(text("Initiated")?).ok()?;
    let begun = UNIX_EPOCH + Duration::from_secs(u64::try_from(begun.timestamp()).ok()?);
    Some(UnfinishedUpload { key: text("Key")?.to_owned(), id: text("UploadId")?.to_owned(), begun })
}
