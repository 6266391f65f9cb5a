//! The podmin's board for programs: each path by session and by token, and for nobody but podmins.

use std::time::{Duration, Instant};

use crate::support::closing::{Closing, call, document, get, said, script_of, until_right};
use pappus_tests::service::Browser;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Accounts of the sample pod.
const ACCOUNTS: u64 = 13;
/// What is only looked at.
const READS: [&str; 8] = [
    "/api/v1/board",
    "/api/v1/board/closing",
    "/api/v1/board/people?query=ida",
    "/api/v1/board/accounts?state=locked",
    "/api/v1/board/words",
    "/api/v1/board/campaigns",
    "/api/v1/board/notices",
    "/api/v1/board/log",
];

/// Acts as they are noted, those of the log that are the board's, the oldest first.
async fn acts(browser: &mut Browser) -> Vec<String> {
    let log = get(browser, "/api/v1/board/log").await;
    let lines = log["lines"].as_array().unwrap().iter().rev();
    // Whoever makes a token is noted as well.
    let others = |line: &Value| line["act"] == "token-made" && line["actor"] != "greta@closing.example";
    let of_the_board = lines.filter(|line| line["act"] != "sign-in" && !others(line));
    of_the_board
        .map(|line| {
            assert_eq!(
                (&line["actor"], &line["address"]),
                (&json!("greta@closing.example"), &json!("127.0.0.1"))
            );
            assert!(line["at"].as_str().unwrap().ends_with('Z'), "{line}");
            line["act"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn by_session() {
    let scene = Closing::sqlite().await;
    let mut greta = scene.signed_in("greta").await;
    everything(&scene, &mut greta, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_token() {
    let scene = Closing::sqlite().await;
    let mut greta = scene.signed_in("greta").await;
    let mut script = script_of(&scene.service, &mut greta, &["board_read", "board_write"]).await;
    let me = get(&mut script, "/api/v1/me").await;
    assert_eq!((&me["podmin"], &me["scopes"]), (&json!(true), &json!(["board_read", "board_write"])), "{me}");
    everything(&scene, &mut script, &["token-made"]).await;
    // It is good for nothing else.
    said(&mut script, Method::GET, "/api/v1/requests", None, StatusCode::FORBIDDEN).await;
}

async fn everything(scene: &Closing, podmin: &mut Browser, before: &[&str]) {
    closing(podmin).await;
    campaigns(podmin).await;
    people(podmin).await;
    let was_stopped = notices(scene, podmin).await;
    let mut expected = before.to_vec();
    expected.extend(["closing", "campaign-begin", "campaign-cancel", "campaign-begin", "campaign-retry"]);
    expected.extend(["archive-for", "notice"]);
    if was_stopped {
        expected.extend(["notice-stop", "notice-go-on"]);
    }
    assert_eq!(acts(podmin).await, expected);
    // Page by page.
    let log = get(podmin, "/api/v1/board/log").await;
    let second = log["lines"][1]["id"].as_i64().unwrap();
    let older = get(podmin, &format!("/api/v1/board/log?before={second}")).await;
    assert_eq!(older["lines"][0], log["lines"][2]);
    assert_eq!(older["before"], Value::Null);
    said(podmin, Method::GET, "/api/v1/board/log?before=soon", None, StatusCode::BAD_REQUEST).await;
}

async fn closing(podmin: &mut Browser) {
    let path = "/api/v1/board/closing";
    said(podmin, Method::GET, path, None, StatusCode::NOT_FOUND).await;
    let board = get(podmin, "/api/v1/board").await;
    assert_eq!(board["pod"], "https://closing.example/");
    assert_eq!((&board["accounts"]["accounts"], &board["closing"]), (&json!(ACCOUNTS), &Value::Null));
    let decided = json!({ "stage": "read-only", "read_only_on": "2036-12-01", "switch_off_on": null,
        "downloads_until": "2037-06-30", "public": true });
    let kept = said(podmin, Method::PUT, path, Some(decided.clone()), StatusCode::OK).await;
    assert_eq!(kept, decided);
    assert_eq!(get(podmin, path).await, decided);
    assert_eq!(get(podmin, "/api/v1/board").await["closing"], decided);
    for (bad, sentence) in [
        (json!({ "stage": "over" }), "there is no such stage"),
        (
            json!({ "stage": "closed", "switch_off_on": "soon" }),
            "\"soon\" is not a date; write it as 2027-01-31",
        ),
        (json!({ "stage": "closed", "switch_off_on": "+20270-01-31" }), "write it as 2027-01-31"),
        (json!({ "stage": "closed", "when": 1 }), "unknown field `when`"),
        (json!({}), "missing field `stage`"),
    ] {
        let problem = said(podmin, Method::PUT, path, Some(bad), StatusCode::BAD_REQUEST).await;
        assert!(problem["detail"].as_str().unwrap().contains(sentence), "{problem}");
    }
    assert_eq!(get(podmin, path).await, decided, "what is bad changes nothing");
}

async fn campaigns(podmin: &mut Browser) {
    let path = "/api/v1/board/campaigns";
    assert_eq!(get(podmin, path).await, json!([]));
    let wrong = json!({ "only": "listed" });
    said(podmin, Method::POST, path, Some(wrong), StatusCode::BAD_REQUEST).await;
    let new = json!({ "only": "active-month" });
    let first = said(podmin, Method::POST, path, Some(new.clone()), StatusCode::CREATED).await;
    assert_eq!((&first["state"], &first["only"]), (&json!("preparing"), &json!("active-month")), "{first}");
    let first = format!("{path}/{}", first["name"].as_str().unwrap());
    let cancelled = call(podmin, Method::PATCH, &first, Some(json!({ "act": "cancel" }))).await;
    assert_eq!((cancelled.status, &document(&cancelled)["state"]), (StatusCode::OK, &json!("cancelled")));
    let late =
        said(podmin, Method::PATCH, &first, Some(json!({ "act": "resume" })), StatusCode::CONFLICT).await;
    assert!(late["detail"].as_str().unwrap().contains("cancelled"), "{late}");

    // They are called by the second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let new = json!({ "only": "all", "keep_sign_in": true });
    let second = said(podmin, Method::POST, path, Some(new.clone()), StatusCode::CREATED).await;
    let again = said(podmin, Method::POST, path, Some(new), StatusCode::CONFLICT).await;
    assert!(again["detail"].as_str().unwrap().contains("is not over yet"), "{again}");
    let name = second["name"].as_str().unwrap();
    let second = format!("{path}/{name}");
    let done = until_right(podmin, &second, |status| status["campaign"]["state"] == "finished").await;
    assert_eq!((&done["accounts"]["all"], &done["accounts"]["done"]), (&json!(ACCOUNTS), &json!(ACCOUNTS)));
    assert!(done["bytes"].as_u64().unwrap() > 10_000 && done["campaign"]["keep_sign_in"] == true, "{done}");
    let list = get(podmin, path).await;
    assert_eq!((list.as_array().unwrap().len(), &list[0]["name"]), (2, &json!(name)));
    // There is nothing to try again: it stays as it is.
    let retried = said(podmin, Method::PATCH, &second, Some(json!({ "act": "retry" })), StatusCode::OK).await;
    assert_eq!(retried["state"], "finished");
    said(podmin, Method::PATCH, &second, Some(json!({ "act": "dance" })), StatusCode::BAD_REQUEST).await;
    for missing in ["nothing", "%00", "%ff"] {
        let missing = format!("{path}/{missing}");
        said(podmin, Method::GET, &missing, None, StatusCode::NOT_FOUND).await;
        let act = Some(json!({ "act": "pause" }));
        said(podmin, Method::PATCH, &missing, act, StatusCode::NOT_FOUND).await;
    }
    let board =
        until_right(podmin, "/api/v1/board", |board| board["accounts"]["with_archive"] == ACCOUNTS).await;
    let days = board["days"].as_array().unwrap();
    assert_eq!(days.last().unwrap()["with_archive"], ACCOUNTS, "{board}");
}

async fn people(podmin: &mut Browser) {
    let path = "/api/v1/board/people";
    for name in ["ida", "ida%40mail.example", "ida%40closing.example"] {
        let found = get(podmin, &format!("{path}?query={name}")).await;
        assert_eq!(found["found"]["account"], "ida@closing.example", "{found}");
        assert_eq!(found["found"]["archives"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!((&found["failed"], &found["after"]), (&json!([]), &Value::Null));
    }
    for nobody in ["?query=nobody-here", "?query=%00", "", "?after=7"] {
        assert_eq!(get(podmin, &format!("{path}{nobody}")).await["found"], Value::Null, "{nobody}");
    }
    said(podmin, Method::GET, &format!("{path}?after=x"), None, StatusCode::BAD_REQUEST).await;
    let path = "/api/v1/board/people/archives";
    let request = said(podmin, Method::POST, path, Some(json!({ "name": "ida" })), StatusCode::CREATED).await;
    until_right(podmin, "/api/v1/board/people?query=ida", |people| {
        let newest = &people["found"]["requests"][0];
        newest["id"] == request["id"] && newest["state"] == "done"
    })
    .await;
    said(podmin, Method::POST, path, Some(json!({ "name": "nobody" })), StatusCode::NOT_FOUND).await;
    said(podmin, Method::POST, path, Some(json!({ "name": 7 })), StatusCode::BAD_REQUEST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_note_and_recommended_pods_by_program() {
    let scene = Closing::sqlite().await;
    let mut greta = scene.signed_in("greta").await;
    let path = "/api/v1/board/words";
    let nothing = get(&mut greta, path).await;
    assert_eq!(nothing, json!({ "note": "", "pods": [] }));
    let new = json!({ "note": "Thank you all.\r\nGoodbye", "pods": [{ "url": "pod.example", "about": "friendly" },
        { "url": "https://other.example/register" }] });
    let stored = said(&mut greta, Method::PUT, path, Some(new), StatusCode::OK).await;
    let expected = json!({ "note": "Thank you all.\nGoodbye", "pods": [
        { "url": "https://pod.example/", "about": "friendly" },
        { "url": "https://other.example/register", "about": "" }] });
    assert_eq!((&stored, &get(&mut greta, path).await), (&expected, &expected));
    // The page has the same, and people read it.
    let page = greta.open("/board/words").await.unwrap().text();
    assert!(page.contains("Thank you all.") && page.contains("pod.example friendly"), "{page}");
    let page = scene.browser().open("/sign-in").await.unwrap().text();
    assert!(page.contains("Thank you all.") || page.contains("pod.example"), "{page}");
    let long = "x".repeat(4_001);
    let many: Vec<Value> = (0..31).map(|_| json!({ "url": "pod.example" })).collect();
    for bad in [
        json!({ "note": long }),
        json!({ "pods": many }),
        json!({ "pods": [{ "url": "javascript:alert(1)" }] }),
        json!({ "pods": [{ "url": "pod.example", "about": "one\nevil.example two" }] }),
        json!({ "pods": [{ "url": "pod.example evil" }] }),
        json!({ "pods": [{ "url": "" }] }),
        json!({ "pods": ["pod.example"] }),
        json!({ "notes": "x" }),
    ] {
        said(&mut greta, Method::PUT, path, Some(bad), StatusCode::BAD_REQUEST).await;
    }
    assert_eq!(get(&mut greta, path).await, expected);
    assert!(acts(&mut greta).await.contains(&"podmin-words".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_accounts_by_program() {
    let scene = Closing::sqlite().await;
    let mut greta = scene.signed_in("greta").await;
    let names = |list: &Value| -> Vec<String> {
        let accounts = list["accounts"].as_array().unwrap().iter();
        accounts.map(|account| account["username"].as_str().unwrap().to_owned()).collect()
    };
    let path = "/api/v1/board/accounts";
    let all = get(&mut greta, path).await;
    assert_eq!((names(&all).len() as u64, &all["after"]), (ACCOUNTS, &Value::Null), "{all}");
    let one = get(&mut greta, &format!("{path}?beginning=GRE")).await;
    assert_eq!(names(&one), ["greta"]);
    assert_eq!(one["accounts"][0]["account"], "greta@closing.example");
    assert_eq!(
        (&one["accounts"][0]["archive_made_at"], &one["accounts"][0]["states"]),
        (&Value::Null, &json!(["untouched"]))
    );
    greta.submit("/archive/ask", &[]).await.unwrap();
    let made = until_right(&mut greta, &format!("{path}?state=not-downloaded"), |list| {
        !list["accounts"].as_array().unwrap().is_empty()
    })
    .await;
    assert_eq!(names(&made), ["greta"]);
    assert!(made["accounts"][0]["archive_made_at"].as_str().unwrap().ends_with('Z'), "{made}");
    let untouched = get(&mut greta, &format!("{path}?state=untouched")).await;
    assert_eq!(names(&untouched).len() as u64, ACCOUNTS - 1);
    let locked = get(&mut greta, &format!("{path}?state=locked")).await;
    assert!(
        locked["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .all(|account| account["states"].as_array().unwrap().contains(&json!("locked"))),
        "{locked}"
    );
    let last = get(&mut greta, &format!("{path}?after=9223372036854775807")).await;
    assert_eq!(names(&last), Vec::<String>::new());
    assert_eq!(names(&get(&mut greta, &format!("{path}?beginning=%00")).await), Vec::<String>::new());
    for bad in ["?state=nonsense", "?after=x"] {
        said(&mut greta, Method::GET, &format!("{path}{bad}"), None, StatusCode::BAD_REQUEST).await;
    }
}

/// Says whether the letter could still be stopped: on a slow machine everybody has it by then.
async fn notices(scene: &Closing, podmin: &mut Browser) -> bool {
    let path = "/api/v1/board/notices";
    // Ida is told of the archive that was made for her.
    let begun = Instant::now();
    while scene.mails().is_empty() && begun.elapsed() < Duration::from_mins(2) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.mails().len(), 1);
    let letter = json!({ "audience": "all", "subject": "{pod} closes", "body": "Hello {name}!" });
    let seen = said(podmin, Method::POST, path, Some(letter.clone()), StatusCode::OK).await;
    assert_eq!((&seen["subject"], &seen["body"]), (&json!("closing.example closes"), &json!("Hello greta!")));
    assert!(seen["recipients"].as_u64().unwrap() > seen["locked"].as_u64().unwrap(), "{seen}");
    assert_eq!(get(podmin, path).await, json!([]), "what was only shown is not sent");
    for (key, wrong) in [
        ("audience", json!("nobody")),
        ("subject", json!("two\nlines")),
        ("subject", json!("x".repeat(201))),
        ("body", json!(" ")),
        ("body", json!("x".repeat(20_001))),
    ] {
        let mut bad = letter.clone();
        bad["confirmed"] = json!(true);
        bad[key] = wrong;
        said(podmin, Method::POST, path, Some(bad), StatusCode::BAD_REQUEST).await;
    }
    let mut confirmed = letter;
    confirmed["confirmed"] = json!(true);
    let sent = said(podmin, Method::POST, path, Some(confirmed), StatusCode::CREATED).await;
    assert_eq!((&sent["state"], &sent["written_by"]), (&json!("queueing"), &json!("greta@closing.example")));
    let one = format!("{path}/{}", sent["id"]);
    let stopped = said(podmin, Method::PATCH, &one, Some(json!({ "act": "stop" })), StatusCode::OK).await;
    let was_stopped = stopped["state"] == "stopped";
    assert!(was_stopped || stopped["state"] == "queued", "{stopped}");
    let going = said(podmin, Method::PATCH, &one, Some(json!({ "act": "go-on" })), StatusCode::OK).await;
    assert_ne!(going["state"], "stopped");
    said(podmin, Method::PATCH, &one, Some(json!({ "act": "burn" })), StatusCode::BAD_REQUEST).await;
    let done =
        until_right(podmin, &one, |found| found["notice"]["state"] == "queued" && found["waiting"] == 0)
            .await;
    assert!(done["notice"]["queued"].as_u64().unwrap() > 5, "{done}");
    assert_eq!((&done["sent"], &done["failed"]), (&done["notice"]["queued"], &json!(0)), "{done}");
    assert_eq!(get(podmin, path).await[0], done["notice"]);
    // Those who make a token are told so.
    let letters = scene.mails().iter().filter(|mail| !mail.contains("/tokens")).count();
    assert_eq!(letters as u64, 1 + done["sent"].as_u64().unwrap());
    for missing in ["4711", "nothing", "99999999999999999999"] {
        said(podmin, Method::GET, &format!("{path}/{missing}"), None, StatusCode::NOT_FOUND).await;
    }
    let act = Some(json!({ "act": "stop" }));
    said(podmin, Method::PATCH, &format!("{path}/4711"), act, StatusCode::NOT_FOUND).await;
    was_stopped
}

/// Requests that change something: method, path, and a valid body.
fn writes() -> [(Method, &'static str, Value); 7] {
    let letter = json!({ "audience": "all", "subject": "s", "body": "b", "confirmed": true });
    [
        (Method::PUT, "/api/v1/board/closing", json!({ "stage": "closed" })),
        (Method::PUT, "/api/v1/board/words", json!({ "note": "Hello" })),
        (Method::POST, "/api/v1/board/people/archives", json!({ "name": "ida" })),
        (Method::POST, "/api/v1/board/campaigns", json!({ "only": "all" })),
        (Method::PATCH, "/api/v1/board/campaigns/x", json!({ "act": "cancel" })),
        (Method::POST, "/api/v1/board/notices", letter),
        (Method::PATCH, "/api/v1/board/notices/1", json!({ "act": "stop" })),
    ]
}

/// Checks that a browser has no access to the board.
async fn refused(browser: &mut Browser, status: StatusCode) {
    for path in READS.into_iter().chain(["/api/v1/board/campaigns/x", "/api/v1/board/notices/1"]) {
        said(browser, Method::GET, path, None, status).await;
    }
    cannot_write(browser, status).await;
}

async fn cannot_write(browser: &mut Browser, status: StatusCode) {
    for (method, path, body) in writes() {
        said(browser, method.clone(), path, Some(body), status).await;
        // A refusal does not reveal whether the body was valid.
        said(browser, method, path, Some(json!([])), status).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn for_podmins_only() {
    let scene = Closing::sqlite().await;
    refused(&mut scene.browser(), StatusCode::UNAUTHORIZED).await;
    let mut ida = scene.signed_in("ida").await;
    refused(&mut ida, StatusCode::FORBIDDEN).await;
    let me = get(&mut ida, "/api/v1/me").await;
    assert_eq!(me["scopes"], json!(["read", "request", "download"]), "{me}");
    for scope in ["board_read", "board_write"] {
        let new = json!({ "name": "more", "scopes": ["read", scope], "days": 1 });
        said(&mut ida, Method::POST, "/api/v1/tokens", Some(new), StatusCode::FORBIDDEN).await;
    }
    // As if somebody had got such a row in all the same.
    let mut script = script_of(&scene.service, &mut ida, &["read"]).await;
    let sql = "UPDATE pappus_api_tokens SET scopes = 'read board_read board_write'";
    let changed = scene.store().await.execute("a test", sql, &[]).await.unwrap();
    assert_eq!(changed, 1);
    refused(&mut script, StatusCode::FORBIDDEN).await;
    assert_eq!(get(&mut script, "/api/v1/me").await["podmin"], false);

    // A podmin's tokens are good for what they say.
    let mut greta = scene.signed_in("greta").await;
    let mut ordinary = script_of(&scene.service, &mut greta, &["read", "request", "download"]).await;
    refused(&mut ordinary, StatusCode::FORBIDDEN).await;
    let mut read_only = script_of(&scene.service, &mut greta, &["board_read"]).await;
    said(
        &mut greta,
        Method::PUT,
        "/api/v1/board/closing",
        Some(json!({ "stage": "announced" })),
        StatusCode::OK,
    )
    .await;
    for path in READS {
        get(&mut read_only, path).await;
    }
    cannot_write(&mut read_only, StatusCode::FORBIDDEN).await;
    let mut write_only = script_of(&scene.service, &mut greta, &["board_write"]).await;
    for path in READS {
        said(&mut write_only, Method::GET, path, None, StatusCode::FORBIDDEN).await;
    }
    assert_eq!(acts(&mut greta).await, ["token-made", "token-made", "closing", "token-made"]);

    // A page from elsewhere cannot use the podmin's session.
    let headers = [("content-type", "application/json"), ("origin", "https://evil.example")];
    let body = json!({ "stage": "closed" }).to_string().into_bytes();
    let forged = greta.send(Method::PUT, "/api/v1/board/closing", &headers, body).await.unwrap();
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&mut greta, "/api/v1/board/closing").await["stage"], "announced");

    // Who is no administrator any more has no board any more, neither by session nor by token.
    let mut all = script_of(&scene.service, &mut greta, &["read", "board_read", "board_write"]).await;
    get(&mut all, "/api/v1/board").await;
    scene.pod.pool.execute("DELETE FROM roles WHERE name = 'admin'").await.unwrap();
    for podmin in [&mut greta, &mut all] {
        refused(podmin, StatusCode::FORBIDDEN).await;
        assert_eq!(get(podmin, "/api/v1/me").await["podmin"], false);
    }
    get(&mut all, "/api/v1/requests").await;
    let new = json!({ "name": "more", "scopes": ["board_read"], "days": 1 });
    said(&mut greta, Method::POST, "/api/v1/tokens", Some(new), StatusCode::FORBIDDEN).await;
}
