//! The page of a newcomer: what is wrong stands at its field, and every end leads on.

use super::{PASSWORD, Scene, begin, choice, come, hand_in};
use crate::support::closing::until;
use pappus_tests::service::Browser;
use reqwest::{Method, StatusCode};

/// Somebody whose archive will do.
async fn checked(service: &pappus_tests::service::Service, scene: &Scene) -> Browser {
    let mut ida = begin(service).await;
    hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
    until(&mut ida, "/newcomers", "Your archive is valid").await;
    ida
}

#[tokio::test(flavor = "multi_thread")]
async fn common_passwords_are_refused_at_their_field() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut ida = checked(&service, &scene).await;
    for easy in ["password", "passwort", "123456789", "ida@mail.example", "qwertz"] {
        ida.open("/newcomers").await.unwrap();
        let wish = [("username", "ida"), ("email", "ida@mail.example"), ("password", easy), ("again", easy)];
        let answer = ida.submit("/newcomers/choose", &wish).await.unwrap();
        let page = answer.text();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{easy}: {page}");
        assert!(page.contains("too common") && page.contains("id=\"password-problem\""), "{easy}: {page}");
        assert!(
            page.matches("too common").count() == 1 && !page.contains("id=\"problems\""),
            "{easy}: {page}"
        );
        let field = answer.between("<input id=\"password\"", ">").unwrap();
        for attribute in ["aria-invalid=\"true\"", "autofocus", "aria-describedby=\"password-problem\""] {
            assert!(field.contains(attribute), "{attribute}: {field}");
        }
    }
    // Several at once: all are named, the first has the focus, and what was typed stays.
    let wish =
        [("username", "Ida!"), ("email", "x@mail.example"), ("password", PASSWORD), ("again", "other")];
    let answer = ida.submit("/newcomers/choose", &wish).await.unwrap();
    let page = answer.text();
    // Links name the fields; each message stands at its field, and is not repeated.
    for link in ["<a href=\"#username\">Username</a>", "<a href=\"#again\">Repeated password</a>"] {
        assert!(page.contains(link), "{link}: {page}");
    }
    for field in ["username", "again"] {
        let text = answer.between(&format!("id=\"{field}-problem\">"), "</p>").unwrap();
        assert_eq!(page.matches(text.as_str()).count(), 1, "{text}: {page}");
    }
    assert_eq!(page.matches(" autofocus").count(), 1, "{page}");
    assert!(answer.between("<input id=\"username\"", ">").unwrap().contains("autofocus"), "{page}");
    assert!(page.contains("value=\"x@mail.example\""), "{page}");
    // By program as well.
    let body = serde_json::json!({ "username": "ida", "email": "ida@mail.example", "password": "password" });
    let headers = [("content-type", "application/json")];
    let path = "/api/v1/newcomers/me/choice";
    let answer = ida.send(Method::POST, path, &headers, body.to_string().into_bytes()).await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert!(answer.text().contains("too common"), "{}", answer.text());
    ida.open("/newcomers").await.unwrap();
    ida.submit("/newcomers/choose", &choice("ida", "ida@mail.example")).await.unwrap();
    until(&mut ida, "/newcomers", "Import complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_undone_move_one_starts_again() {
    let scene = Scene::new().await;
    // An invitation is good once: whoever was invited must not need another.
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut ida = come(&service, &scene.archive, "ida").await;
    until(&mut ida, "/newcomers", "Import complete").await;
    ida.submit("/newcomers/undo", &[("confirmed", "yes")]).await.unwrap();
    let page = until(&mut ida, "/newcomers", "Move undone").await.text();
    assert!(page.contains("action=\"/newcomers/restart\"") && page.contains("Start again"), "{page}");
    let page = ida.submit("/newcomers/restart", &[]).await.unwrap().text();
    assert!(page.contains("Upload your archive"), "{page}");
    hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
    until(&mut ida, "/newcomers", "Your archive is valid").await;
    ida.submit("/newcomers/choose", &choice("ida", "ida@mail.example")).await.unwrap();
    until(&mut ida, "/newcomers", "Import complete").await;
    scene.target.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_again_and_again_is_counted() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\nper_address = 2\n{}", scene.trusted()));
    let mut ida = come(&service, &scene.archive, "ida").await;
    for start in [2, 3] {
        until(&mut ida, "/newcomers", "Import complete").await;
        ida.submit("/newcomers/undo", &[("confirmed", "yes")]).await.unwrap();
        until(&mut ida, "/newcomers", "Move undone").await;
        let page = ida.submit("/newcomers/restart", &[]).await.unwrap().text();
        if start == 3 {
            assert!(page.contains("Many people have started") && page.contains("Start again"), "{page}");
            break;
        }
        assert!(page.contains("Upload your archive"), "{page}");
        hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
        until(&mut ida, "/newcomers", "Your archive is valid").await;
        ida.submit("/newcomers/choose", &choice("ida", "ida@mail.example")).await.unwrap();
    }
    let mut other = Browser::new(&service.url).unwrap();
    other.open("/newcomers").await.unwrap();
    let page = other.submit("/newcomers/begin", &[]).await.unwrap().text();
    assert!(page.contains("Many people have started"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_valid_archive_without_a_contact_that_can_come_is_said_in_words() {
    let scene = Scene::with(|source| {
        // Nobody's key can be read, so nobody here can know these people.
        let sql = "UPDATE people SET serialized_public_key = 'none' WHERE owner_id IS NULL \
                   OR owner_id <> (SELECT id FROM users WHERE username = 'ida')";
        let pool = source.pool.clone();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async move { pool.execute(sql).await.unwrap() });
        });
    })
    .await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut ida = checked(&service, &scene).await;
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains("Your archive is valid, but none of your "), "{page}");
    assert!(page.contains("Most of them are left out: "), "{page}");
    ida.open("/language/de?to=/newcomers").await.unwrap();
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains("Dein Archiv ist gültig, aber keiner deiner "), "{page}");
    // Of one contact it is not said what happens to most.
    let own = "user_id = (SELECT id FROM users WHERE username = 'ida')";
    for sql in [
        format!("DELETE FROM contacts WHERE {own} AND id <> (SELECT MIN(id) FROM contacts WHERE {own})"),
        "DELETE FROM aspect_memberships WHERE contact_id NOT IN (SELECT id FROM contacts)".to_owned(),
    ] {
        scene.source.pool.execute(&sql).await.unwrap();
    }
    scene.source.export(&["ida"], "one", &[]);
    let mut ida = begin(&service).await;
    hand_in(&mut ida, None, &std::fs::read(scene.source.archive("one", "ida")).unwrap()).await;
    let page = until(&mut ida, "/newcomers", "your only contact cannot come along").await.text();
    assert!(page.contains("It is left out: "), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_invitation_reads_where_to_ask_for_one() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"invitation\"");
    let mut guest = Browser::new(&service.url).unwrap();
    let page = guest.open("/newcomers").await.unwrap();
    let field = page.between("<input id=\"invitation\"", ">").unwrap();
    assert!(field.contains("aria-describedby=\"invitation-help\""), "{field}");
    let help = page.between("id=\"invitation-help\">", "</p>").unwrap();
    assert!(help.contains("ask the podmin"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_field_for_the_passphrase_of_a_refused_archive_is_open() {
    let scene = Scene::new().await;
    let command = "echo correct horse battery";
    scene.source.export(&["emil"], "locked", &["--passphrase-command", command]);
    let archive = scene.source.archive("locked", "emil").with_extension("zip.age");
    let service = scene.serve(None, "admission = \"open\"");
    let mut emil = begin(&service).await;
    let open = "<details open>\n<summary>I have two files, or a passphrase</summary>";
    let page = emil.open("/newcomers").await.unwrap().text();
    assert!(page.contains("I have two files, or a passphrase") && !page.contains(open), "{page}");
    hand_in(&mut emil, None, &std::fs::read(archive).unwrap()).await;
    let page = until(&mut emil, "/newcomers", "no passphrase that you entered opens it").await;
    assert!(page.text().contains(open), "{}", page.text());
    let text = page.between("id=\"passphrase-problem\">", "</p>").unwrap();
    assert!(text.contains("no passphrase that you entered opens it"), "{text}");
    assert_eq!(page.text().matches("no passphrase that you").count(), 1, "it is said once: {}", page.text());
    let input = page.between("<input id=\"passphrase\"", ">").unwrap();
    assert!(input.contains(" autofocus") && input.contains("passphrase-problem"), "{input}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_forgets_a_finished_move_says_that_the_account_stays() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut ida = come(&service, &scene.archive, "ida").await;
    until(&mut ida, "/newcomers", "Import complete").await;
    scene.pods_are_near().await;
    ida.open("/newcomers").await.unwrap();
    ida.submit("/newcomers/announce", &[]).await.unwrap();
    let page = until(&mut ida, "/newcomers", "Welcome").await;
    let link = page.between("<input id=\"link\" value=\"", "\"").unwrap();
    let page = ida.submit("/newcomers/leave", &[]).await.unwrap().text();
    assert!(page.contains("has forgotten your move. Your account here stays"), "{page}");
    assert!(!page.contains("Nothing of yours is left") && page.contains("How it works"), "{page}");
    assert_eq!(scene.users().await, 1);
    // As that page says.
    let (_, secret) = link.rsplit_once('/').unwrap();
    ida.open(&format!("/newcomers/back/{secret}")).await.unwrap();
    let page = ida.submit(&format!("/newcomers/back/{secret}"), &[]).await.unwrap().text();
    assert!(page.contains("Welcome"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_says_how_much_is_here() {
    let scene = Scene::new().await;
    let archive = std::fs::read(&scene.archive).unwrap();
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut ida = begin(&service).await;
    let length = archive.len().to_string();
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", length.as_str()),
        ("upload-metadata", "part YXJjaGl2ZQ=="),
    ];
    let made = ida.send(Method::POST, "/newcomers/uploads", &headers, Vec::new()).await.unwrap();
    super::send(&mut ida, made.location(), 0, archive[..60_000].to_vec()).await;
    let page = ida.open("/newcomers").await.unwrap();
    let here = page.between("id=\"here\"", "</div>").unwrap();
    assert!(here.contains("Archive: 60.0 kB of "), "{here}");
    assert!(page.text().contains("accept=\".zip,.gz,.json,.age"), "{}", page.text());
    let page = ida.submit("/newcomers/uploads/end", &[]).await.unwrap().text();
    assert!(page.contains("This deletes 1 upload (60.0 kB)"), "{page}");
    let page = ida.submit("/newcomers/uploads/end", &[("confirmed", "yes")]).await.unwrap().text();
    assert!(!page.contains("id=\"here\""), "{page}");
    let gone = ida.send(Method::HEAD, made.location(), &headers[..1], Vec::new()).await.unwrap();
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_are_told_in_the_reader_s_language() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"\nper_address = 20");
    let archive = std::fs::read(&scene.archive).unwrap();
    let mut damaged = archive.clone();
    let half = damaged.len() / 2;
    damaged[half] ^= 1;
    for (bytes, says) in [
        (b"this is no archive".to_vec(), "kein Archiv eines Kontos"),
        (damaged, "beschädigt"),
        (archive[..archive.len() / 3].to_vec(), "beschädigt"),
    ] {
        let mut ida = begin(&service).await;
        ida.open("/language/de?to=/newcomers").await.unwrap();
        hand_in(&mut ida, None, &bytes).await;
        let page = until(&mut ida, "/newcomers", "kann nicht angenommen werden").await.text();
        assert!(page.contains(says), "{says}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_uploaded_nothing_is_promised_no_deletion() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"");
    let mut ida = begin(&service).await;
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains(">Cancel the move</button>"), "{page}");
    for said in ["your uploads are deleted", "delete everything"] {
        assert!(!page.contains(said), "{said}: {page}");
    }
    hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
    until(&mut ida, "/newcomers", "Your archive is valid").await;
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains("your uploads are deleted on"), "{page}");
    assert!(page.contains(">Cancel the move and delete everything</button>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_pod_that_stays_is_filtered_by_what_it_does() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut podmin = come(&service, &scene.archive, "ida").await;
    until(&mut podmin, "/newcomers", "Import complete").await;
    scene.make_podmin("ida").await;
    let mut podmin = Browser::new(&service.url).unwrap();
    podmin.sign_in("ida", PASSWORD).await.unwrap();
    let page = podmin.open("/board/log").await.unwrap();
    let filter = page.between("<select id=\"act\"", "</select>").unwrap();
    for (group, is_on) in
        [("newcomer", true), ("invitation", true), ("token", true), ("closing", false), ("campaign", false)]
    {
        assert_eq!(filter.contains(&format!("<option value=\"{group}\"")), is_on, "{group}: {filter}");
    }
}
