//! Whom an import asks, and whom it never does: what the old pod says counts, and no address in an archive, or in what
//! another pod says, leads into the own network.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::living_pods::LivingPods;
use crate::support::target::Target;
use crate::support::{document, json};
use serde_json::{Value, json as value};

#[tokio::test(flavor = "multi_thread")]
async fn the_old_pod_has_the_last_word_about_the_key() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    let archive = pods.export("ida");
    let path = archive.display().to_string();
    let guid = json(&archive, "manifest.json")["account"]["guid"].as_str().unwrap().to_owned();
    let hosts = ["--allow-host", &pods.closing, "--allow-host", &pods.contacts];
    let command = [&["import", path.as_str(), "--as", "ida"][..], &hosts].concat();
    let card = http_get(&pods.closing, &format!("/hcard/users/{guid}")).await;
    let (before, rest) = card.split_once("-----BEGIN").unwrap();
    let (_, after) = rest.split_once("PUBLIC KEY-----").unwrap();
    let (_, after) = after.split_once("-----END PUBLIC KEY-----").unwrap_or(("", after));
    let other = include_str!("../../fixtures/keys/4096-0.public.pem").trim_end();
    let lie = format!("{before}{other}{after}");
    pods.lies.lock().unwrap().insert(format!("/hcard/users/{guid}"), lie);
    target.refuses(&command, "wrong_key").await;
    let lie = pods.lies.lock().unwrap().clone();
    pods.lies.lock().unwrap().clear();
    let planned = document(&target.run(&[&command[..], &["--dry-run"]].concat()));
    assert_eq!(planned["proof"], "hcard", "{planned}");
    let fingerprint = &json(&archive, "manifest.json")["account"]["key_fingerprint"];
    assert_eq!(
        (&planned["evidence"]["archive"], &planned["evidence"]["published"]),
        (fingerprint, fingerprint)
    );

    // The announcement asks again: by then somebody else may have the address.
    let held = target.run(&[&command[..], &["--hold"]].concat());
    assert!(matches!(held.code, Some(0 | 10)), "{held:?}");
    *pods.lies.lock().unwrap() = lie;
    let before = target.rows().await;
    let announce = [&["announce", path.as_str()][..], &hosts].concat();
    for command in [announce.clone(), command.clone()] {
        let ended = target.run(&command);
        assert_ne!(ended.code, Some(0), "{command:?}: {ended:?}");
        assert!(ended.stderr.contains("its old pod publishes"), "{command:?}: {ended:?}");
        assert_eq!(target.rows().await, before, "{command:?}");
    }
    // A pod that gives no answer says nothing against the move.
    for answer in pods.lies.lock().unwrap().values_mut() {
        *answer = "nothing here".to_owned();
    }
    let ended = target.run(&announce);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    assert_eq!(target.rows().await["account_migrations"], 1);
}

async fn http_get(host: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Listens on all addresses of this machine, and counts who connects.
async fn private_service() -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&seen);
    let six = tokio::net::TcpListener::bind(format!("[::1]:{port}")).await.ok();
    tokio::spawn(async move {
        loop {
            let accepted = match &six {
                Some(six) => tokio::select! { one = listener.accept() => one, other = six.accept() => other },
                None => listener.accept().await,
            };
            count.fetch_add(usize::from(accepted.is_ok()), Ordering::SeqCst);
        }
    });
    (port, seen)
}

