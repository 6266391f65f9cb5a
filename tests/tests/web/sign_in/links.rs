//! Links by mail for those who have forgotten their password.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use super::{is_in, is_out, scene};
use crate::support::Pod;
use crate::support::closing::Closing;

pub(super) async fn links_by_mail(scene: &Closing) {
    let mut visitor = scene.browser();
    let mut texts = Vec::new();
    for name in ["nobody", "greta@mail.example", "ida", ""] {
        let answer = visitor.fill("/sign-in/link", "/sign-in/link", &[("name", name)]).await.unwrap();
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        texts.push(visitor.get(answer.location()).await.unwrap().text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
    let link = link(scene, "greta@mail.example").await;
    // Looking at it does not use it up.
    assert_eq!(visitor.get(&link).await.unwrap().status, StatusCode::OK);
    let mut other = scene.browser();
    assert_eq!(other.fill(&link, &link, &[]).await.unwrap().location(), "/");
    is_in(&mut other, "greta").await;
    assert_eq!(visitor.get(&link).await.unwrap().status, StatusCode::GONE);
    let token = visitor.get("/sign-in/link").await.unwrap().token().unwrap();
    assert_eq!(visitor.post(&link, &[("token", &token)]).await.unwrap().status, StatusCode::GONE);
    is_out(&mut visitor).await;
    assert_eq!(
        visitor.get("/sign-in/link/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await.unwrap().status,
        StatusCode::GONE
    );
}

/// The link in the one mail with a link that goes to `to`.
pub(super) async fn link(scene: &Closing, to: &str) -> String {
    let mut links = mailed_links(scene, to, 1).await;
    links.remove(0)
}

/// The links mailed to somebody, once there are so many.
async fn mailed_links(scene: &Closing, to: &str, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let mails = scene.waiting_mails("sign-in %").await;
        assert!(mails.len() <= count, "{} mails", mails.len());
        if mails.len() == count {
            assert!(mails.iter().all(|(recipient, _)| recipient == to), "{mails:?}");
            return mails.iter().map(|(_, body)| link_in(body)).collect();
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "no mail");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn link_in(body: &str) -> String {
    let line = body.lines().find(|line| line.contains("/sign-in/link/")).unwrap();
    line.trim().split_once("/sign-in/").map(|(_, rest)| format!("/sign-in/{rest}")).unwrap()
}

/// A link opens no account whose password or address has changed since, and signing in ends the others.
#[tokio::test]
async fn a_mailed_link_ends_with_what_it_was_sent_for() {
    let scene = scene(Pod::sqlite().await, None);
    let mut visitor = scene.browser();
    let ask = [("name", "greta")];
    visitor.fill("/sign-in/link", "/sign-in/link", &ask).await.unwrap();
    let before = link(&scene, "greta@mail.example").await;
    let moved = "UPDATE users SET email = 'new@mail.example' WHERE username = 'greta'";
    scene.pod.pool.execute(moved).await.unwrap();
    assert_eq!(visitor.fill(&before, &before, &[]).await.unwrap().status, StatusCode::GONE);
    is_out(&mut visitor).await;

    let ida = [("name", "ida")];
    let second = "UPDATE pappus_outbox SET key = 'seen' || key WHERE key LIKE 'sign-in %'";
    scene.store().await.execute("a test", second, &[]).await.unwrap();
    for _ in 0..2 {
        visitor.fill("/sign-in/link", "/sign-in/link", &ida).await.unwrap();
    }
    let links = mailed_links(&scene, "ida@mail.example", 2).await;
    assert_eq!(visitor.get(&links[1]).await.unwrap().status, StatusCode::OK);
    assert_eq!(visitor.fill(&links[0], &links[0], &[]).await.unwrap().location(), "/");
    assert_eq!(scene.browser().get(&links[1]).await.unwrap().status, StatusCode::GONE);
}
