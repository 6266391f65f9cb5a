//! Sessions and tokens end with what they were made with, and people see, make and revoke their tokens on a page.

use super::{code, is_in, is_out, scene, sign_in, step};
use crate::support::Pod;
use crate::support::closing::{Closing, get, said, script_of};
use pappus_tests::sample::PASSWORD;
use pappus_tests::service::{Answer, Browser};
use reqwest::{Method, StatusCode};

/// Another password, or another second factor, on the pod ends the sessions and tokens made before.
pub(super) async fn end_with_the_password(scene: &Closing) {
    let pool = &scene.pod.pool;
    let mut other = scene.signed_in("emil").await;
    let hash = |cost: u32| bcrypt::hash(format!("{PASSWORD}{}", pappus_tests::sample::PEPPER), cost).unwrap();
    let password = format!("UPDATE users SET encrypted_password = '{}' WHERE username = 'yasmin'", hash(4));
    let factor = "UPDATE users SET otp_required_for_login = (1 = 1), plain_otp_secret = 'GEZDGNBVGY3TQOJQ' \
                  WHERE username = 'yasmin'";
    for change in [password.as_str(), factor] {
        let mut yasmin = scene.signed_in("yasmin").await;
        let mut script = script_of(&scene.service, &mut yasmin, &["read"]).await;
        is_in(&mut yasmin, "yasmin").await;
        get(&mut script, "/api/v1/me").await;
        pool.execute(change).await.unwrap();
        none_of_many_passes(scene, &script).await;
        is_out(&mut yasmin).await;
        said(&mut script, Method::GET, "/api/v1/me", None, StatusCode::UNAUTHORIZED).await;
        is_in(&mut other, "emil").await;
    }
    // The same counts between password and code: the old password gets nobody further.
    let mut half_way = scene.browser();
    sign_in(&mut half_way, "jonas", PASSWORD).await;
    let unused = "UPDATE users SET consumed_timestep = NULL WHERE username = 'jonas'";
    pool.execute(unused).await.unwrap();
    pool.execute(&password.replace("yasmin", "jonas")).await.unwrap();
    let answer = half_way.fill("/sign-in/code", "/sign-in/code", &[("code", &code(step()))]).await.unwrap();
    assert_eq!(answer.location(), "/sign-in", "{}", answer.text());
    is_out(&mut half_way).await;
    pool.execute("UPDATE users SET consumed_timestep = 2000000000 WHERE username = 'jonas'").await.unwrap();

    let off = "UPDATE users SET otp_required_for_login = (1 = 0), plain_otp_secret = NULL WHERE username = 'yasmin'";
    pool.execute(off).await.unwrap();
    let mut yasmin = scene.signed_in("yasmin").await;
    is_in(&mut yasmin, "yasmin").await;
}

/// Of many requests at once, none is answered while another one is being checked.
async fn none_of_many_passes(scene: &Closing, script: &Browser) {
    let client = reqwest::Client::new();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut request = client.get(format!("{}api/v1/me", scene.service.url));
        for (name, value) in &script.headers {
            request = request.header(*name, value);
        }
        requests.spawn(async move { request.send().await.unwrap().status() });
    }
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|status| *status == StatusCode::UNAUTHORIZED), "{answers:?}");
}

/// An e-mail address that reads like another's diaspora* ID hides nobody.
#[tokio::test]
async fn an_address_like_an_id() {
    let scene = scene(Pod::sqlite().await, None);
    let pool = &scene.pod.pool;
    let first = "username = (SELECT username FROM users ORDER BY id LIMIT 1)";
    let name = "SELECT COUNT(*) FROM users WHERE username = 'yasmin' AND id > (SELECT MIN(id) FROM users)";
    assert_eq!(pool.number(name).await.unwrap(), 1);
    let mut yasmin = scene.signed_in("yasmin").await;
    pool.execute(&format!("UPDATE users SET email = 'yasmin@closing.example' WHERE {first}")).await.unwrap();
    is_in(&mut yasmin, "yasmin").await;
    pool.execute("UPDATE users SET locked_at = created_at WHERE username = 'yasmin'").await.unwrap();
    is_out(&mut yasmin).await;
}

async fn make(visitor: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    visitor.fill("/tokens", "/tokens", fields).await.unwrap()
}