/// Puts people into an archive whose pods would be inside.
fn tempt(stock: &mut Value, port: u16) {
    let hosts = [
        format!("127.0.0.1:{port}"),
        format!("127.1:{port}"),
        format!("127.0.0.2:{port}"),
        format!("0.0.0.0:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f000001:{port}"),
        format!("017700000001:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("localhost:{port}"),
        format!("localhost.:{port}"),
        format!("ip6-localhost:{port}"),
        "10.0.0.1".to_owned(),
        "192.168.0.1:3000".to_owned(),
        "169.254.169.254".to_owned(),
        "169.254.169.254:80".to_owned(),
    ];
    let template = stock["user"]["contacts"][0].clone();
    let comment = stock["others_data"]["relayables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["entity_type"] == "comment")
        .unwrap()
        .clone();
    for (number, host) in hosts.iter().enumerate() {
        let mut contact = template.clone();
        contact["account_id"] = format!("eve@{host}").into();
        contact["person_guid"] = format!("eeeeeeeeeeeeeeee{number:016}").into();
        stock["user"]["contacts"].as_array_mut().unwrap().push(contact);
        let mut said = comment.clone();
        said["entity_data"]["author"] = format!("mallory@{host}").into();
        said["entity_data"]["guid"] = format!("cccccccccccccccc{number:016}").into();
        stock["others_data"]["relayables"].as_array_mut().unwrap().push(said);
        stock["user"]["blocks"].as_array_mut().unwrap().push(format!("blocked@{host}").into());
    }
}

async fn nothing_of_it_is_there(target: &Target, port: u16, is_known: bool) {
    let count = async |sql: &str| target.pool.number(sql).await.unwrap();
    assert_eq!(
        count("SELECT COUNT(*) FROM people WHERE diaspora_handle LIKE 'paula@%'").await,
        i64::from(is_known)
    );
    for sql in [
        "SELECT COUNT(*) FROM people WHERE diaspora_handle LIKE 'eve@%' OR diaspora_handle LIKE 'mallory@%' \
         OR diaspora_handle LIKE 'blocked@%'"
            .to_owned(),
        "SELECT COUNT(*) FROM comments WHERE guid LIKE 'cccccccccccccccc%'".to_owned(),
        format!("SELECT COUNT(*) FROM pods WHERE port = {port} OR host LIKE '10.%' OR host LIKE '169.%'"),
    ] {
        assert_eq!(count(&sql).await, 0, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_into_the_own_network() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    let (port, seen) = private_service().await;
    let archive = pods.export("ida");
    let mut stock = json(&archive, "diaspora.json");
    tempt(&mut stock, port);
    // A pod that is asked, and sends us on: for the card to a place inside, or only for the pod's address.
    let paula = format!("paula@{}", pods.contacts);
    let links = |card: &str, seed: &str| {
        value!({ "subject": format!("acct:{paula}"), "links": [
            { "rel": "http://microformats.org/profile/hcard", "href": card },
            { "rel": "http://joindiaspora.com/seed_location", "href": seed },
        ]})
        .to_string()
    };
    let inside = format!("http://127.0.0.1:{port}/");
    let web_finger = "/.well-known/webfinger".to_owned();
    let lie = |text: String| pods.lies.lock().unwrap().insert(web_finger.clone(), text);
    let path = PathBuf::from(target.path("archive.json"));
    std::fs::write(&path, stock.to_string()).unwrap();
    let path = path.display().to_string();
    let command = [
        "import",
        &path,
        "--as",
        "ida",
        "--accept-unproven",
        "--hold",
        "--allow-host",
        &pods.closing,
        "--allow-host",
        &pods.contacts,
    ];
    let guid = json(&archive, "diaspora.json")["user"]["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|contact| contact["account_id"] == paula.as_str())
        .unwrap()["person_guid"]
        .as_str()
        .unwrap()
        .to_owned();
    let card = format!("http://{}/hcard/users/{guid}", pods.contacts);
    for (text, is_known) in
        [(links(&format!("{inside}hcard"), &inside), false), (links(&card, &format!("{inside}seed")), true)]
    {
        lie(text);
        let ended = target.run(&[&command[..], &["--dry-run"]].concat());
        assert!(matches!(ended.code, Some(10)), "{ended:?}");
        let ended = target.run(&command);
        assert!(matches!(ended.code, Some(10)), "{ended:?}");
        nothing_of_it_is_there(&target, port, is_known).await;
        assert_eq!(seen.load(Ordering::SeqCst), 0, "something inside was asked");
        let undone = target.run(&["undo", document(&ended)["import"].as_str().unwrap()]);
        assert_eq!(undone.code, Some(0), "{undone:?}");
    }
    assert!(pods.asked_for("webfinger").len() > 1, "those outside were asked");
    // The service is there: whoever may ask it gets through.
    std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}
