//! Lists all objects under a prefix, even if the server reports the end of a list wrongly.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::ObjectMeta;
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};

/// The next page of a list.
enum Next {
    First,
    /// The page for a token of the server.
    Token(String),
    /// The page after a key.
    Behind(String),
}

/// Lists the objects whose keys begin with `prefix`.
///
/// A page without a token is the last one only if nothing follows its last key. Some servers report a truncated list
/// and give no token; the library for S3 then treats it as complete, and files would be missing silently.
pub(crate) fn list(
    store: Arc<AmazonS3>,
    prefix: String,
) -> BoxStream<'static, Result<ObjectMeta, object_store::Error>> {
    let pages = stream::try_unfold(Some((Next::First, String::new())), move |state| {
        let (store, prefix) = (Arc::clone(&store), prefix.clone());
        async move {
            let Some((next, last)) = state else { return Ok::<_, object_store::Error>(None) };
            let mut options = PaginatedListOptions::default();
            match &next {
                Next::First => {}
                Next::Token(token) => options.page_token = Some(token.clone()),
                Next::Behind(key) => options.offset = Some(key.clone()),
            }
            let prefix = Some(prefix.as_str()).filter(|prefix| !prefix.is_empty());
            let page = store.list_paginated(prefix, options).await?;
            let mut objects = page.result.objects;
            if matches!(next, Next::Behind(_)) {
                // A server that does not support the option starts from the beginning.
                objects.retain(|object| *object.location.as_ref() > *last);
            }
            let keys = objects.iter().map(|object| object.location.as_ref());
            let last = keys.chain([last.as_str()]).max().unwrap_or_default().to_owned();
            let state = match page.page_token {
                Some(token) if !objects.is_empty() || matches!(next, Next::First | Next::Token(_)) => {
                    Some((Next::Token(token), last))
                }
                _ if objects.is_empty() => None,
                _ => Some((Next::Behind(last.clone()), last)),
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

    /// The way in which a server ends its pages.
    #[derive(Clone, Copy)]
    enum Manner {
        /// With a token, as S3 does.
        Token,
        /// Reports a truncated list, without a token.
        NoToken,
        /// Neither reports truncation nor gives a token.
        Nothing,
        /// Like `Nothing`, and always starts from the beginning.
        NothingAndAnew,
    }

    const KEYS: [&str; 7] =
        ["images/a", "images/b", "images/c", "images/d", "images/e", "images/f", "images/g"];
    const PAGE: usize = 3;

    fn page(request: &str, manner: Manner) -> String {
        let query = request.split_whitespace().nth(1).and_then(|path| path.split_once('?')).unwrap().1;
        let of = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let after = of("continuation-token")
            .or_else(|| of("start-after").filter(|_| !matches!(manner, Manner::NothingAndAnew)))
            .unwrap_or_default();
        let rest: Vec<&str> = KEYS.into_iter().filter(|key| *key > after.as_str()).collect();
        let objects = rest.iter().take(PAGE).fold(String::new(), |objects, key| {
            objects + &format!("<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-11-22T10:00:00.000Z</LastModified><ETag>\"1\"</ETag></Contents>")
        });
        let more = rest.len() > PAGE && !matches!(manner, Manner::Nothing | Manner::NothingAndAnew);
        let token = match manner {
            Manner::Token if more => {
                format!("<NextContinuationToken>{}</NextContinuationToken>", rest[PAGE - 1])
            }
            _ => String::new(),
        };
        format!(
            "<ListBucketResult><Name>b</Name><IsTruncated>{more}</IsTruncated>{token}{objects}</ListBucketResult>"
        )
    }

    fn server(manner: Manner) -> Arc<AmazonS3> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte).is_ok_and(|read| read > 0) {
                    head.push(byte[0]);
                }
                let body = page(&String::from_utf8_lossy(&head), manner);
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
    async fn every_object_is_listed_once_whatever_the_server_says() {
        for (manner, expected) in [
            (Manner::Token, 7),
            (Manner::NoToken, 7),
            (Manner::Nothing, 7),
            // Objects that such a server hides cannot be found, but the list ends.
            (Manner::NothingAndAnew, 3),
        ] {
            let found: Vec<ObjectMeta> =
                list(server(manner), "images/".to_owned()).try_collect().await.unwrap();
            let keys: Vec<&str> = found.iter().map(|object| object.location.as_ref()).collect();
            assert_eq!(keys, KEYS[..expected]);
        }
    }
}
