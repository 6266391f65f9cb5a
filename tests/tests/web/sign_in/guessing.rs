//! Whoever guesses gets neither far nor wiser.

use super::{MORE, scene, sign_in};
use crate::support::Pod;
use crate::support::closing::{Closing, sections};
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
    // From now on the right password is as good as a wrong one, whatever the name: another answer would tell that a name
    // and an address are one account.
    for name in ["greta", "greta@mail.example"] {
        let answer = sign_in(&mut from("198.51.100.4"), name, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().contains("Wrong username"), "{}", answer.text());
    }
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
    let answer = sign_in(&mut from("203.0.113.9"), "ida", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text().contains("Too many requests"), "{}", answer.text());
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((600..=900).contains(&wait), "{wait}");
    assert_eq!(sign_in(&mut from("203.0.113.10"), "ida", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

/// Nobody can tell by the time whether a name exists, or whether an account takes tries at all: each time one password is
/// compared.
#[tokio::test]
async fn unknown_names_take_as_long() {
    let more = format!("{MORE}[sign_in]\nattempts_per_account = 3\n");
    let scene = Closing::on(Pod::sqlite().await, None, &more);
    let mut visitor = scene.browser();
    let mut before = compared(&mut visitor).await;
    for name in ["greta", "nobody", "greta", "greta", "greta", "", "greta@mail.example"] {
        sign_in(&mut visitor, name, "x").await;
        let now = compared(&mut visitor).await;
        assert_eq!(now, before + 1, "{name:?}");
        before = now;
    }
}

/// How many passwords the service has compared.
async fn compared(visitor: &mut Browser) -> u64 {
    let numbers = visitor.get("/metrics").await.unwrap().text();
    let line = numbers.lines().find_map(|line| line.strip_prefix("pappus_web_passwords_compared_total "));
    line.map_or(0, |number| number.parse().unwrap())
}

/// What is refused does not count: whoever keeps trying does not keep the owner out for longer.
#[tokio::test]
async fn refused_tries_do_not_count() {
    let more = format!("{MORE}[sign_in]\nattempts_per_account = 3\nattempts_per_address = 1000\n");
    let scene = Closing::on(Pod::sqlite().await, None, &more);
    // Many at the same time pass no more than are allowed.
    let tries = (0..20).map(|_| async {
        sign_in(&mut scene.browser(), "greta", "another").await;
    });
    futures_util::future::join_all(tries).await;
    let store = scene.store().await;
    let count = async |what: &str| {
        let sql = format!("SELECT COUNT(*) AS found FROM {what}");
        let row = store.first("counting", &sql, &[]).await.unwrap();
        row.unwrap().get::<i64>("found").unwrap()
    };
    assert!(count("pappus_attempts WHERE kind = 'account'").await <= 3);
    let compared = count("pappus_audit WHERE act = 'sign-in-failed'").await;
    assert_eq!(compared, 3);
    assert_eq!(compared + count("pappus_audit WHERE act = 'sign-in-too-often'").await, 20);
    store.close().await;
}

/// Whoever guesses at an account's passwords and codes does not keep its owner from getting in by mail.
#[tokio::test]
async fn a_link_gets_the_owner_in() {
    let more = format!("{MORE}[sign_in]\nattempts_per_account = 2\n");
    let scene = Closing::on(Pod::sqlite().await, None, &more);
    let unused = "UPDATE users SET consumed_timestep = NULL WHERE username = 'jonas'";
    scene.pod.pool.execute(unused).await.unwrap();
    let mut thief = scene.browser();
    sign_in(&mut thief, "jonas", PASSWORD).await;
    for _ in 0..3 {
        thief.fill("/sign-in/code", "/sign-in/code", &[("code", "000000")]).await.unwrap();
    }
    for _ in 0..3 {
        sign_in(&mut thief, "jonas", "another").await;
    }
    let mut owner = scene.browser();
    sign_in(&mut owner, "jonas", PASSWORD).await;
    super::is_out(&mut owner).await;
    owner.fill("/sign-in/link", "/sign-in/link", &[("name", "jonas")]).await.unwrap();
    let link = super::links::link(&scene, "jonas@mail.example").await;
    assert_eq!(owner.fill(&link, &link, &[]).await.unwrap().location(), "/sign-in/code");
    let code = super::code(super::step());
    let answer = owner.fill("/sign-in/code", "/sign-in/code", &[("code", &code)]).await.unwrap();
    assert_eq!(answer.location(), "/", "{}", answer.text());
    super::is_in(&mut owner, "jonas").await;
}

/// A password typed where the name belongs is written down nowhere.
#[tokio::test]
async fn what_is_no_name_is_not_kept() {
    let scene = scene(Pod::sqlite().await, None);
    sign_in(&mut scene.browser(), PASSWORD, "").await;
    sign_in(&mut scene.browser(), "greta@mail.example", "another").await;
    let store = scene.store().await;
    let sql = "SELECT subject FROM pappus_audit WHERE act = 'sign-in-failed' ORDER BY id";
    let rows = store.rows("looking", sql, &[]).await.unwrap();
    let subjects: Vec<Option<String>> = rows.iter().map(|row| row.get("subject").unwrap()).collect();
    assert_eq!(subjects, [None, Some("greta@closing.example".to_owned())]);
    store.close().await;
}
