//! Several services with one store and one bucket: whoever is signed in with one is with all, what one has made the other
//! hands out, and what one leaves behind when it is killed the other does.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::Pod;
use pappus_tests::cluster::{shared_postgres, shared_s3};
use pappus_tests::program::pappus;
use pappus_tests::sample::PASSWORD;
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;

const PEOPLE: [&str; 5] = ["ida", "greta", "berta", "emil", "ruth"];

/// A folder of its own for a service, with the keys that all of them need.
fn state(keys: Option<&Path>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pod = folder.path().join("state/pods/closing.example");
    std::fs::create_dir_all(&pod).unwrap();
    let shared = Path::new(&crate::support::shared_state()).join("pods/closing.example/archive-key.pem");
    std::fs::copy(shared, pod.join("archive-key.pem")).unwrap();
    if let Some(keys) = keys {
        std::fs::copy(keys, pod.join("campaign-keys.txt")).unwrap();
    }
    folder
}

/// Looks until somebody's archive is there; gives its address.
async fn archive(browser: &mut Browser) -> String {
    let begun = Instant::now();
    loop {
        let page = browser.open("/archive").await.unwrap();
        let found = page.between("href=\"/archive/made/", "\"");
        if let Some(path) = found.filter(|path| path.contains("/file/")) {
            return format!("/archive/made/{path}");
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{}", page.text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn share_everything() {
    let (pod, s3) = (Pod::sqlite().await, shared_s3().await.unwrap());
    let store = shared_postgres().await.unwrap().create_database("instances_store").await.unwrap();
    s3.create_bucket("instances").await.unwrap();
    let sections = format!(
        "[pod]\ndatabase_url = {:?}\nurl = \"https://closing.example/\"\nuploads = {:?}\n\
         [store]\nstate = \"state\"\nurl = {store:?}\n[archives]\nplace = \"s3://instances/archives\"\n\
         [closing]\nenabled = true\n",
        pod.database,
        pod.path("uploads"),
    );
    let serve = |folder: &TempDir| {
        Service::start_in(folder.path(), &sections, s3.environment("AKIA", "secret")).unwrap()
    };
    let first_folder = state(None);
    let first = serve(&first_folder);
    let mut ida = Browser::new(&first.url).unwrap();
    ida.sign_in("ida", PASSWORD).await.unwrap();
    ida.submit("/archive/ask", &[]).await.unwrap();
    let path = archive(&mut ida).await;
    let whole = ida.open(&path).await.unwrap();
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.text());

    let second_folder =
        state(Some(&first_folder.path().join("state/pods/closing.example/campaign-keys.txt")));
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
        let mut browser = Browser::new(&first.url).unwrap();
        browser.sign_in(name, PASSWORD).await.unwrap();
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
