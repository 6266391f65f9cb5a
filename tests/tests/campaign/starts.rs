//! What is away, lost or refused when a campaign begins.

use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{Store, StoreError};
use pappus_tests::cluster::{PgBouncer, shared_postgres, shared_s3};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::scene::{Scene, ended_well, until};

/// A port that nobody listens at, for later.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Leads a port to another one until it is ended, with all connections.
async fn lead(from: u16, to: u16) -> JoinHandle<()> {
    let listener = TcpListener::bind(("127.0.0.1", from)).await.unwrap();
    tokio::spawn(async move {
        let mut led = tokio::task::JoinSet::new();
        loop {
            let Ok((mut client, _)) = listener.accept().await else { return };
            led.spawn(async move {
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    })
}

/// The address of a throwaway database through another port.
fn through(url: &str, port: u16) -> (String, u16) {
    let mut url = url::Url::parse(url).unwrap();
    let to = url.port().unwrap_or(5432);
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    url.set_query(None);
    (url.to_string(), to)
}

/// The store first, then the pod's database: each is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_that_come_up_later() {
    let server = shared_postgres().await.unwrap();
    let pod = server.create_database("campaign_late_pod").await.unwrap();
    let store = server.create_database("campaign_late_store").await.unwrap();
    let mut scene = Scene::sample(Some(pod)).await;
    for of_the_pod in [false, true] {
        let port = free_port();
        let (own_pod, own_store) = (scene.database.clone(), scene.store.take());
        let to = if of_the_pod {
            let (url, to) = through(&own_pod, port);
            scene.database = url;
            to
        } else {
            let (url, to) = through(&store, port);
            scene.store = Some(url);
            to
        };
        let name = if of_the_pod { "pod" } else { "store" };
        let mut child = scene.start(scene.export(&["--plain", "--name", name]));
        until(&mut child, async || scene.words().contains("Waiting: ")).await;
        // What makes no sense is refused all the same, at once.
        let ended = scene.run(&["--plain", "--only", "sometimes"]);
        assert!(ended.code == Some(1) && ended.stderr.contains("--only takes all"), "{ended:?}");
        assert!(!ended.stderr.contains("Waiting"), "{ended:?}");
        let led = lead(port, to).await;
        assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)));
        let lines = scene.accounts(name).await;
        assert!(lines.len() == 13 && lines.iter().all(|line| line.state == "done"), "{lines:?}");
        led.abort();
        (scene.database, scene.store) = (own_pod, own_store);
    }
    // A password that is wrong does not get right.
    let (wrong, _) = through(&store, 1);
    scene.store = Some(wrong.replace("postgres://", "mysql://"));
    let ended = scene.run(&["--plain", "--name", "no"]);
    assert!(ended.code == Some(1) && !ended.stderr.contains("Waiting"), "{ended:?}");
}

/// The bucket of a new campaign, and the one of the pod's photos, are waited for; one that does not exist, or a folder
/// that nobody could make, is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_comes_up_later() {
    let s3 = shared_s3().await.unwrap();
    s3.create_bucket("campaign-late").await.unwrap();
    let mut scene = Scene::sample(None).await;
    s3.put_folder("campaign-late", "uploads/images/", &scene.path("uploads/images")).await.unwrap();
    for of_photos in [false, true] {
        let port = free_port();
        scene.environment = s3.environment("AKIA", "secret");
        for (name, value) in &mut scene.environment {
            if *name == "AWS_ENDPOINT_URL" {
                *value = format!("http://127.0.0.1:{port}");
            }
        }
        let name = if of_photos { "photos" } else { "archives" };
        let mut arguments = scene.export(&["--plain", "--name", name]);
        let (own, bucket) = if of_photos {
            (scene.path("uploads"), "s3://campaign-late/uploads")
        } else {
            (scene.out(), "s3://campaign-late/pod")
        };
        for argument in &mut arguments {
            if *argument == own.display().to_string() {
                *argument = bucket.to_owned();
            }
        }
        let mut child = scene.start(arguments);
        until(&mut child, async || scene.words().contains("Waiting: ")).await;
        let led = lead(port, s3.port()).await;
        assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)), "{}", scene.words());
        let lines = scene.accounts(name).await;
        assert!(lines.len() == 13 && lines.iter().all(|line| line.state == "done"), "{lines:?}");
        led.abort();
    }
    // Nothing would make it come.
    scene.environment = s3.environment("AKIA", "secret");
    scene.bucket = Some("s3://campaign-never/pod".to_owned());
    let ended = scene.run(&["--plain", "--name", "never"]);
    assert!(ended.code == Some(1) && !ended.stderr.contains("Waiting"), "{ended:?}");
    scene.bucket = None;
    std::fs::write(scene.path("file"), "no folder").unwrap();
    let out = scene.path("file/out");
    let ended = scene.command(scene.export_to(&out, &["--plain", "--name", "nowhere"])).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(1) && !said.contains("Waiting"), "{ended:?}");
}

