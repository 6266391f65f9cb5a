//! The pod, or the store, is gone.

use super::links::link;
use super::{MORE, ROOM, code, is_in, scene, sign_in, step};
use crate::support::closing::sections;
use crate::support::{Pod, TIME};
use pappus_engine::campaign::SignInData;
use pappus_engine::depot::CampaignKeys;
use pappus_engine::pod::config::PodUrl;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::sql::DatabaseUrl;
use pappus_tests::cluster::shared_postgres;
use pappus_tests::sample::{PASSWORD, POD_URL};
use pappus_tests::schema::Pool;
use pappus_tests::service::{Browser, Service};
use reqwest::StatusCode;

#[tokio::test]
async fn when_the_pod_is_gone() {
    let scene = scene(Pod::sqlite().await, None);
    let unused = "UPDATE users SET consumed_timestep = NULL WHERE username = 'jonas'";
    scene.pod.pool.execute(unused).await.unwrap();
    let mut early = scene.browser();
    sign_in(&mut early, "ida", PASSWORD).await;
    let database = scene.pod.path("db.sqlite3");
    std::fs::rename(&database, scene.pod.path("aside")).unwrap();
    // Nothing was kept yet: it says so, and it is nobody's fault.
    let mut visitor = scene.browser();
    let answer = sign_in(&mut visitor, "greta", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("We will be back in a moment"), "{}", answer.text());
    assert_eq!(visitor.get("/health").await.unwrap().status, StatusCode::OK);
    // Who is in stays in, though nobody can say whether the account still stands.
    is_in(&mut early, "ida").await;

    let (store, url) = (scene.store().await, PodUrl::parse(POD_URL).unwrap());
    let data = SignInData::new(&CampaignKeys::new(&scene.state(), &store, &url), &store, &url);
    let aside = format!("sqlite:{}", scene.pod.path("aside").display());
    let mut snapshot = Snapshot::open(&DatabaseUrl::parse(&aside).unwrap()).await.unwrap();
    data.copy(&mut snapshot, TIME.parse().unwrap()).await.unwrap();
    drop(snapshot);
    store.close().await;

    assert_eq!(sign_in(&mut visitor, "greta", PASSWORD).await.location(), "/");
    is_in(&mut visitor, "greta").await;
    assert_eq!(
        sign_in(&mut scene.browser(), "greta", "another").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(sign_in(&mut scene.browser(), "nobody", "x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut jonas = scene.browser();
    sign_in(&mut jonas, "jonas@mail.example", PASSWORD).await;
    let answer = jonas.fill("/sign-in/code", "/sign-in/code", &[("code", &code(step()))]).await.unwrap();
    assert_eq!(answer.location(), "/");
    let mut forgetful = scene.browser();
    forgetful.fill("/sign-in/link", "/sign-in/link", &[("name", "greta")]).await.unwrap();
    let link = link(&scene, "greta@mail.example").await;
    assert_eq!(forgetful.fill(&link, &link, &[]).await.unwrap().location(), "/");
    is_in(&mut forgetful, "greta").await;

    // The same configuration without a word about where the pod's database was.
    let text = sections(&scene.pod, None, &format!("{MORE}{ROOM}"));
    let says_where = |line: &&str| line.starts_with("database_url") || line.starts_with("uploads");
    let gone: Vec<&str> = text.lines().filter(|line| !says_where(line)).collect();
    assert!(scene.service.stop().unwrap());
    let service = Service::start(scene.folder.path(), &gone.join("\n")).unwrap();
    let mut late = Browser::new(&service.url).unwrap();
    assert_eq!(sign_in(&mut late, "greta", PASSWORD).await.location(), "/");
}

/// A page that says so, nobody is signed out, and it goes on by itself.
#[tokio::test]
async fn when_the_store_is_away() {
    let server = shared_postgres().await.unwrap();
    let store = server.create_database("web_away").await.unwrap();
    let beside = Pool::connect(&server.create_database("web_beside").await.unwrap()).await.unwrap();
    let name = url::Url::parse(&store).unwrap().path().trim_start_matches('/').to_owned();
    let scene = scene(Pod::sqlite().await, Some(store));
    let mut visitor = scene.browser();
    sign_in(&mut visitor, "greta", PASSWORD).await;
    is_in(&mut visitor, "greta").await;
    beside.execute(&format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS false")).await.unwrap();
    let end =
        format!("SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
    beside.number(&end).await.unwrap();
    for path in ["/archive", "/"] {
        let answer = visitor.get(path).await.unwrap();
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {}", answer.text());
        assert!(answer.text().contains("We will be back in a moment"), "{path}");
    }
    let answer = sign_in(&mut scene.browser(), "greta", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    assert_eq!(visitor.get("/health").await.unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
    beside.execute(&format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS true")).await.unwrap();
    is_in(&mut visitor, "greta").await;
    assert_eq!(visitor.get("/archive").await.unwrap().status, StatusCode::OK);
}
