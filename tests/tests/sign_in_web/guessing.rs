//! Whoever guesses gets neither far nor wiser.

use std::time::{Duration, Instant};

use super::{MORE, scene, sign_in};
use crate::support::Pod;
use crate::support::closing::sections;
use pappus_tests::sample::PASSWORD;
use pappus_tests::service::{Browser, Service};
use reqwest::StatusCode;

#[tokio::test]
async fn whoever_tries_too_often_waits() {
    let trusted = "trusted_proxies = [\"127.0.0.1\"]\n";
    let more = format!("{MORE}[sign_in]\nattempts_per_account = 3\nattempts_per_address = 6\n");
    let (pod, folder) = (Pod::sqlite().await, tempfile::tempdir().unwrap());
    let text = format!("{trusted}{}", sections(&pod, None, &more));
    let service = Service::start(folder.path(), &text).unwrap();
    let from = |address: &str| {
        let mut visitor = Browser::new(&service.url).unwrap();
        visitor.headers.push(("x-forwarded-for", address.to_owned()));
        visitor
    };
    // One account, by all its names, from everywhere.
    for (address, name) in
        [("198.51.100.1", "greta"), ("198.51.100.2", "greta@mail.example"), ("198.51.100.3", "GRETA")]
    {
        assert_eq!(
            sign_in(&mut from(address), name, "another").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let answer = sign_in(&mut from("198.51.100.4"), "greta", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text().contains("A little slower, please"), "{}", answer.text());
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((600..=900).contains(&wait), "{wait}");
    // Others get in meanwhile, and who gets in begins anew.
    for _ in 0..5 {
        assert_eq!(sign_in(&mut from("198.51.100.5"), "ida", PASSWORD).await.status, StatusCode::SEE_OTHER);
    }
    // One address, whatever the name.
    for number in 0..6 {
        let name = format!("nobody{number}");
        let mut visitor = from("203.0.113.9");
        assert_eq!(sign_in(&mut visitor, &name, "x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(
        sign_in(&mut from("203.0.113.9"), "ida", PASSWORD).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(sign_in(&mut from("203.0.113.10"), "ida", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

/// Nobody can tell by the time whether a name exists. Hashes of the cost that diaspora* uses.
#[tokio::test]
async fn unknown_names_take_as_long() {
    let scene = scene(Pod::sqlite().await, None);
    let hash = bcrypt::hash("something", 10).unwrap();
    let slow = format!("UPDATE users SET encrypted_password = '{hash}'");
    scene.pod.pool.execute(&slow).await.unwrap();
    let mut visitor = scene.browser();
    // The first one makes the hash of nobody.
    sign_in(&mut visitor, "nobody", "x").await;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..7 {
        for (name, times) in ["greta", "nobody"].iter().zip(&mut times) {
            let token = visitor.get("/sign-in").await.unwrap().token().unwrap();
            let begun = Instant::now();
            visitor.post("/sign-in", &[("token", &token), ("name", name), ("password", "x")]).await.unwrap();
            times.push(begun.elapsed());
        }
    }
    // Whatever else this machine does only adds to a time.
    let quickest = times.map(|times| times.into_iter().min().unwrap());
    assert!(quickest[0] > Duration::from_millis(20), "{quickest:?}");
    let (less, more) = (quickest[0].min(quickest[1]), quickest[0].max(quickest[1]));
    // Without a hash, the one would be over in no time.
    assert!(more < less.mul_f64(1.6), "{quickest:?}");
}
