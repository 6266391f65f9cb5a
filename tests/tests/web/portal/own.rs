//! A person's own archive: when it was downloaded, its SHA-256, deleting it; and whom to ask, what happens when, where to go.

use crate::support::Pod;
use crate::support::closing::{
    Closing, MAILS, archive_on, call, document, get, mail_text, said, until, until_right,
};
use pappus_engine::archive::sha256_of_file;
use pappus_tests::cluster::shared_postgres;
use pappus_tests::sample::PASSWORD;
use pappus_tests::service::Browser;
use reqwest::{Method, StatusCode};
use serde_json::json;

const PODMIN: &str = "podmin@closing.example";

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_says_when_it_was_downloaded_and_is_deleted_by_its_owner() {
    downloaded_and_deleted(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_deleted_by_its_owner_with_a_store_on_postgresql() {
    let store = shared_postgres().await.unwrap().create_database("portal_own_store").await.unwrap();
    downloaded_and_deleted(Some(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_comes_after_the_session_says_that_nothing_was_done() {
    let scene = Closing::with_podmin(Pod::sqlite().await, None, MAILS, PODMIN);
    let mut ida = scene.signed_in("ida").await;
    ida.open("/archive").await.unwrap();
    let store = scene.store().await;
    store.execute("ending all sessions", "DELETE FROM pappus_sessions", &[]).await.unwrap();
    store.close().await;
    let page = ida.submit("/archive/ask", &[]).await.unwrap();
    assert!(page.text().contains("You were signed out, so nothing was changed."), "{}", page.text());
    let page = ida.sign_in("ida", PASSWORD).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert!(ida.open("/archive").await.unwrap().text().contains("/archive/ask"), "nothing was begun");
    let mut anybody = scene.browser();
    let answer = anybody.get("/board/people?state=failed").await.unwrap();
    assert_eq!(answer.location(), "/sign-in?next=%2Fboard%2Fpeople%3Fstate%3Dfailed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_podmin_s_address_stands_once_on_each_page() {
    let scene = Closing::with_podmin(Pod::sqlite().await, None, MAILS, PODMIN);
    let mut ida = scene.signed_in("ida").await;
    for path in ["/nothing/here", "/archive", "/sign-in/link", "/tokens", "/board"] {
        let page = ida.open(path).await.unwrap().text();
        assert_eq!(page.matches("Questions? Write to the podmin:").count(), 1, "{path}: {page}");
        assert_eq!(page.matches(&format!("mailto:{PODMIN}")).count(), 1, "{path}: {page}");
    }
    // Beside the text of what went wrong, not at the end.
    let page = ida.open("/nothing/here").await.unwrap();
    assert!(page.between("<main", "</main>").unwrap().contains(PODMIN), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_next_names_only_what_is_on_the_page() {
    let scene = Closing::sqlite().await;
    let mut ida = scene.signed_in("ida").await;
    let (link, later) = ("see “As two files for a pod without Pappus”", "you will find them here too");
    let page = ida.open("/archive").await.unwrap().text();
    assert!(page.contains(later) && !page.contains(link), "{page}");
    ida.submit("/archive/ask", &[]).await.unwrap();
    let page = until(&mut ida, "/archive", "Download (").await.text();
    assert!(page.contains(link) && !page.contains(later), "{page}");
    assert!(page.contains("<summary>As two files for a pod without Pappus</summary>"), "{page}");
}

async fn downloaded_and_deleted(store: Option<String>) {
    let scene = Closing::with_podmin(Pod::sqlite().await, store, MAILS, PODMIN);
    let mut ida = scene.signed_in("ida").await;
    ida.open("/archive").await.unwrap();
    ida.submit("/archive/ask", &[]).await.unwrap();
    let page = until(&mut ida, "/archive", "Download (").await;
    assert!(!page.text().contains("You downloaded this"), "{}", page.text());
    let address = archive_on(&page);
    let bytes = ida.open(&address).await.unwrap().body;
    let page = ida.open("/archive").await.unwrap();
    assert!(page.text().contains("You downloaded this on "), "{}", page.text());
    ida.open(&address).await.unwrap();
    let page = ida.open("/archive").await.unwrap();
    assert!(page.text().contains("You downloaded this 2 times, last on "), "{}", page.text());

    // The digest is that of the file that people have, not of the encrypted one in the depot.
    let file = scene.folder.path().join("archive.zip");
    std::fs::write(&file, &bytes).unwrap();
    let digest = sha256_of_file(&file).unwrap();
    let name = address.split('/').nth(3).unwrap().to_owned();
    let contents = ida.open(&format!("/archive/made/{name}")).await.unwrap().text();
    assert!(contents.contains(&format!("<code id=\"sha256\">{digest}</code>")), "{contents}");
    let line = ida.open(&format!("/archive/made/{name}/sha256")).await.unwrap().text();
    assert!(line.starts_with(&format!("{digest}  ida@closing.example-")), "{line}");
    assert!(line.ends_with(".zip\n"), "{line}");

    let path = format!("/archive/made/{name}/delete");
    let mut other = scene.signed_in("greta").await;
    other.open("/archive").await.unwrap();
    let refused = other.submit(&path, &[("confirmed", "yes")]).await.unwrap();
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text());
    ida.open("/archive").await.unwrap();
    let page = ida.submit(&path, &[]).await.unwrap().text();
    assert!(page.contains("Delete this archive?") && page.contains(" records) is deleted"), "{page}");
    assert_eq!(ida.open(&address).await.unwrap().status, StatusCode::OK, "it only asked");
    ida.open("/archive").await.unwrap();
    let page = ida.submit(&path, &[("confirmed", "yes")]).await.unwrap().text();
    assert!(page.contains("Archive deleted.") && page.contains("you deleted it."), "{page}");
    assert_eq!(ida.open(&address).await.unwrap().status, StatusCode::NOT_FOUND);
    let left: Vec<_> =
        files(&scene.folder.path().join("state")).into_iter().filter(|name| name.contains("ida@")).collect();
    assert!(left.is_empty(), "{left:?}");
}

const REQUESTS: &str = "/api/v1/requests";

/// Asks often at once, waits until nothing is open, and returns how many requests are new.
async fn ask_at_once(browser: &mut Browser) -> usize {
    let tries = (0..8).map(|_| {
        let mut browser = browser.clone();
        async move { call(&mut browser, Method::POST, REQUESTS, Some(json!({}))).await.status }
    });
    let statuses = futures_util::future::join_all(tries).await;
    let known = [StatusCode::CREATED, StatusCode::OK, StatusCode::CONFLICT];
    assert!(statuses.iter().all(|status| known.contains(status)), "{statuses:?}");
    let all_done = |found: &serde_json::Value| {
        found.as_array().unwrap().iter().all(|request| request["state"] == "done")
    };
    until_right(browser, REQUESTS, all_done).await;
    statuses.into_iter().filter(|status| *status == StatusCode::CREATED).count()
}

async fn so_many_archives(store: Option<String>) {
    let scene = Closing::on(Pod::sqlite().await, store, "[archives]\nper_account = 2\n");
    let mut ida = scene.signed_in("ida").await;
    let mut new = 0;
    for _ in 0..3 {
        new += ask_at_once(&mut ida).await;
    }
    assert_eq!(new, 2);
    let refused = said(&mut ida, Method::POST, REQUESTS, Some(json!({})), StatusCode::CONFLICT).await;
    assert!(refused["detail"].as_str().unwrap().contains("delete one"), "{refused}");
    let page = ida.open("/archive").await.unwrap();
    assert!(page.text().contains("You have 2 archives here"), "{}", page.text());
    assert!(!page.text().contains("action=\"/archive/ask\""), "{}", page.text());
    let page = ida.submit("/archive/ask", &[]).await.unwrap();
    assert!(page.text().contains("Delete one to create a new one"), "{}", page.text());
    assert_eq!(get(&mut ida, REQUESTS).await.as_array().unwrap().len(), 2);

    // A podmin's request for them is not refused; everybody has a limit of their own.
    let mut greta = scene.signed_in("greta").await;
    let wanted = json!({ "name": "ida" });
    let asked = call(&mut greta, Method::POST, "/api/v1/board/people/archives", Some(wanted)).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text());
    assert!(ask_at_once(&mut greta).await > 0);
    let id = &document(&asked)["id"];
    until_right(&mut ida, &format!("{REQUESTS}/{id}"), |request| request["state"] == "done").await;

    for left in [2, 1] {
        let page = ida.open("/archive").await.unwrap();
        let name = archive_on(&page).split('/').nth(3).unwrap().to_owned();
        let path = format!("/archive/made/{name}/delete");
        let page = ida.submit(&path, &[("confirmed", "yes")]).await.unwrap().text();
        assert!(page.contains("Archive deleted."), "{page}");
        assert_eq!(page.contains("action=\"/archive/ask\""), left < 2, "{page}");
    }
    said(&mut ida, Method::POST, REQUESTS, Some(json!({})), StatusCode::CREATED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_archives_are_kept_for_one_account() {
    so_many_archives(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_archives_are_kept_with_a_store_on_postgresql() {
    let store = shared_postgres().await.unwrap().create_database("portal_kept").await.unwrap();
    so_many_archives(Some(store)).await;
}

/// Names of all files below a folder.
fn files(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_mails_name_the_podmin_the_days_and_where_to_go() {
    let scene = Closing::with_podmin(Pod::sqlite().await, None, MAILS, PODMIN);
    let mut greta = scene.signed_in("greta").await;
    greta.open("/board/words").await.unwrap();
    let bad =
        greta.submit("/board/words", &[("note", "Hello"), ("pods", "javascript:alert(1)")]).await.unwrap();
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.text().contains("id=\"pods-problem\"") && bad.text().contains(">Hello</textarea>"));
    let words = [("note", "Thank you for ten years."), ("pods", "haven.example run by friends")];
    let page = greta.submit("/board/words", &words).await.unwrap().text();
    assert!(page.contains("role=\"status\">Saved."), "{page}");
    greta.open("/board").await.unwrap();
    let days = [("stage", "exporting"), ("switch_off_on", "2037-01-31"), ("downloads_until", "2037-06-30")];
    greta.submit("/board/closing", &days).await.unwrap();

    let mut stranger = scene.browser();
    for path in ["/sign-in", "/closing"] {
        let page = stranger.open(path).await.unwrap().text();
        for says in ["31 January 2037", "Thank you for ten years.", "https://haven.example/", PODMIN] {
            assert!(page.contains(says), "{path}: {says}: {page}");
        }
    }
    let page = stranger.open("/nothing-here").await.unwrap().text();
    assert!(page.contains(&format!("mailto:{PODMIN}")), "{page}");
    let page = stranger.sign_in("ida", "wrong").await.unwrap();
    let field = page.between("<input id=\"password\"", ">").unwrap();
    assert!(field.contains("autofocus") && field.contains("aria-invalid"), "{field}");
    stranger.open("/sign-in/link").await.unwrap();
    stranger.submit("/sign-in/link", &[("name", "ida")]).await.unwrap();
    let begun = std::time::Instant::now();
    while scene.mails().is_empty() && begun.elapsed().as_secs() < 60 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let mail = mail_text(&scene.mails()[0]);
    for says in ["The pod is switched off on: 31 January 2037", PODMIN] {
        assert!(mail.contains(says), "{says}: {mail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn german_pages_say_in_german_what_is_left_out() {
    let scene = Closing::sqlite().await;
    let mut ida = scene.signed_in("ida").await;
    ida.open("/archive").await.unwrap();
    ida.submit("/archive/ask", &[]).await.unwrap();
    let page = until(&mut ida, "/archive", "Download (").await;
    let name = archive_on(&page).split('/').nth(3).unwrap().to_owned();
    let english = ida.open(&format!("/archive/made/{name}")).await.unwrap().text();
    assert!(english.contains("Missing") && !english.contains("Nothing is missing"), "{english}");
    ida.open("/language/de?to=/archive").await.unwrap();
    let german = ida.open(&format!("/archive/made/{name}")).await.unwrap().text();
    assert_eq!(german.matches(" lang=\"en\"").count(), 1, "only the link to English: {german}");
    let (_, left_out) = german.split_once("Fehlt").unwrap();
    assert!(left_out.contains("auf dem Pod") || left_out.contains("lässt sich nicht lesen"), "{left_out}");
    assert!(
        !left_out.contains("missing") && !left_out.contains("omission-") && !left_out.contains("record-"),
        "{left_out}"
    );
}
