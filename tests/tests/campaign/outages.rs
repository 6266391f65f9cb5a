//! What all accounts need goes away and comes back: no account fails for it, nothing is lost, nothing is half.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use pappus_tests::cluster::{shared_postgres, shared_s3};
use pappus_tests::schema::Pool;

use tokio::net::{TcpListener, TcpStream};

use super::postgres_pod;
use super::scene::{Scene, ended_well};

const ACCOUNTS: usize = 300;
/// The S3 double is slow.
const FEW: usize = 100;

fn is_at_work(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_none()
}

/// The server ends all connections to the pod, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pods_database_hangs_up() {
    let pod = postgres_pod("campaign_cut", ACCOUNTS).await;
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let server = Pool::connect(&shared_postgres().await.unwrap().url("postgres")).await.unwrap();
    let mut child = scene.start(scene.export(&["--plain", "--name", "cut"]));
    let Pool::Postgres(server) = &server else { panic!("PostgreSQL") };
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = 'campaign_cut' AND application_name = 'pappus'";
    let mut cuts = 0_i64;
    while is_at_work(&mut child) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cuts += sqlx::query_scalar::<_, i64>(cut).fetch_one(server).await.unwrap();
    }
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)));
    assert!(cuts > 3, "only {cuts} connections were cut");
    let lines = scene.accounts("cut").await;
    assert!(lines.iter().all(|line| line.state == "done"), "{lines:?}");
    scene.is_whole("cut", ACCOUNTS as u64);
}

/// The same for the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_hangs_up() {
    let pod = postgres_pod("campaign_storeless", ACCOUNTS).await;
    let mut scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let server = shared_postgres().await.unwrap();
    scene.store = Some(server.create_database("campaign_cut_store").await.unwrap());
    let Pool::Postgres(server) = Pool::connect(&server.url("postgres")).await.unwrap() else {
        panic!("PostgreSQL")
    };
    let mut child = scene.start(scene.export(&["--plain", "--name", "cut"]));
    let store = scene.open_store().await;
    let until = Instant::now() + Duration::from_mins(1);
    let begun = "SELECT count(*) AS found FROM pappus_campaign_accounts WHERE state = 'running'";
    while store.first("counting", begun, &[]).await.unwrap().unwrap().get::<i64>("found").unwrap() == 0 {
        assert!(Instant::now() < until && is_at_work(&mut child), "it was too late");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.close().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = 'campaign_cut_store' AND application_name = 'pappus'";
    let mut cuts = 0_i64;
    while is_at_work(&mut child) {
        cuts += sqlx::query_scalar::<_, i64>(cut).fetch_one(&server).await.unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let code = child.wait().unwrap().code();
    let words = std::fs::read_to_string(scene.path("stderr")).unwrap();
    assert!(matches!(code, Some(0 | 10)), "{code:?} {words}");
    assert!(cuts > 2, "only {cuts} connections were cut");
    let lines = scene.accounts("cut").await;
    assert!(lines.iter().all(|line| line.state == "done"), "{lines:?}");
    scene.is_whole("cut", ACCOUNTS as u64);
}

/// A disk with room for some of the archives; then there is more room.
#[tokio::test]
async fn a_full_disk() {
    let scene = Scene::sample(None).await;
    let (out, words) = (scene.out(), scene.path("words"));
    std::fs::create_dir(&out).unwrap();
    let options = ["--plain", "--name", "full", "--reserve", "0", "--patience", "3", "--workers", "2"];
    let mut arguments = scene.export(&options);
    arguments.insert(0, super::programs("pappus"));
    // A file system of its own, which only this shell and its children see.
    let script = "out=$0; words=$1; shift
        mount -t tmpfs -o size=160k,mode=700 tmpfs \"$out\" || exit 77
        \"$@\" 2>\"$words\" && exit 3
        test \"$(ls \"$out\" | grep -c zip)\" -lt 13 || exit 4
        cp -a \"$out\" \"$words.first\"
        mount -o remount,size=16m \"$out\"
        \"$@\"
        code=$?
        mkdir \"$words.all\" && cp -a \"$out\"/. \"$words.all\"
        exit $code";
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .args([&out, &words])
        .args(&arguments[0..])
        .env("SOURCE_DATE_EPOCH", "1795687200")
        .output()
        .unwrap();
    if ended.status.code() == Some(77) || String::from_utf8_lossy(&ended.stderr).contains("unshare failed") {
        eprintln!("skipped: this machine lets nobody make a file system of their own");
        return;
    }
    let said = std::fs::read_to_string(&words).unwrap();
    assert!(matches!(ended.status.code(), Some(0 | 10)), "{ended:?} {said}");
    assert!(said.contains("Waiting: "), "{said}");
    assert!(said.contains("room") || said.contains("No space left"), "{said}");
    assert!(said.contains("nothing is lost: run the same command again to continue"), "{said}");
    // What was there before there was room is whole.
    let first = words.with_extension("first");
    for name in crate::support::names(&first).iter().filter(|name| name.contains(".zip")) {
        let path = first.join(name);
        let ended = pappus_tests::program::pappus(["verify", path.to_str().unwrap()]).unwrap();
        ended_well(&ended);
    }
    std::fs::remove_dir(&out).unwrap();
    std::fs::rename(words.with_extension("all"), &out).unwrap();
    scene.is_whole("full", 13);
}

/// No room from the beginning: it says so, and nothing has happened.
#[tokio::test]
async fn no_room_at_all() {
    let scene = Scene::sample(None).await;
    let reserve = super::scene::all_but_a_little(&scene.path(""));
    let options = ["--plain", "--name", "none", "--patience", "1", "--reserve", &reserve];
    let ended = scene.run(&options);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("MB are free in"), "{ended:?}");
    assert!(scene.accounts("none").await.iter().all(|line| line.state == "pending"));
    ended_well(&scene.run(&["--plain", "--name", "none"]));
    scene.is_whole("none", 13);
}

