//! Fetching posts from pods that have them, send us on, or lie.

use std::time::Duration;

use super::double::{Server, client, serve};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use pappus_engine::discovery::{Discovery, DiscoveryError, FetchError, PostName, WantedPost};
use pappus_engine::domain::Guid;

fn guid(number: u32) -> Guid {
    format!("{number:032x}").parse().unwrap()
}

fn wanted(name: PostName, number: u32, hosts: &[&Server]) -> WantedPost {
    WantedPost { name, guid: guid(number), hosts: hosts.iter().map(|server| server.host()).collect() }
}

fn status(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

fn to(location: &str) -> Response {
    Response::builder().status(302).header("location", location).body(Body::empty()).unwrap()
}

/// A pod that has the posts and polls 1 to 99.
async fn pod() -> Server {
    serve(|request: Request| {
        let path = request.uri().path();
        let guid = path.strip_prefix("/fetch/post/").or_else(|| path.strip_prefix("/fetch/poll/"));
        let number = guid.and_then(|guid| u32::from_str_radix(guid, 16).ok());
        if number.is_some_and(|number| (1..100).contains(&number)) {
            let folder =
                concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/federation/contact.envelope.xml");
            Response::new(Body::from(std::fs::read(folder).unwrap()))
        } else {
            status(404)
        }
    })
    .await
}

#[tokio::test]
async fn from_the_pod_that_has_it_directly_or_by_way_of_another() {
    let author = pod().await;
    let next = format!("http://{}", author.host());
    let old = serve(move |request: Request| to(&format!("{next}{}", request.uri().path()))).await;
    let discovery = Discovery::new(client([author.host(), old.host()]), Duration::from_secs(20));
    let posts = [
        wanted(PostName::Post, 1, &[&author]),
        wanted(PostName::Poll, 2, &[&old]),
        wanted(PostName::Post, 200, &[&author, &old]),
        wanted(PostName::Post, 3, &[]),
    ];
    let found = discovery.fetch_posts(&posts).await;
    assert!(found[0].is_ok(), "{:?}", found[0]);
    assert!(found[1].is_ok(), "{:?}", found[1]);
    assert!(matches!(found[2], Err(FetchError::Request(DiscoveryError::Closed(_)))), "{:?}", found[2]);
    assert_eq!(found[3].as_ref().unwrap_err(), &FetchError::NobodyToAsk);
    let many: Vec<WantedPost> = (1..100).map(|number| wanted(PostName::Post, number, &[&author])).collect();
    assert!(discovery.fetch_posts(&many).await.iter().all(Result::is_ok));
    assert_eq!(author.most.load(std::sync::atomic::Ordering::SeqCst), 2, "two requests at a time");
}

#[tokio::test]
async fn nobody_is_sent_anywhere_but_to_the_same_post() {
    let inside = serve(|_| status(200)).await;
    let (host, path) = (inside.host(), format!("/fetch/post/{}", guid(4)));
    let locations = [
        (1, format!("http://{host}/secret")),
        (2, format!("http://{host}/fetch/post/{}", guid(9))),
        (3, "ftp://example.org/".to_owned()),
        // The right path, on a host that nobody allowed.
        (4, format!("http://localhost:{}{path}", inside.address.port())),
        (5, "x".repeat(5000)),
    ];
    let answers = locations.clone();
    let liar = serve(move |request: Request| {
        let asked = |number: &u32| request.uri().path().ends_with(guid(*number).as_str());
        answers.iter().find(|(number, _)| asked(number)).map_or_else(|| status(404), |(_, url)| to(url))
    })
    .await;
    let discovery = Discovery::new(client([liar.host()]), Duration::from_secs(20));
    let posts: Vec<WantedPost> =
        locations.iter().map(|(number, _)| wanted(PostName::Post, *number, &[&liar])).collect();
    for (answer, (number, location)) in discovery.fetch_posts(&posts).await.iter().zip(&locations) {
        assert!(answer.is_err(), "{number} {location}");
    }
    assert_eq!(inside.requests(), 0);
    // Two pods that send everybody to each other end after one step.
    let there = serve(move |request: Request| to(&format!("http://{}{}", host, request.uri().path()))).await;
    let discovery = Discovery::new(client([there.host(), inside.host()]), Duration::from_secs(20));
    let found = discovery.fetch_posts(&[wanted(PostName::Post, 6, &[&there])]).await;
    assert!(matches!(found[0], Err(FetchError::Envelope(_))), "{:?}", found[0]);
    assert_eq!(inside.requests(), 1);
}

#[tokio::test]
async fn the_time_for_all_posts_is_bounded() {
    let slow = serve(|_| {
        std::thread::sleep(Duration::from_millis(200));
        status(404)
    })
    .await;
    let discovery = Discovery::new(client([slow.host()]), Duration::from_millis(600));
    let posts: Vec<WantedPost> = (1..50).map(|number| wanted(PostName::Post, number, &[&slow])).collect();
    let start = std::time::Instant::now();
    let found = discovery.fetch_posts(&posts).await;
    assert!(start.elapsed() < Duration::from_secs(8));
    let out_of_time = |answer: &Result<_, FetchError>| {
        matches!(answer, Err(FetchError::Request(DiscoveryError::OutOfTime(_))))
    };
    assert!(found.iter().filter(|answer| out_of_time(answer)).count() > 20);
    assert!(discovery.fetch_posts(&posts).await.iter().all(out_of_time), "nothing is left for another call");
}