/// Checks that a form without a name or a scope is refused, and one whose days are too many or no number.
async fn incomplete_forms_are_refused(visitor: &mut Browser) {
    for fields in [
        [("name", ""), ("days", "3"), ("read", "yes")],
        [("name", "x"), ("days", "3"), ("nothing", "yes")],
        [("name", "x"), ("days", "367"), ("read", "yes")],
        [("name", "x"), ("days", "soon"), ("read", "yes")],
    ] {
        let answer = make(visitor, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(answer.text().contains("A token needs a name"), "{fields:?}");
    }
}

/// Checks that it is logged how ida made and revoked a token, and that she got one mail, without the token itself.
async fn is_logged_and_mailed(scene: &Closing, name: &str, token: &str) {
    let store = scene.store().await;
    let sql = "SELECT act, actor, subject FROM pappus_audit WHERE act LIKE 'token%' ORDER BY id";
    let rows = store.rows("looking", sql, &[]).await.unwrap();
    let columns = ["act", "actor", "subject"];
    let lines: Vec<[String; 3]> =
        rows.iter().map(|row| columns.map(|column| row.get(column).unwrap())).collect();
    let ida = "ida@closing.example";
    assert_eq!(lines, [["token-made", ida, name], ["token-revoked", ida, name]]);
    let mails = scene.waiting_mails("%").await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].0, "ida@mail.example");
    assert!(mails[0].1.contains(name) && mails[0].1.contains("/tokens") && !mails[0].1.contains(token));
    assert!(mails[0].1.ends_with('\n'), "{}", mails[0].1);
    store.close().await;
}

/// The page, the log and the mail.
#[tokio::test]
async fn on_their_page() {
    let scene = scene(Pod::sqlite().await, None);
    assert_eq!(scene.browser().get("/tokens").await.unwrap().location(), "/sign-in?next=%2Ftokens");
    let mut ida = scene.signed_in("ida").await;
    let page = ida.get("/tokens").await.unwrap().text();
    assert!(page.contains("You have no tokens") && !page.contains("board_read"), "{page}");
    incomplete_forms_are_refused(&mut ida).await;
    // What is on the board is for podmins, whatever a form says.
    let answer = make(&mut ida, &[("name", "x"), ("days", "3"), ("board_read", "yes")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);

    let answer = make(&mut ida, &[("name", "my <script>"), ("days", "3"), ("read", "yes")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/tokens"));
    let store = scene.store().await;
    let rows = store.rows("looking", "SELECT data FROM pappus_sessions", &[]).await.unwrap();
    let data: Vec<String> = rows.iter().map(|row| row.get("data").unwrap()).collect();
    store.close().await;
    let page = ida.get("/tokens").await.unwrap().text();
    assert!(page.contains("my &#60;script&#62;") && page.contains("never"), "{page}");
    let token = page
        .split_once("<code class=\"secret\" id=\"secret\">")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0
        .to_owned();
    let mut script = Browser::new(&scene.service.url).unwrap();
    script.headers.push(("authorization", format!("Bearer {token}")));
    assert_eq!(get(&mut script, "/api/v1/me").await["scopes"], serde_json::json!(["read"]));
    let page = ida.get("/tokens").await.unwrap().text();
    assert!(!page.contains(&token), "shown once");
    assert_eq!(page.matches("action=\"/tokens/").count(), 1, "one token was made");
    assert!(data.iter().any(|data| data.contains("sealed:")), "{data:?}");
    assert!(data.iter().all(|data| !data.contains(&token)), "a token waits in clear: {data:?}");

    // Others cannot revoke it; its owner can, twice.
    let path = page.split_once("action=\"/tokens/").unwrap().1.split_once('"').unwrap().0;
    let path = format!("/tokens/{path}");
    let mut emil = scene.signed_in("emil").await;
    assert_eq!(emil.fill("/tokens", &path, &[]).await.unwrap().location(), "/tokens");
    get(&mut script, "/api/v1/me").await;
    for next in ["/tokens?done=token-revoked", "/tokens"] {
        assert_eq!(ida.fill("/tokens", &path, &[]).await.unwrap().location(), next);
        said(&mut script, Method::GET, "/api/v1/me", None, StatusCode::UNAUTHORIZED).await;
    }

    let page = ida.get("/tokens?done=token-revoked").await.unwrap().text();
    assert!(page.contains("The token is revoked") && page.contains("href=\"/api/docs\""), "{page}");

    is_logged_and_mailed(&scene, "my <script>", &token).await;
}