/// A worker that is there before the list of accounts is written waits for it, says so, and joins.
#[tokio::test]
async fn a_worker_waits_for_the_list_of_accounts() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "early"]));
    let store = scene.open_store().await;
    let state = async |state: &str| {
        let sql = "UPDATE pappus_campaigns SET state = ? WHERE name = 'early'";
        store.execute("a test", sql, &[state.into()]).await.unwrap();
    };
    state("preparing").await;
    let mut arguments = ["worker", "--campaign", "early", "--no-gentle"].map(str::to_owned).to_vec();
    arguments.extend(scene.places("state"));
    // Whoever writes the list may be gone.
    let ended =
        scene.command([&arguments[..], &["--patience", "0"].map(str::to_owned)].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("still being written") && said.contains("`pappus export --all` again"), "{said}");
    let mut worker = scene.start(arguments);
    until(&mut worker, async || scene.words().contains("Waiting: the list of accounts of \"early\"")).await;
    state("running").await;
    assert!(matches!(worker.wait().unwrap().code(), Some(0 | 10)), "{}", scene.words());
    store.close().await;
    assert_eq!(scene.status("early")["campaign"]["state"], "finished");
    scene.is_whole("early", 13);
}

/// While the store is away, whoever asks hears so at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_at_once() {
    let store = shared_postgres().await.unwrap().create_database("campaign_refused").await.unwrap();
    let port = free_port();
    let (url, to) = through(&store, port);
    let led = lead(port, to).await;
    let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).await.unwrap();
    let ask = || store.first("asking", "SELECT 1", &[]);
    ask().await.unwrap();
    led.abort();
    _ = led.await;
    // The first one may still find its connection, which breaks. Whoever waits ends with a time that is over.
    for round in 0..5 {
        for error in [ask().await.err().unwrap(), store.begin().await.err().unwrap()] {
            assert!(error.passes(), "{error}");
            assert!(!error.to_string().contains("timed out"), "{error}");
            assert!(round == 0 || error.to_string().contains("refused"), "{error}");
        }
    }
    let led = lead(port, to).await;
    ask().await.unwrap();
    led.abort();
}

