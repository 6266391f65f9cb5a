//! Questions before what cannot be undone: each on a page of its own, which Back and reload show again without sending
//! anything.

use crate::support::Pod;
use crate::support::closing::{Closing, MAILS, until};
use crate::web::newcomers::{Scene, begin};
use pappus_tests::service::{Answer, Browser};
use reqwest::{Method, StatusCode};

/// Where an answer leads that is shown with a request of its own.
fn redirected(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.location()
}

/// What the confirmation page shows, twice: it can be reloaded.
async fn asked(browser: &mut Browser) -> String {
    let page = browser.get("/confirm").await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.location());
    let again = browser.get("/confirm").await.unwrap();
    let without_token = |page: &Answer| page.text().replace(&page.token().unwrap(), "");
    assert_eq!(without_token(&page), without_token(&again));
    page.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_campaign_is_asked_for_with_numbers() {
    let scene = Closing::on(Pod::sqlite().await, None, MAILS);
    assert_eq!(redirected(&scene.browser().get("/confirm").await.unwrap()), "/");
    let mut greta = scene.signed_in("greta").await;
    assert_eq!(redirected(&greta.get("/confirm").await.unwrap()), "/", "nothing was asked");
    let campaigns = "/board/campaigns";
    let begun = greta.fill(campaigns, campaigns, &[("only", "all")]).await.unwrap();
    assert_eq!(redirected(&begun), "/board/campaigns?done=campaign-begun");
    let page = until(&mut greta, campaigns, "finished</h2>").await;
    let path = page.between("action=\"/board/campaigns/", "\"").unwrap();

    let fields = [("only", "all"), ("keep_sign_in", "yes")];
    let answer = greta.fill(campaigns, campaigns, &fields).await.unwrap();
    assert_eq!(redirected(&answer), "/confirm");
    let page = asked(&mut greta).await;
    for says in [
        "Export all 13 accounts again?",
        "is finished: 13 archives of 13 accounts are stored",
        "action=\"/board/campaigns\"",
        "name=\"only\" value=\"all\"",
        "name=\"keep_sign_in\" value=\"yes\"",
        "name=\"confirmed\"",
        "href=\"/board/campaigns\"",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let shown = greta.get(campaigns).await.unwrap().text();
    assert_eq!(shown.matches("action=\"/board/campaigns/").count(), 1, "it only asked: {shown}");
    // A question in another language is asked anew.
    greta.headers[0].1 = "de".to_owned();
    assert_eq!(redirected(&greta.get("/confirm").await.unwrap()), campaigns);
    let answer = greta.fill(campaigns, campaigns, &[("only", "active-year")]).await.unwrap();
    assert_eq!(redirected(&answer), "/confirm");
    let page = asked(&mut greta).await;
    assert!(page.contains("Diese Konten noch einmal exportieren?"), "{page}");
    greta.headers[0].1 = "en".to_owned();

    greta.get(campaigns).await.unwrap();
    let page = greta.submit(campaigns, &[("only", "all"), ("confirmed", "yes")]).await.unwrap().text();
    assert!(page.contains("The campaign has begun."), "{page}");
    // Back leads to where it began.
    assert_eq!(redirected(&greta.get("/confirm").await.unwrap()), campaigns);

    let path = format!("{campaigns}/{path}");
    let answer = greta.fill(campaigns, &path, &[("act", "cancel")]).await.unwrap();
    assert_eq!(redirected(&answer), "/confirm");
    assert!(asked(&mut greta).await.contains("Cancel this campaign?"));
    // Whoever comes next to this browser is not asked.
    greta.open("/archive").await.unwrap();
    greta.submit("/sign-out", &[]).await.unwrap();
    assert_eq!(redirected(&greta.get("/confirm").await.unwrap()), "/");
}

/// Newcomers are not signed in: their questions wait in a session as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_asked_before_uploads_are_deleted() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"");
    let mut ida = begin(&service).await;
    let headers =
        [("tus-resumable", "1.0.0"), ("upload-length", "70000"), ("upload-metadata", "part YXJjaGl2ZQ==")];
    let made = ida.send(Method::POST, "/newcomers/uploads", &headers, Vec::new()).await.unwrap();
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    for (path, title) in [
        ("/newcomers/uploads/end", "Delete unfinished uploads?"),
        ("/newcomers/leave", "End your move and delete everything?"),
    ] {
        let answer = ida.fill("/newcomers", path, &[]).await.unwrap();
        assert_eq!(redirected(&answer), "/confirm", "{path}");
        let page = asked(&mut ida).await;
        assert!(page.contains(title) && page.contains(&format!("action=\"{path}\"")), "{path}: {page}");
    }
    let mut other = begin(&service).await;
    assert_eq!(redirected(&other.get("/confirm").await.unwrap()), "/", "it is somebody else's question");
    ida.get("/confirm").await.unwrap();
    let page = ida.submit("/newcomers/leave", &[("confirmed", "yes")]).await.unwrap().text();
    assert!(page.contains("Your move has ended"), "{page}");
    assert_eq!(redirected(&ida.get("/confirm").await.unwrap()), "/newcomers");
}
