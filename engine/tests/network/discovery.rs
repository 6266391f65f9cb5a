//! Finding people on pods that answer, and on pods that do not.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::double::{Counters, Misbehaviour, Server, client, misbehave, serve, serve_together};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::LOCATION;
use axum::response::Response;
use pappus_engine::discovery::{
    DiscoveredPerson, Discovery, DiscoveryError, FetchError, PostName, WantedPost,
};
use pappus_engine::domain::DiasporaId;
use pappus_engine::http::{Client, HttpError};

const BUDGET: Duration = Duration::from_secs(20);

fn vector(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/federation");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

fn people(host: &str, count: usize) -> Vec<DiasporaId> {
    (0..count).map(|number| format!("person{number}@{host}").parse().unwrap()).collect()
}

fn not_found() -> Response {
    Response::builder().status(404).body(Body::empty()).unwrap()
}

fn text(text: impl Into<String>) -> Response {
    Response::new(Body::from(text.into()))
}

/// The links of WebFinger for a host, JRD.
fn jrd(account: &str, base: &str) -> String {
    vector("webfinger.json")
        .replace("acct:odile.b@island.pod.test:3002", account)
        .replace("https://island.pod.test:3002", base)
}

/// A pod where everybody lives but people with "closed" or "rude" in their names.
fn pod(request: &Request) -> Response {
    let base = format!("http://{}", request.headers()["host"].to_str().unwrap());
    let query = request.uri().query().unwrap_or_default();
    match request.uri().path() {
        "/.well-known/webfinger" => match query.strip_prefix("resource=") {
            Some(account) if account.contains("rude") => text(jrd("acct:somebody@else.test", &base)),
            Some(account) if !account.contains("closed") => text(jrd(account, &base)),
            _ => not_found(),
        },
        path if path.starts_with("/hcard/users/") => text(vector("hcard.html")),
        _ => not_found(),
    }
}

async fn living_pod() -> Server {
    serve(|request| pod(&request)).await
}

fn discovery(servers: &[&Server]) -> Discovery {
    Discovery::new(client(servers.iter().map(|server| server.host())), BUDGET)
}

#[tokio::test]
async fn finds_everybody_two_at_a_time_and_once() {
    let (one, other) = (living_pod().await, living_pod().await);
    let discovery = discovery(&[&one, &other]);
    let mut ids = people(&one.host(), 20);
    ids.extend(people(&one.host(), 20));
    ids.extend(people(&other.host(), 5));
    let found = discovery.find_all(ids.clone()).await;
    assert_eq!(found.len(), 25);
    for (id, person) in &found {
        let person = person.as_ref().unwrap();
        assert_eq!((&person.id, &person.profile.author), (id, id));
        assert_eq!(person.guid.as_str(), "0d11e0d11e0d11e0");
        assert_eq!(person.pod.as_str(), format!("http://{}/", id.host()));
        assert_eq!(person.profile.first_name.as_deref(), Some("Odile"));
    }
    assert_eq!((one.requests(), other.requests()), (40, 10));
    assert_eq!(one.most.load(std::sync::atomic::Ordering::SeqCst), 2);
    assert_eq!(discovery.find_all(ids).await, found);
    assert_eq!(one.requests(), 40, "everybody is known already");
}

#[tokio::test]
async fn closed_accounts_and_wrong_answers_concern_one_person_only() {
    let server = living_pod().await;
    let ids = ["closed", "rude", "fine"].map(|name| format!("{name}@{}", server.host()).parse().unwrap());
    let (discovery, wanted) = (discovery(&[&server]), ids.clone());
    // On another thread, as a server would do it.
    let found = tokio::spawn(async move { discovery.find_all(wanted).await }).await.unwrap();
    assert_eq!(found[&ids[0]], Err(DiscoveryError::Closed(server.host())));
    assert!(matches!(found[&ids[1]], Err(DiscoveryError::WebFinger(_))));
    assert!(found[&ids[2]].is_ok());
}

#[tokio::test]
async fn old_pods_are_found_by_host_meta() {
    let server = serve(|request| {
        let base = format!("http://{}", request.headers()["host"].to_str().unwrap());
        let here = |name: &str| vector(name).replace("https://island.pod.test:3002", &base);
        let query = request.uri().query().unwrap_or_default().replace("%3A", ":").replace("%40", "@");
        match (request.uri().path(), query.strip_prefix("q=")) {
            ("/.well-known/host-meta", _) => text(here("host-meta.xml")),
            ("/webfinger", Some(account)) if !account.contains("closed") => {
                text(here("webfinger.xrd.xml").replace("acct:odile.b@island.pod.test:3002", account))
            }
            ("/hcard/users/0d11e0d11e0d11e0", _) => text(vector("hcard.html")),
            _ => not_found(),
        }
    })
    .await;
    let mut ids = people(&server.host(), 5);
    let closed: DiasporaId = format!("closed@{}", server.host()).parse().unwrap();
    ids.push(closed.clone());
    let mut found = discovery(&[&server]).find_all(ids).await;
    assert_eq!(found.remove(&closed).unwrap(), Err(DiscoveryError::Closed(server.host())));
    assert!(found.len() == 5 && found.values().all(Result::is_ok), "{found:?}");
    assert_eq!(server.requests(), 6 + 1 + 6 + 5, "host-meta once");
}

#[tokio::test]
async fn a_dead_host_costs_little_and_harms_nobody_else() {
    let living = living_pod().await;
    let (hangs, resets) = (misbehave(Misbehaviour::Hangs).await, misbehave(Misbehaviour::Resets).await);
    let discovery = discovery(&[&living, &hangs, &resets]);
    let start = Instant::now();
    let ids =
        [&living, &hangs, &resets].iter().flat_map(|server| people(&server.host(), 50)).collect::<Vec<_>>();
    let found = discovery.find_all(ids).await;
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    let of = |server: &Server| {
        let host = server.host();
        found.iter().filter(move |(id, _)| id.host() == host).map(|(_, outcome)| outcome).collect::<Vec<_>>()
    };
    assert!(of(&living).iter().all(|outcome| outcome.is_ok()));
    for (server, timeout) in [(&hangs, true), (&resets, false)] {
        assert_eq!(of(server).len(), 50);
        for outcome in of(server) {
            let Err(DiscoveryError::DeadHost(error)) = outcome else { panic!("{outcome:?}") };
            assert_eq!(matches!(error, HttpError::Timeout { .. }), timeout, "{error}");
        }
        assert!(server.requests() <= 2, "{} connections", server.requests());
    }
    let again = discovery
        .find_all(["new".to_owned()].map(|name| format!("{name}@{}", hangs.host()).parse().unwrap()))
        .await;
    assert!(matches!(again.values().next(), Some(Err(DiscoveryError::DeadHost(_)))));
    assert!(hangs.requests() <= 2, "the host is known to be dead");
}

#[tokio::test]
async fn redirects_long_answers_and_trouble_concern_one_person_only() {
    let server = serve(|request| {
        let account = request.uri().query().unwrap_or_default();
        if account.contains("person0") {
            Response::builder().status(301).header(LOCATION, "http://127.0.0.1/").body(Body::empty()).unwrap()
        } else if account.contains("person1") {
            text("x".repeat(10 << 20))
        } else if account.contains("person2") {
            Response::builder().status(500).body(Body::empty()).unwrap()
        } else {
            pod(&request)
        }
    })
    .await;
    let ids = people(&server.host(), 4);
    let found = discovery(&[&server]).find_all(ids.clone()).await;
    let redirect = HttpError::Redirect {
        host: server.host(),
        status: 301,
        location: Some("http://127.0.0.1/".to_owned()),
    };
    assert_eq!(found[&ids[0]], Err(DiscoveryError::Http(redirect)));
    assert!(matches!(&found[&ids[1]], Err(DiscoveryError::Http(HttpError::TooLarge { .. }))));
    assert_eq!(found[&ids[2]], Err(DiscoveryError::Status { host: server.host(), status: 500 }));
    assert!(found[&ids[3]].is_ok());
}

#[tokio::test]
async fn a_link_to_a_dead_host_says_nothing_about_that_host() {
    let (living, hangs) = (living_pod().await, misbehave(Misbehaviour::Hangs).await);
    let target = format!("http://{}", hangs.host());
    let liar = serve(move |request| {
        let account = request.uri().query().unwrap_or_default().trim_start_matches("resource=");
        text(jrd(account, &target))
    })
    .await;
    let discovery = discovery(&[&living, &hangs, &liar]);
    let found = discovery.find_all(people(&liar.host(), 2)).await;
    for outcome in found.values() {
        assert!(matches!(outcome, Err(DiscoveryError::Http(HttpError::Timeout { .. }))), "{outcome:?}");
    }
    assert_eq!(hangs.requests(), 2, "both were tried");
}

#[tokio::test]
async fn links_into_somebodys_own_network_are_not_followed() {
    let inside = living_pod().await;
    let secret = format!("https://{}", inside.host());
    let server = serve(move |request| {
        let account = request.uri().query().unwrap_or_default().trim_start_matches("resource=");
        text(jrd(account, &secret))
    })
    .await;
    let discovery = Discovery::new(client([server.host()]), BUDGET);
    let found = discovery.find_all(people(&server.host(), 1)).await;
    let outcome = found.values().next().unwrap();
    assert!(matches!(outcome, Err(DiscoveryError::Http(HttpError::NotPublic(_)))), "{outcome:?}");
    assert_eq!(inside.requests(), 0);
    // IDs themselves may lead inside as well.
    let found = discovery.find_all(["a@127.0.0.1".parse().unwrap(), "a@localhost".parse().unwrap()]).await;
    assert!(
        found
            .values()
            .all(|outcome| matches!(outcome, Err(DiscoveryError::DeadHost(HttpError::NotPublic(_)))))
    );
}

#[tokio::test]
async fn when_the_budget_is_spent_everybody_has_an_answer() {
    let mut hosts = Vec::new();
    for _ in 0..100 {
        hosts.push(misbehave(Misbehaviour::Hangs).await);
    }
    let client: Client = client(hosts.iter().map(Server::host));
    let discovery = Discovery::new(client, Duration::from_millis(300));
    let ids: Vec<_> = hosts.iter().flat_map(|server| people(&server.host(), 3)).collect();
    let start = Instant::now();
    let found = discovery.find_all(ids).await;
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(found.len(), 300);
    assert!(found.values().all(|outcome| matches!(outcome, Err(DiscoveryError::OutOfTime(_)))));
    let living = living_pod().await;
    let found = discovery.find_all(people(&living.host(), 1)).await;
    assert!(
        matches!(found.values().next(), Some(Err(DiscoveryError::OutOfTime(_)))),
        "the budget is for all"
    );
    // For posts, too.
    let post = discovery.fetch_posts(&[wanted(&living)]).await.remove(0);
    assert!(matches!(post, Err(FetchError::Request(DiscoveryError::OutOfTime(_)))), "{post:?}");
}

/// A post that this server may have.
fn wanted(server: &Server) -> WantedPost {
    let guid = format!("{:032x}", 7).parse().unwrap();
    WantedPost { name: PostName::Post, guid, hosts: vec![server.host()] }
}

/// How many people were found, and how many not because of too many hosts.
fn answered_and_refused(
    found: &HashMap<DiasporaId, Result<DiscoveredPerson, DiscoveryError>>,
) -> (usize, usize) {
    let is_refused = |outcome: &&Result<DiscoveredPerson, DiscoveryError>| {
        matches!(outcome, Err(DiscoveryError::TooManyHosts { limit: 3, .. }))
    };
    let is_found = |outcome: &&Result<DiscoveredPerson, DiscoveryError>| outcome.is_ok();
    (found.values().filter(is_found).count(), found.values().filter(is_refused).count())
}

#[tokio::test]
async fn no_more_hosts_are_asked_than_allowed_for_people_and_posts_together() {
    let mut servers = Vec::new();
    for _ in 0..5 {
        servers.push(living_pod().await);
    }
    let all = || discovery(&servers.iter().collect::<Vec<_>>()).with_hosts(3);
    let ids: Vec<_> = servers.iter().flat_map(|server| people(&server.host(), 2)).collect();
    let first = all();
    let found = first.find_all(ids.clone()).await;
    assert_eq!(answered_and_refused(&found), (6, 4));
    let (asked, others): (Vec<&Server>, Vec<&Server>) =
        servers.iter().partition(|server| first.asked().contains(&server.host()));
    assert_eq!((asked.len(), others.len()), (3, 2));
    assert!(others.iter().all(|server| server.requests() == 0));
    let refused = first.fetch_posts(&[wanted(others[0])]).await.remove(0);
    assert!(matches!(refused, Err(FetchError::Request(DiscoveryError::TooManyHosts { .. }))), "{refused:?}");
    assert_eq!(others[0].requests(), 0);

    // What was asked before counts, and may be asked again.
    let before = asked.iter().map(|server| server.requests()).sum::<usize>();
    let second = all().with_asked(first.asked());
    assert_eq!(answered_and_refused(&second.find_all(ids).await), (6, 4));
    assert_eq!(second.asked(), first.asked());
    assert_eq!(asked.iter().map(|server| server.requests()).sum::<usize>(), 2 * before);
    assert!(others.iter().all(|server| server.requests() == 0));
}

#[tokio::test]
async fn not_more_than_twenty_hosts_are_asked_at_a_time() {
    let (counters, mut servers) = (Counters::default(), Vec::new());
    for _ in 0..60 {
        servers.push(serve_together(&counters, |request| pod(&request)).await);
    }
    let discovery = discovery(&servers.iter().collect::<Vec<_>>());
    let found = discovery.find_all(servers.iter().flat_map(|server| people(&server.host(), 1))).await;
    assert!(found.len() == 60 && found.values().all(Result::is_ok), "{found:?}");
    let most = counters.most.load(std::sync::atomic::Ordering::SeqCst);
    assert!((2..=20).contains(&most), "{most} at a time");
}