/// A table that is not there is an error; nobody waits for it to come.
#[tokio::test]
async fn a_table_is_missing() {
    for postgres in [false, true] {
        let mut scene = Scene::sample(None).await;
        if postgres {
            let server = shared_postgres().await.unwrap();
            scene.store = Some(server.create_database("campaign_tableless").await.unwrap());
        }
        ended_well(&scene.run(&["--plain", "--name", "one"]));
        let store = scene.open_store().await;
        store.execute("a test", "DROP TABLE pappus_campaign_workers", &[]).await.unwrap();
        store.close().await;
        let ended = scene.run(&["--plain", "--name", "two"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(!ended.stderr.contains("Waiting: "), "{ended:?}");
        assert!(ended.stderr.contains("pappus_campaign_workers"), "{ended:?}");
        assert!(ended.stderr.contains("restore a backup of the database"), "{ended:?}");
    }
}

/// The names that people have to look for are those of Pappus's own tables.
#[tokio::test]
async fn a_change_of_tables_was_broken_off() {
    let url = shared_postgres().await.unwrap().create_database("campaign_dirty").await.unwrap();
    let url = DatabaseUrl::parse(&url).unwrap();
    let store = Store::open(&url).await.unwrap();
    store
        .execute("a test", "UPDATE pappus_migrations SET success = FALSE WHERE version = 3", &[])
        .await
        .unwrap();
    store.close().await;
    let error = Store::open(&url).await.err().unwrap();
    assert!(matches!(error, StoreError::Tables { .. }) && !error.passes(), "{error}");
    let text = error.to_string();
    assert!(text.contains("pappus_migrations") && !text.contains("_sqlx_migrations"), "{text}");
}

/// A key that was lost is said before another is made.
#[tokio::test]
async fn the_archive_key_is_gone() {
    let scene = Scene::sample(None).await;
    let ended = scene.run(&["--plain", "--name", "first"]);
    ended_well(&ended);
    assert!(!ended.stderr.contains("IS GONE"), "{ended:?}");
    let file = scene.path("state/pods/closing.example/archive-key.pem");
    let key = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    // The campaign that goes on gets none.
    let ended = scene.run(&["--plain", "--name", "first"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("Copy archive-key.pem"), "{ended:?}");
    assert!(!file.exists());
    // A new one, and a single export, say it first.
    let ended = scene.run(&["--plain", "--name", "second"]);
    ended_well(&ended);
    assert!(ended.stderr.contains("ARCHIVE KEY SHA256:") && ended.stderr.contains("IS GONE"), "{ended:?}");
    assert_ne!(std::fs::read(&file).unwrap(), key);
    std::fs::remove_file(&file).unwrap();
    let out = scene.path("single").display().to_string();
    let mut arguments = vec!["export".to_owned(), "ida".to_owned(), "--out".to_owned(), out];
    arguments.extend(scene.places("state"));
    let ended = pappus_tests::program::pappus(arguments).unwrap();
    ended_well(&ended);
    assert!(ended.stderr.contains("IS GONE"), "{ended:?}");
    // What opens archives may be lost as well.
    ended_well(&scene.run(&["--name", "sealed"]));
    std::fs::remove_file(scene.path("state/pods/closing.example/campaign-keys.txt")).unwrap();
    let ended = scene.run(&["--name", "sealed-again"]);
    assert!(ended.stderr.contains("NOT on this machine"), "{ended:?}");
}

/// The store is behind a PgBouncer, which gives every transaction another connection: with one that refuses the parameter
/// that tells it from a server, and with one that keeps it to itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_behind_pgbouncer() {
    let server = shared_postgres().await.unwrap();
    let bouncers = [
        ("campaign_pooled", PgBouncer::before(server).await.unwrap()),
        ("campaign_pooled_silently", PgBouncer::ignoring(server, "options").await.unwrap()),
    ];
    for (name, bouncer) in bouncers {
        server.create_database(name).await.unwrap();
        let url = DatabaseUrl::parse(&bouncer.url(name)).unwrap();
        // All of them create the tables, one after the other.
        let opened = futures_util::future::join_all((0..3).map(|_| Store::open(&url))).await;
        let stores: Vec<Store> = opened.into_iter().map(Result::unwrap).collect();
        let mut asking = tokio::task::JoinSet::new();
        for task in 0..12_i64 {
            let store = stores[usize::try_from(task).unwrap() % stores.len()].clone();
            asking.spawn(async move {
                for round in 0..60_i64 {
                    // Mistaken for the other statement, each fails or gives something else.
                    if (task + round) % 2 == 0 {
                        let sql = "SELECT CAST(? AS BIGINT) AS told";
                        let row = store.first("asking", sql, &[round.into()]).await.unwrap().unwrap();
                        assert_eq!(row.get::<i64>("told").unwrap(), round);
                    } else {
                        let (sql, text) = ("SELECT CAST(? AS TEXT) AS told", round.to_string());
                        let row = store.first("asking", sql, &[(&text).into()]).await.unwrap().unwrap();
                        assert_eq!(row.get::<String>("told").unwrap(), text);
                    }
                }
            });
        }
        while let Some(ended) = asking.join_next().await {
            ended.unwrap();
        }
        for store in stores {
            store.close().await;
        }
        let mut scene = Scene::sample(None).await;
        scene.store = Some(bouncer.url(name));
        ended_well(&scene.run(&["--plain", "--name", "pooled", "--workers", "4"]));
        ended_well(&scene.run(&["--plain", "--name", "since", "--since", "pooled"]));
        scene.is_whole("pooled", 13);
    }
}
