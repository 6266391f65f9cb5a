//! Several services with one store and one bucket: whoever is signed in with one is with all, what one has made the other
//! hands out, and what one leaves behind when it is killed the other does.

use std::path::Path;

use crate::support::Pod;
use crate::support::closing::{archive_on, folder_with_key, sections, signed_in, until};
use pappus_tests::cluster::{shared_postgres, shared_s3};
use pappus_tests::program::pappus;
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;

/// The keys of a pod's campaigns, in the folder of a service.
const KEYS: &str = "state/pods/closing.example/campaign-keys.txt";
const PEOPLE: [&str; 5] = ["ida", "greta", "berta", "emil", "ruth"];

/// A folder of its own for a service, with the keys that all of them need.
fn state(keys: Option<&Path>) -> TempDir {
    let folder = folder_with_key();
    if let Some(keys) = keys {
        std::fs::copy(keys, folder.path().join(KEYS)).unwrap();
    }
    folder
}

/// Looks until somebody's archive is there; gives its address.
async fn archive(browser: &mut Browser) -> String {
    archive_on(&until(browser, "/archive", "/file/").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn share_everything() {
    let (pod, s3) = (Pod::sqlite().await, shared_s3().await.unwrap());
    let store = shared_postgres().await.unwrap().create_database("instances_store").await.unwrap();
    s3.create_bucket("instances").await.unwrap();
    let more = "[archives]\nplace = \"s3://instances/archives\"\n";
    let sections = sections(&pod, Some(&store), more);
    let serve = |folder: &TempDir| {
        Service::start_in(folder.path(), &sections, s3.environment("AKIA", "secret")).unwrap()
    };
    let first_folder = state(None);
    let first = serve(&first_folder);
    let mut ida = signed_in(&first, "ida").await;
    ida.submit("/archive/ask", &[]).await.unwrap();
    let path = archive(&mut ida).await;
    let whole = ida.open(&path).await.unwrap();
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.text());

    let second_folder = state(Some(&first_folder.path().join(KEYS)));
    let second = serve(&second_folder);
    let mut there = ida.at(&second.url).unwrap();
    let headers = [("range", "bytes=100-"), ("if-range", whole.header("etag"))];
    let part = there.send(Method::GET, &path, &headers, Vec::new()).await.unwrap();
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{}", part.text());
    assert!(part.body == whole.body[100..], "the other one hands out something else");
    let file = second_folder.path().join("ida.zip");
    std::fs::write(&file, &whole.body).unwrap();
    assert_eq!(pappus(["verify", file.to_str().unwrap()]).unwrap().code, Some(0));

    // Asked of one, which is killed; the other does what it had begun, and what it had not.
    let mut people = Vec::new();
    for name in PEOPLE.into_iter().skip(1) {
        let mut browser = signed_in(&first, name).await;
        browser.submit("/archive/ask", &[]).await.unwrap();
        people.push(browser);
    }
    drop(first);
    for browser in people {
        let mut browser = browser.at(&second.url).unwrap();
        let path = archive(&mut browser).await;
        assert_eq!(browser.open(&path).await.unwrap().status, StatusCode::OK);
    }
}
