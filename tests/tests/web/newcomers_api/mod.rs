//! Newcomers, the podmin's yes and no, and invitations, for programs: each path by token and by session, and for nobody
//! but podmins.

mod access;
mod evidence;
mod trusted_pods;

use std::path::PathBuf;

use crate::support::closing::{get, said, script_of, until_right};
use crate::web::newcomers::{
    PASSWORD, Scene, begin_by_program, choose_by_program, hand_in_by_program, state,
};
use pappus_tests::cluster::shared_postgres;
use pappus_tests::sample::PEPPER;
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) use evidence::with_podmin;

use access::{cannot_read, cannot_write, only_podmins_have_access};

const NEWCOMERS: &str = "/api/v1/board/newcomers";
const INVITATIONS: &str = "/api/v1/board/invitations";

/// Takes out a time, which it has to be.
fn without_time(document: &mut Value, keys: &[&str]) {
    for key in keys {
        let time = document[key].as_str().unwrap();
        assert!(time.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{key}: {time}");
        document[key] = json!("a time");
    }
}

/// A pod with a podmin, greta, where who comes needs an invitation, and, as nothing proves anything there, a yes.
async fn by_invitation(store: Option<&str>) -> (Scene, Service) {
    by_invitation_and(store, "").await
}

/// The same with more in the section `[newcomers]`.
async fn by_invitation_and(store: Option<&str>, more: &str) -> (Scene, Service) {
    let scene = Scene::new().await;
    // By the command line: what comes by the door, in a pod that trusts the old one, proves who the others are.
    scene.target.import(&scene.source.archive("out", "greta"), "greta", &["--accept-unproven"]);
    let hash = bcrypt::hash(format!("{PASSWORD}{PEPPER}"), 4).unwrap();
    let password = format!("UPDATE users SET encrypted_password = '{hash}' WHERE username = 'greta'");
    scene.target.pool.execute(&password).await.unwrap();
    scene.make_podmin("greta").await;
    let section = format!("admission = \"invitation\"\nper_address = 1000\nper_day = 1000\n{more}");
    let service = scene.serve(store, &section);
    (scene, service)
}

async fn signed_in(service: &Service, name: &str) -> Browser {
    let mut browser = Browser::new(&service.url).unwrap();
    let page = browser.sign_in(name, PASSWORD).await.unwrap().text();
    assert!(page.contains("Sign out"), "{page}");
    browser
}

/// Where the service keeps what somebody has handed in.
fn kept(scene: &Scene, id: i64) -> PathBuf {
    scene.folder.path().join(format!("state/pods/haven.example/newcomers/n{id}/archive"))
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_and_decisions_on_sqlite() {
    invitations_and_decisions(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_and_decisions_on_postgresql() {
    let store = shared_postgres().await.unwrap().create_database("newcomers_api").await.unwrap();
    invitations_and_decisions(Some(&store)).await;
}

/// The pause for undo begins with the podmin's yes. Nothing else proves whose archive it is.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_is_announced_by_itself() {
    let store = shared_postgres().await.unwrap().create_database("newcomers_pause").await.unwrap();
    let (scene, service) = by_invitation_and(Some(&store), "undo_minutes = 0.1").await;
    let mut greta = signed_in(&service, "greta").await;
    let mut script = script_of(&service, &mut greta, &["board_read", "board_write"]).await;
    let new = Some(json!({ "uses": 1 }));
    let made = said(&mut script, Method::POST, INVITATIONS, new, StatusCode::CREATED).await;
    let mut ida = begin_by_program(&service, json!({ "invitation": made["code"] })).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    assert_eq!(state(&mut ida, "checked").await["proof"], "unproven");
    choose_by_program(&mut ida, "ida").await;
    assert_eq!(state(&mut ida, "waiting").await["undo_until"], Value::Null);
    let yes = Some(json!({ "act": "yes" }));
    said(&mut script, Method::PATCH, &format!("{NEWCOMERS}/1"), yes, StatusCode::OK).await;
    assert!(state(&mut ida, "imported").await["undo_until"].is_string());
    state(&mut ida, "announced").await;
    let path = "/api/v1/newcomers/me/deliveries";
    let deliveries = get(&mut ida, path).await;
    assert!(deliveries["pods"].as_array().unwrap().len() > 1, "{deliveries}");
}

async fn invitations_and_decisions(store: Option<&str>) {
    let (scene, service) = by_invitation(store).await;
    let mut greta = signed_in(&service, "greta").await;
    let mut script = script_of(&service, &mut greta, &["board_read", "board_write"]).await;
    let code = invite(&mut script).await;
    // Two may come with it, and no third.
    let mut ida = begin_by_program(&service, json!({ "invitation": code })).await;
    let mut another = begin_by_program(&service, json!({ "invitation": format!(" {code}\n") })).await;
    nobody_comes(&service, &code).await;
    assert_eq!(get(&mut script, INVITATIONS).await["invitations"], json!([]));

    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    hand_in_by_program(&mut another, &scene.archive).await;
    state(&mut another, "checked").await;
    choose_by_program(&mut another, "another").await;
    let (first, second) = the_queue(&scene, &mut script).await;

    no(&mut script, second).await;
    state(&mut another, "declined").await;
    yes(&scene, &mut script, first).await;
    state(&mut ida, "imported").await;
    scene.target.is_sound().await;
    nonsense(&mut script, first).await;

    withdrawn(&service, &mut script).await;
    audit_log(&mut greta).await;
    only_podmins_have_access(&service, &mut greta, &mut script, &mut another).await;
    page_by_page(&service, &mut script).await;

    // Who is no administrator any more: neither by session nor by token.
    scene.target.pool.execute("DELETE FROM roles WHERE name = 'admin'").await.unwrap();
    for podmin in [&mut greta, &mut script] {
        cannot_read(podmin, StatusCode::FORBIDDEN).await;
        cannot_write(podmin, StatusCode::FORBIDDEN).await;
    }
}

/// Makes an invitation for two. Gives its code.
async fn invite(script: &mut Browser) -> String {
    for (bad, sentence) in [
        (json!({ "uses": 0 }), "an invitation is for 1 to 1,000 people"),
        (json!({ "uses": 1001 }), "an invitation is for 1 to 1,000 people"),
        (json!({ "uses": 1, "note": "two\nlines" }), "a note is one line of at most 200 characters"),
        (json!({ "uses": 1, "note": "\0" }), "a note is one line of at most 200 characters"),
        (json!({ "uses": 1, "note": "x".repeat(201) }), "a note is one line of at most 200 characters"),
        (json!({ "uses": "many" }), "invalid type"),
        (json!({ "uses": 1.5 }), "invalid type"),
        (json!({ "uses": 1, "code": "mine" }), "unknown field `code`"),
        (json!({ "note": "for ida" }), "missing field `uses`"),
        (json!(7), "invalid type"),
    ] {
        let problem = said(script, Method::POST, INVITATIONS, Some(bad), StatusCode::BAD_REQUEST).await;
        assert!(problem["detail"].as_str().unwrap().contains(sentence), "{sentence}: {problem}");
    }
    said(script, Method::POST, INVITATIONS, None, StatusCode::BAD_REQUEST).await;
    assert_eq!(get(script, INVITATIONS).await, json!({ "invitations": [], "before": null }));

    let new = json!({ "note": " for Ida & Jörg ", "uses": 2 });
    let mut made = said(script, Method::POST, INVITATIONS, Some(new), StatusCode::CREATED).await;
    let listed = get(script, INVITATIONS).await;
    assert_eq!(listed, json!({ "invitations": [made["invitation"].clone()], "before": null }));
    let code = made["code"].as_str().unwrap().to_owned();
    assert!(code.len() > 20 && !listed.to_string().contains(&code), "{listed}");
    without_time(&mut made["invitation"], &["made_at", "expires_at"]);
    let whole = json!({
        "id": 1, "note": "for Ida & Jörg", "made_by": "greta@haven.example", "made_at": "a time",
        "expires_at": "a time", "uses_left": 2,
    });
    assert_eq!(made["invitation"], whole);
    assert_eq!(get(script, &format!("{INVITATIONS}?before=1")).await["invitations"], json!([]));
    said(script, Method::GET, &format!("{INVITATIONS}?before=soon"), None, StatusCode::BAD_REQUEST).await;
    code
}

/// Nobody begins with a code.
async fn nobody_comes(service: &Service, code: &str) {
    let mut late = Browser::new(&service.url).unwrap();
    let beginning = Some(json!({ "invitation": code }));
    let problem = said(&mut late, Method::POST, "/api/v1/newcomers", beginning, StatusCode::CONFLICT).await;
    assert!(problem["detail"].as_str().unwrap().contains("We don’t know this code"), "{problem}");
}

/// Two wait, and the podmin sees what they bring before there is anything of it. Gives their numbers.
async fn the_queue(scene: &Scene, script: &mut Browser) -> (i64, i64) {
    let waiting = get(script, &format!("{NEWCOMERS}?state=waiting")).await;
    let all = get(script, NEWCOMERS).await;
    let accounts = |list: &Value| -> Vec<Value> {
        let list = list["newcomers"].as_array().unwrap().iter();
        list.map(|one| json!([one["id"], one["state"], one["old_account"], one["new_account"]])).collect()
    };
    let expected = [
        json!([2, "waiting", "ida@closing.example", "another@haven.example"]),
        json!([1, "waiting", "ida@closing.example", "ida@haven.example"]),
    ];
    assert_eq!(accounts(&waiting), expected);
    assert_eq!(waiting, all);
    assert_eq!(get(script, &format!("{NEWCOMERS}?state=uploading")).await["newcomers"], json!([]));
    assert_eq!(waiting["before"], Value::Null);
    let older = get(script, &format!("{NEWCOMERS}?before=2")).await;
    assert_eq!(older, json!({ "newcomers": [waiting["newcomers"][1]], "before": null }));

    let mut details = get(script, &format!("{NEWCOMERS}/1")).await;
    assert_eq!(details["newcomer"], waiting["newcomers"][1]);
    let size = std::fs::metadata(&scene.archive).unwrap().len();
    assert_eq!(details["newcomer"]["bytes"], size);
    details["newcomer"]["bytes"] = json!("the size of the archive");
    without_time(&mut details["newcomer"], &["begun_at", "expires_at"]);
    insta::assert_json_snapshot!("waiting", details);
    let users = scene.target.pool.number("SELECT COUNT(*) FROM users").await.unwrap();
    assert_eq!(users, 1, "nobody is here before the yes");
    (1, 2)
}

async fn decide(script: &mut Browser, id: i64, act: &str, status: StatusCode) -> Value {
    let decision = Some(json!({ "act": act }));
    said(script, Method::PATCH, &format!("{NEWCOMERS}/{id}"), decision, status).await
}

async fn too_late(script: &mut Browser, id: i64, act: &str, sentence: &str) {
    let problem = decide(script, id, act, StatusCode::CONFLICT).await;
    assert_eq!(problem["detail"], sentence);
}

async fn no(script: &mut Browser, id: i64) {
    too_late(script, id, "again", "only a failed import can be retried; this move is waiting").await;
    let declined = decide(script, id, "no", StatusCode::OK).await;
    assert_eq!(
        [&declined["state"], &declined["approved"], &declined["decided_by"]],
        [&json!("declined"), &json!(false), &json!("greta@haven.example")]
    );
    for act in ["no", "yes"] {
        let sentence =
            "only a newcomer who awaits approval can be approved or declined; this move is declined";
        too_late(script, id, act, sentence).await;
    }
    assert_eq!(get(script, &format!("{NEWCOMERS}/{id}")).await["newcomer"], declined, "nothing has changed");
}

/// A yes, an import that does not end, and another try.
async fn yes(scene: &Scene, script: &mut Browser, id: i64) {
    let path = format!("{NEWCOMERS}/{id}");
    let archive = std::fs::read(kept(scene, id)).unwrap();
    std::fs::write(kept(scene, id), "no archive any more").unwrap();
    let let_in = decide(script, id, "yes", StatusCode::OK).await;
    assert_eq!(
        [&let_in["approved"], &let_in["decided_by"]],
        [&json!(true), &json!("greta@haven.example")],
        "{let_in}"
    );
    let failed = until_right(script, &path, |found| found["newcomer"]["state"] == "failed").await;
    let why = [&failed["newcomer"]["problem"], &failed["newcomer"]["reason"], &failed["report"]];
    insta::assert_json_snapshot!("failed", why);
    for act in ["yes", "no"] {
        too_late(
            script,
            id,
            act,
            "only a newcomer who awaits approval can be approved or declined; this move is failed",
        )
        .await;
    }
    std::fs::write(kept(scene, id), archive).unwrap();
    let again = decide(script, id, "again", StatusCode::OK).await;
    assert_eq!(again["problem"], Value::Null, "{again}");
    let come = until_right(script, &path, |found| found["newcomer"]["state"] == "imported").await;
    let posts = |told: &Value| told["kinds"]["status_messages"]["in_archive"].as_u64();
    assert!(posts(&come["report"]) > Some(0) && posts(&come["report"]) == posts(&come["plan"]), "{come}");
    too_late(
        script,
        id,
        "yes",
        "only a newcomer who awaits approval can be approved or declined; this move is imported",
    )
    .await;
    too_late(script, id, "again", "only a failed import can be retried; this move is imported").await;
    assert_eq!(get(script, &path).await, come, "nothing has changed");
}

/// What makes no sense is said to make none.
async fn nonsense(script: &mut Browser, id: i64) {
    let path = format!("{NEWCOMERS}/{id}");
    for (bad, sentence) in [
        (json!({ "act": "dance" }), "there is no such action"),
        (json!({ "act": "" }), "there is no such action"),
        (json!({ "act": "yes\0" }), "there is no such action"),
        (json!({ "act": true }), "invalid type"),
        (json!({ "act": "yes", "force": true }), "unknown field `force`"),
        (json!({}), "missing field `act`"),
        (json!("yes"), "invalid type"),
    ] {
        let problem = said(script, Method::PATCH, &path, Some(bad), StatusCode::BAD_REQUEST).await;
        assert!(problem["detail"].as_str().unwrap().contains(sentence), "{sentence}: {problem}");
    }
    said(script, Method::PATCH, &path, None, StatusCode::BAD_REQUEST).await;
    for query in ["state=nowhere", "state=", "state=%00", "before=soon", "before=1&before=2"] {
        let path = format!("{NEWCOMERS}?{query}");
        said(script, Method::GET, &path, None, StatusCode::BAD_REQUEST).await;
    }
    assert_eq!(get(script, &format!("{NEWCOMERS}?before=-5")).await["newcomers"], json!([]));
    for missing in ["4711", "0", "-1", "nobody", "%00", "%ff", "99999999999999999999"] {
        let path = format!("{NEWCOMERS}/{missing}");
        said(script, Method::GET, &path, None, StatusCode::NOT_FOUND).await;
        for act in ["yes", "dance"] {
            let decision = Some(json!({ "act": act }));
            said(script, Method::PATCH, &path, decision, StatusCode::NOT_FOUND).await;
        }
        let path = format!("{INVITATIONS}/{missing}");
        said(script, Method::DELETE, &path, None, StatusCode::NOT_FOUND).await;
    }
    for path in [path, format!("{INVITATIONS}/1")] {
        said(script, Method::PUT, &path, Some(json!({})), StatusCode::METHOD_NOT_ALLOWED).await;
    }
}

/// What was taken back lets nobody in; taken back twice it is taken back.
async fn withdrawn(service: &Service, script: &mut Browser) {
    let new = Some(json!({ "uses": 1000 }));
    let made = said(script, Method::POST, INVITATIONS, new, StatusCode::CREATED).await;
    let code = made["code"].as_str().unwrap();
    begin_by_program(service, json!({ "invitation": code })).await;
    let left = get(script, INVITATIONS).await;
    assert_eq!((&left["invitations"][0]["uses_left"], &left["invitations"][1]), (&json!(999), &Value::Null));
    let path = format!("{INVITATIONS}/{}", made["invitation"]["id"]);
    for _ in 0..2 {
        said(script, Method::DELETE, &path, None, StatusCode::NO_CONTENT).await;
        nobody_comes(service, code).await;
        assert_eq!(get(script, INVITATIONS).await["invitations"], json!([]));
    }
    // So is one that was used up.
    said(script, Method::DELETE, &format!("{INVITATIONS}/1"), None, StatusCode::NO_CONTENT).await;
}

/// All of it is in the log once, with who has done it and from where; what was refused is not.
async fn audit_log(podmin: &mut Browser) {
    let log = get(podmin, "/api/v1/board/log").await;
    let lines = log["lines"].as_array().unwrap().iter().rev();
    let lines: Vec<Value> = lines
        .filter(|line| line["act"] != "sign-in")
        .map(|line| json!([line["actor"], line["act"], line["subject"], line["details"], line["address"]]))
        .collect();
    let (greta, ida, here) = ("greta@haven.example", "ida@closing.example", "127.0.0.1");
    let expected = [
        json!([greta, "token-made", "script", { "days": 1, "scopes": ["board_read", "board_write"] }, here]),
        json!([greta, "invitation", "for Ida & Jörg", { "uses": 2 }, here]),
        json!([greta, "newcomer-no", ida, null, here]),
        json!([greta, "newcomer-yes", ida, null, here]),
        json!([greta, "newcomer-again", ida, null, here]),
        json!([null, "newcomer-imported", ida, null, null]),
        json!([greta, "invitation", "", { "uses": 1000 }, here]),
        json!([greta, "invitation-withdrawn", "2", null, here]),
    ];
    assert_eq!(lines, expected);
}

/// With more than two hundred, nobody is on two pages, and nobody on none.
async fn page_by_page(service: &Service, script: &mut Browser) {
    const MANY: usize = 201;
    let mut code = String::new();
    for _ in 0..MANY {
        let new = Some(json!({ "uses": 1000 }));
        let made = said(script, Method::POST, INVITATIONS, new, StatusCode::CREATED).await;
        made["code"].as_str().unwrap().clone_into(&mut code);
    }
    let mut stranger = Browser::new(&service.url).unwrap();
    for _ in 0..MANY {
        let beginning = Some(json!({ "invitation": code }));
        said(&mut stranger, Method::POST, "/api/v1/newcomers", beginning, StatusCode::CREATED).await;
    }
    // Before that: ida, another, and who came with what was withdrawn then; and what was made by session.
    for (path, list, before) in [(NEWCOMERS, "newcomers", 3), (INVITATIONS, "invitations", 1)] {
        let numbers = |page: &Value| -> Vec<i64> {
            page[list].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect()
        };
        let first = get(script, path).await;
        let second = get(script, &format!("{path}?before={}", first["before"])).await;
        let (first, rest) = (numbers(&first), numbers(&second));
        assert_eq!((first.len(), &second["before"]), (200, &Value::Null));
        let all = [first, rest].concat();
        assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
        assert_eq!(all.len(), MANY + before, "{path}");
    }
}
