//! Listing all objects whose keys have a prefix, even if the server reports the end of a list wrongly.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::ObjectMeta;
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};

/// The start of the next page of a list.
enum PageStart {
    /// The first object.
    First,
    /// The object after the previous page, as a token of the server.
    Token(String),
    /// The object after a key.
    After(String),
}

/// Lists the objects whose keys begin with `prefix`.
///
/// A page without a token is the last one only if the server has no objects after its last key. Some servers return a
/// truncated list without a token. The library for S3 treats it as complete, so files would be missing silently.
pub(crate) fn list(
    store: Arc<AmazonS3>,
    prefix: String,
) -> BoxStream<'static, Result<ObjectMeta, object_store::Error>> {
    let pages = stream::try_unfold(Some((PageStart::First, String::new())), move |state| {
        let (store, prefix) = (Arc::clone(&store), prefix.clone());
        async move {
            let Some((start, last)) = state else { return Ok::<_, object_store::Error>(None) };
            let mut options = PaginatedListOptions::default();
            match &start {
                PageStart::First => {}
                PageStart::Token(token) => options.page_token = Some(token.clone()),
                PageStart::After(key) => options.offset = Some(key.clone()),
            }
            let prefix = Some(prefix.as_str()).filter(|prefix| !prefix.is_empty());
            let page = store.list_paginated(prefix, options).await?;
            let mut objects = page.result.objects;
            if matches!(start, PageStart::After(_)) {
                // A server that does not support the option starts from the beginning.
                objects.retain(|object| *object.location.as_ref() > *last);
            }
            let keys = objects.iter().map(|object| object.location.as_ref());
            let last = keys.chain([last.as_str()]).max().unwrap_or_default().to_owned();
            let state = match page.page_token {
                Some(token)
                    if !objects.is_empty() || matches!(start, PageStart::First | PageStart::Token(_)) =>
                {
                    Some((PageStart::Token(token), last))
                }
                _ if objects.is_empty() => None,
                _ => Some((PageStart::After(last.clone()), last)),
            };
            Ok(Some((stream::iter(objects.into_iter().map(Ok::<_, object_store::Error>)), state)))
        }
    });
    pages.try_flatten().boxed()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use url::Url;
    use zeroize::Zeroizing;

    use super::*;
    use crate::s3::{Readers, S3Access, client};

    /// The way in which a server ends a page that is not the last one.
    #[derive(Clone, Copy)]
    enum PageEnding {
        /// Returns a token, as S3 does.
        Token,
        /// Reports a truncated list, without a token.
        NoToken,
        /// Neither reports truncation nor returns a token.
        Nothing,
        /// Like `Nothing`, and each page starts from the beginning.
        NothingAndRestart,
    }

    const KEYS: [&str; 7] =
        ["images/a", "images/b", "images/c", "images/d", "images/e", "images/f", "images/g"];
    const PAGE_KEYS: usize = 3;

    fn page(request: &str, ending: PageEnding) -> String {
        let query = request.split_whitespace().nth(1).and_then(|path| path.split_once('?')).unwrap().1;
        let parameter = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let after = parameter("continuation-token")
            .or_else(|| parameter("start-after").filter(|_| !matches!(ending, PageEnding::NothingAndRestart)))
            .unwrap_or_default();
        let rest: Vec<&str> = KEYS.into_iter().filter(|key| *key > after.as_str()).collect();
        let objects = rest.iter().take(PAGE_KEYS).fold(String::new(), |objects, key| {
            objects + &format!("<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-11-22T10:00:00.000Z</LastModified><ETag>\"1\"</ETag></Contents>")
        });
        let is_truncated =
            rest.len() > PAGE_KEYS && !matches!(ending, PageEnding::Nothing | PageEnding::NothingAndRestart);
        let token = match ending {
            PageEnding::Token if is_truncated => {
                format!("<NextContinuationToken>{}</NextContinuationToken>", rest[PAGE_KEYS - 1])
            }
            _ => String::new(),
        };
        format!(
            "<ListBucketResult><Name>b</Name><IsTruncated>{is_truncated}</IsTruncated>{token}{objects}\
             </ListBucketResult>"
        )
    }

    fn server(ending: PageEnding) -> Arc<AmazonS3> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte).is_ok_and(|read| read > 0) {
                    head.push(byte[0]);
                }
                let body = page(&String::from_utf8_lossy(&head), ending);
                let head =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                connection.write_all((head + &body).as_bytes()).unwrap();
            }
        });
        let access = S3Access {
            bucket: "b".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: Some(Url::parse(&format!("http://127.0.0.1:{port}")).unwrap()),
            key: "AKIA".to_owned(),
            secret: Zeroizing::new("hunter2".to_owned()),
            token: None,
            patience: Duration::from_secs(5),
        };
        Arc::new(client(&access, Readers::Podmin).unwrap())
    }

    #[tokio::test]
    async fn every_object_is_listed_once_for_each_kind_of_server() {
        for (ending, expected) in [
            (PageEnding::Token, 7),
            (PageEnding::NoToken, 7),
            (PageEnding::Nothing, 7),
            // Objects that such a server hides cannot be found, but the list ends.
            (PageEnding::NothingAndRestart, 3),
        ] {
            let found: Vec<ObjectMeta> =
                list(server(ending), "images/".to_owned()).try_collect().await.unwrap();
            let keys: Vec<&str> = found.iter().map(|object| object.location.as_ref()).collect();
            assert_eq!(keys, KEYS[..expected]);
        }
    }
}
