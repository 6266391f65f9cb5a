//! The portal while the mail server is unavailable, and after the pod's database is gone; also live progress, limits,
//! archives of campaigns, and expiry.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::Pod;
use crate::support::closing::{Closing, archive_on, folder_with_key, signed_in, until};
use pappus_tests::program::pappus;
use pappus_tests::service::Service;
use reqwest::{Method, StatusCode};

async fn wait_for(problem: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_mins(2), "{problem}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Runs a mail server that accepts all mails, and returns the list of received ones.
fn mail_server(listener: TcpListener) -> Arc<Mutex<Vec<String>>> {
    let mails = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&mails);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let received = Arc::clone(&received);
            std::thread::spawn(move || serve_mail(&stream, &received));
        }
    });
    mails
}

fn serve_mail(stream: &std::net::TcpStream, received: &Mutex<Vec<String>>) -> Option<()> {
    let say = |line: &str| (&*stream).write_all(format!("{line}\r\n").as_bytes()).ok();
    say("220 mail.example")?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(line)) = lines.next() {
        match line.split(' ').next().unwrap_or_default().to_uppercase().as_str() {
            "DATA" => {
                say("354 go on")?;
                let mut mail = Vec::new();
                while let Some(Ok(line)) = lines.next() {
                    if line == "." {
                        break;
                    }
                    mail.push(line);
                }
                received.lock().unwrap().push(mail.join("\n"));
                say("250 received")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 fine")?,
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_outage_neither_loses_nor_duplicates_mails() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mail = format!(
        "[mail]\nserver = \"smtp://127.0.0.1:{port}\"\nfrom = \"podmin@closing.example\"\nper_minute = 6000\n"
    );
    let mut scene = Closing::on(Pod::sqlite().await, None, &mail);
    let mut greta = scene.signed_in("greta").await;
    greta.submit("/archive/ask", &[("mail", "yes")]).await.unwrap();
    until(&mut greta, "/archive", "/file/").await;
    let store = scene.store().await;
    let tried = "SELECT COUNT(*) FROM pappus_outbox WHERE state = 'queued' AND attempts > 0 AND last_error IS NOT NULL";
    let number = async |sql: &'static str| {
        let sql = format!("SELECT ({sql}) AS found");
        store.first("a test", &sql, &[]).await.unwrap().unwrap().get::<i64>("found").unwrap()
    };
    wait_for("no attempt", async || number(tried).await == 1).await;
    let mails = mail_server(TcpListener::bind(("127.0.0.1", port)).unwrap());
    scene.service.kill_and_start().unwrap();
    store.execute("a test", "UPDATE pappus_outbox SET due_at = 1", &[]).await.unwrap();
    wait_for("no mail", async || mails.lock().unwrap().len() == 1).await;
    wait_for("not recorded as sent", async || {
        number(
            "SELECT COUNT(*) FROM pappus_outbox WHERE state = 'sent' AND recipient IS NULL AND body IS NULL",
        )
        .await
            == 1
    })
    .await;
    // A repeated notification sends no second mail.
    store
        .execute("a test", "UPDATE pappus_requests SET told_at = NULL, mail_to = 'greta@mail.example'", &[])
        .await
        .unwrap();
    wait_for("not notified again", async || {
        number("SELECT COUNT(*) FROM pappus_requests WHERE told_at IS NULL").await == 0
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mails = mails.lock().unwrap();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].contains("To: greta@mail.example") && mails[0].contains("Your archive is ready"),
        "{}",
        mails[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_streamed_and_too_many_requests_are_refused() {
    let mut scene = Closing::on(Pod::sqlite().await, None, "");
    let mut greta = scene.signed_in("greta").await;
    let page = greta.submit("/archive/ask", &[]).await.unwrap();
    if let Some(id) = page.between("data-progress=\"", "\"") {
        let events = greta.open(&id).await.unwrap();
        assert!(events.header("content-type").starts_with("text/event-stream"));
        assert!(events.text().contains("event: over"), "{}", events.text());
    }
    until(&mut greta, "/archive", "/file/").await;
    let store = scene.store().await;
    // Fifteen more within the hour: ten are allowed.
    let sql = "INSERT INTO pappus_requests (pod, user_id, username, account, state, requested_at, due_at, key_locked, \
               language) SELECT pod, user_id, username, account, 'cancelled', requested_at, due_at, 0, 'en' \
               FROM pappus_requests";
    store.execute("a test", &format!("{sql} LIMIT 1"), &[]).await.unwrap();
    for _ in 0..3 {
        store.execute("a test", sql, &[]).await.unwrap();
    }
    let refused = greta.submit("/archive/ask", &[]).await.unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text().contains("Too many requests") && !refused.header("retry-after").is_empty());
    // Passphrases that are too short, or not repeated correctly.
    for fields in
        [[("passphrase", "short"), ("again", "short")], [("passphrase", "long enough"), ("again", "other")]]
    {
        greta.open("/archive").await.unwrap();
        let answer = greta.submit("/archive/ask", &fields).await.unwrap();
        assert!(answer.text().contains("-problem\">"), "{}", answer.text());
    }
    // Requests without the page's token are refused.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let forged = greta.send(Method::POST, "/archive/ask", &form, b"token=x".to_vec()).await.unwrap();
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    // Expired archives are deleted.
    store
        .execute("a test", "UPDATE pappus_requests SET expires_at = 1 WHERE state = 'done'", &[])
        .await
        .unwrap();
    scene.service.kill_and_start().unwrap();
    let kept = scene.state().path().join("archives/requests");
    wait_for("not deleted", async || crate::support::names(&kept).is_empty()).await;
    let page = scene.signed_in("greta").await.open("/archive").await.unwrap();
    assert!(page.text().contains("has expired") && !page.text().contains("/file/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_pod_is_gone_the_archives_of_its_campaign_remain_available() {
    let (pod, folder) = (Pod::sqlite().await, folder_with_key());
    let (state, out) = (folder.path().join("state"), folder.path().join("campaign"));
    let mut arguments: Vec<String> =
        vec!["export".to_owned(), "--all".to_owned(), "--keep-sign-in".to_owned()];
    arguments.extend(pod.arguments());
    arguments.extend(["--state", state.to_str().unwrap(), "--out", out.to_str().unwrap()].map(str::to_owned));
    let ended = pappus(arguments).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{}", ended.stderr);
    drop(pod);
    let config =
        "[pod]\nurl = \"https://closing.example/\"\n[store]\nstate = \"state\"\n[closing]\nenabled = true\n";
    let service = Service::start(folder.path(), config).unwrap();
    let mut greta = signed_in(&service, "greta").await;
    let page = greta.open("/archive").await.unwrap();
    assert!(!page.text().contains("/archive/ask"), "no new archive can be requested");
    let path = archive_on(&page);
    assert!(path.starts_with("/archive/made/c"), "{path}");
    let whole = greta.open(&path).await.unwrap();
    let file = folder.path().join("greta.zip");
    std::fs::write(&file, &whole.body).unwrap();
    assert_eq!(
        crate::support::json(&file, "manifest.json")["account"]["diaspora_id"],
        "greta@closing.example"
    );
    let part = greta.send(Method::GET, &path, &[("range", "bytes=-100")], Vec::new()).await.unwrap();
    assert_eq!(part.body, whole.body[whole.body.len() - 100..]);
    let mut ida = signed_in(&service, "ida").await;
    assert_ne!(ida.open(&path).await.unwrap().body, whole.body);
}