/// A disk that could never have the room is refused at once, and no campaign begins.
#[tokio::test]
async fn a_disk_that_is_smaller_than_what_stays_free() {
    let scene = Scene::sample(None).await;
    let begun = Instant::now();
    let ended = scene.run(&["--plain", "--name", "small", "--reserve", "1000000000"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the whole disk of") && ended.stderr.contains("--reserve"), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "it has waited: {ended:?}");
    let shown = scene.pappus("campaign", &["small"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
}

/// Into a bucket, over a wire that breaks and hangs; killed in the middle and started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_bucket_over_a_bad_wire() {
    let pod = postgres_pod("campaign_bucket", FEW).await;
    let mut scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let s3 = shared_s3().await.unwrap();
    s3.create_bucket("campaign").await.unwrap();
    scene.environment = s3.environment("AKIA", "secret");
    for (name, value) in &mut scene.environment {
        if *name == "AWS_ENDPOINT_URL" {
            *value = format!("http://127.0.0.1:{}", bad_wire(s3.port()).await);
        }
    }
    scene.bucket = Some("s3://campaign/pod".to_owned());
    let options = ["--name", "away", "--lease", "2"];
    let mut child = scene.start(scene.export(&options));
    let until = Instant::now() + Duration::from_mins(2);
    while s3.keys("campaign").await.unwrap().is_empty() {
        assert!(Instant::now() < until && is_at_work(&mut child), "it was too late");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    ended_well(&scene.run(&options));
    let lines = scene.accounts("away").await;
    assert!(lines.iter().all(|line| line.state == "done"), "{lines:?}");
    scene.environment = s3.environment("AKIA", "secret");
    scene.is_whole("away", FEW as u64);
}

/// A port in front of another one. Every fourth connection breaks after some bytes, in one direction or the other,
/// and two of the first hang.
async fn bad_wire(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for number in 0_u64.. {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
            tokio::spawn(async move {
                if number == 5 || number == 9 {
                    return tokio::time::sleep(Duration::from_mins(5)).await;
                }
                let most = if number % 4 == 3 { 2000 + number * 700 } else { u64::MAX };
                let (from_client, to_client) = client.split();
                let (from_server, to_server) = server.split();
                let up = copy(from_client, to_server, most);
                let down = copy(from_server, to_client, most);
                tokio::select! {
                    () = up => {}
                    () = down => {}
                }
            });
        }
    });
    port
}

async fn copy(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    most: u64,
) {
    use tokio::io::AsyncReadExt as _;
    // Whoever ends first ends both.
    _ = tokio::io::copy(&mut (&mut from).take(most), &mut to).await;
}
