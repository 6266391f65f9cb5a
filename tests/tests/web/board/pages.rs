//! The board's pages: what they refuse, say, ask, count and list.

use std::time::{Duration, Instant};

use crate::support::Pod;
use crate::support::closing::{Closing, MAILS, mail_text, until};
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::people::{Seen, accounts, addressees, podmins};
use pappus_engine::sql::DatabaseUrl;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::service::Browser;
use reqwest::StatusCode;

const PODMIN: &str = "podmin@closing.example";

/// A pod that closes, whose configuration names the podmin's address.
async fn scene() -> Closing {
    let pod = Pod::sqlite().await;
    Closing::with_podmin(pod, None, MAILS, PODMIN)
}

/// Sends the form of the shutdown.
async fn close(
    podmin: &mut Browser,
    days: [&str; 3],
    more: &[(&str, &str)],
) -> pappus_tests::service::Answer {
    podmin.open("/board").await.unwrap();
    let [read_only, off, until] = days;
    let mut fields = vec![("read_only_on", read_only), ("switch_off_on", off), ("downloads_until", until)];
    fields.extend(more);
    podmin.submit("/board/closing", &fields).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_days_are_refused_and_closing_is_asked_with_numbers() {
    let scene = scene().await;
    let mut greta = scene.signed_in("greta").await;
    let exporting = [("stage", "exporting")];
    for (days, field, says) in [
        (["2037-02-01", "2037-01-31", ""], "switch_off_on", "cannot be switched off before it is read-only"),
        (["", "2037-01-31", "2036-12-31"], "downloads_until", "cannot end before the pod is switched off"),
        (["2037-02-30", "", ""], "read_only_on", "is not a date"),
        (["2207-01-01", "", ""], "read_only_on", "more than 20 years away"),
        (["", "2025-01-31", ""], "switch_off_on", "31 January 2025 is in the past. Today is"),
    ] {
        let answer = close(&mut greta, days, &exporting).await;
        let page = answer.text();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{days:?}: {page}");
        assert!(page.contains(&format!("id=\"{field}-problem\"")) && page.contains(says), "{days:?}: {page}");
        let input = answer.between(&format!("<input id=\"{field}\""), ">").unwrap();
        assert!(input.contains("autofocus"), "{input}");
    }
    // Several at once: each stands at its field, and links lead there.
    let wrong = ["2037-03-01", "", "2037-01-01"];
    let answer = close(&mut greta, wrong, &[("stage", "over")]).await;
    let page = answer.text();
    let name = "Archives can be downloaded until";
    for link in ["<a href=\"#stage\">Stage</a>", &format!("<a href=\"#downloads_until\">{name}</a>")] {
        assert_eq!(page.matches(link).count(), 1, "{link}: {page}");
    }
    assert_eq!(page.matches("cannot end before the pod is read-only").count(), 1, "{page}");
    let at_field = answer.between("id=\"stage-problem\">", "</p>").unwrap();
    assert_eq!(at_field, "There is no such stage.");
    assert_eq!(scene.browser().open("/closing").await.unwrap().status, StatusCode::NOT_FOUND);
    let days = ["2036-12-01", "2037-01-31", "2037-06-30"];
    let page = close(&mut greta, days, &exporting).await.text();
    assert!(page.contains("role=\"status\">Saved.</p>"), "{page}");

    // The end is asked for, with numbers; nothing happens before.
    let page = close(&mut greta, days, &[("stage", "closed")]).await.text();
    assert!(page.contains("Close the pod for good?"), "{page}");
    assert!(page.contains("Accounts that have not downloaded an archive: 13 of 13."), "{page}");
    assert!(page.contains("You have promised downloads until 30 June 2037."), "{page}");
    let shown = scene.browser().open("/closing").await.unwrap().text();
    assert!(shown.contains("aria-current=\"step\" id=\"stage-exporting\""), "{shown}");
    close(&mut greta, days, &[("stage", "closed"), ("confirmed", "yes")]).await;
    let shown = scene.browser().open("/closing").await.unwrap().text();
    assert!(shown.contains("id=\"stage-closed\"") && !shown.contains("href=\"/archive\""), "{shown}");
    // What is over is not explained any more.
    let page = scene.browser().open("/sign-in").await.unwrap().text();
    assert!(page.contains("can no longer be downloaded") && !page.contains("You press one button"), "{page}");
    assert!(page.find("can no longer be downloaded") < page.find("action=\"/sign-in\""), "{page}");
}

/// The form of an announcement in two languages.
const LETTER: [(&str, &str); 6] = [
    ("audience", "all"),
    ("main", "en"),
    ("subject", "{pod} closes"),
    ("body", "Hello {name}, sign in at {link}\n{days}\n{podmin}"),
    ("subject_de", "{pod} schließt"),
    ("body_de", "Hallo {name}, melde dich an: {link}\n{days}\n{podmin}"),
];

/// A pod that closes, where ida and jonas read German and all others English, and ida alone is locked.
async fn scene_in_two_languages() -> Closing {
    let scene = scene().await;
    for sql in [
        "UPDATE users SET language = 'en', locked_at = NULL",
        "UPDATE users SET language = 'de' WHERE username IN ('ida', 'jonas')",
        "UPDATE users SET locked_at = '2026-01-01 00:00:00' WHERE username = 'ida'",
    ] {
        scene.pod.pool.execute(sql).await.unwrap();
    }
    scene
}

/// A language that nobody uses, and a group without people, have no zeros.
async fn nobody_is_counted_in_words(scene: &Closing, greta: &mut Browser) {
    for (sql, audience, says) in [
        ("UPDATE users SET language = 'en' WHERE username = 'jonas'", "all", "German: no recipients"),
        ("UPDATE users SET last_seen = '2020-01-01 00:00:00'", "month", "There are no recipients."),
    ] {
        scene.pod.pool.execute(sql).await.unwrap();
        let mut letter = LETTER;
        letter[0] = ("audience", audience);
        let answer = greta.fill("/board/notices", "/board/notices", &letter).await.unwrap();
        let page = greta.get(answer.location()).await.unwrap().text();
        assert!(
            page.contains(says) && !page.contains(" 0 people") && !page.contains(">0 people"),
            "{says}: {page}"
        );
        assert_eq!(page.contains("name=\"confirmed\""), audience == "all", "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_counted_tested_and_written_in_languages() {
    let scene = scene_in_two_languages().await;
    let mut greta = scene.signed_in("greta").await;
    let days = ["2036-12-01", "2037-01-31", "2037-06-30"];
    close(&mut greta, days, &[("stage", "exporting")]).await;
    greta.open("/board/notices").await.unwrap();
    let answer = greta.fill("/board/notices", "/board/notices", &LETTER).await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    greta.get(answer.location()).await.unwrap();
    // The preview can be reloaded, and nothing is sent again.
    let page = greta.get(answer.location()).await.unwrap().text();
    let people = scene.pod.pool.number(RECIPIENTS).await.unwrap();
    assert!(page.contains(&format!("{people} people get it.")), "{people}: {page}");
    assert!(
        page.contains("German: 1 person")
            && page.contains("Second language: German")
            && page.contains("1 person whose account is locked"),
        "{page}"
    );
    assert!(page.contains(&format!("English: {} people", people - 2)), "{page}");
    assert!(page.contains("Hallo greta") && page.contains("31. Januar 2037"), "{page}");

    let tested: Vec<_> = LETTER.into_iter().chain([("test", "yes")]).collect();
    let answer = greta.submit("/board/notices", &tested).await.unwrap();
    let page = answer.text();
    assert!(page.contains("A test is on its way to greta@mail.example."), "{page}");
    assert!(page.contains("Hallo greta") && page.contains("{pod} schließt"), "{page}");
    let again = greta.open("/board/notices").await.unwrap().text();
    assert!(!again.contains("A test is on its way"), "a reload tests again: {again}");
    let mails = wait_for(&scene, 2).await;
    assert!(mails.iter().all(|mail| mail.contains("To: greta@mail.example")), "{mails:?}");
    assert!(mails.iter().any(|mail| mail.contains("Hallo greta") && mail.contains(PODMIN)), "{mails:?}");

    let confirmed: Vec<_> = LETTER.into_iter().chain([("confirmed", "yes")]).collect();
    let page = greta.submit("/board/notices", &confirmed).await.unwrap().text();
    assert!(page.contains("The announcement is on its way."), "{page}");
    let page = greta.open("/board/notices?preview=yes").await.unwrap().text();
    assert!(!page.contains("id=\"preview\""), "what was sent is not offered again: {page}");
    let mails = wait_for(&scene, 2 + usize::try_from(people).unwrap()).await;
    let to = |name: &str| {
        let mut all = mails.iter().rev().filter(|mail| mail.contains(&format!("To: {name}@mail.example")));
        all.next().unwrap().clone()
    };
    assert!(to("jonas").contains("Hallo jonas, melde dich an") && to("jonas").contains("31. Januar 2037"));
    assert!(
        !to("ida").contains("melde dich") && to("ida").contains("Dein Konto ist gesperrt"),
        "{}",
        to("ida")
    );
    assert!(to("ida").contains(PODMIN), "{}", to("ida"));

    nobody_is_counted_in_words(&scene, &mut greta).await;

    // What is wrong stands at its field, and nothing that was typed is lost.
    greta.open("/board/notices").await.unwrap();
    let mut bad: Vec<_> = LETTER.into_iter().filter(|(name, _)| *name != "subject").collect();
    bad.push(("subject", " "));
    let answer = greta.submit("/board/notices", &bad).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text();
    assert!(page.contains("id=\"subject-problem\"") && page.contains("Hello {name}, sign in"), "{page}");
}

/// Everybody who is written to.
const RECIPIENTS: &str = "SELECT COUNT(*) FROM users u JOIN people p ON p.owner_id = u.id WHERE u.username <> '' \
                          AND u.email <> '' AND NOT COALESCE(p.closed_account, FALSE)";

/// All mails, decoded, as soon as there are so many.
async fn wait_for(scene: &Closing, many: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let mails: Vec<String> = scene.mails().iter().map(|mail| mail_text(mail)).collect();
        if mails.len() == many {
            return mails;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{} mails instead of {many}", mails.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_found_by_beginnings_and_listed_by_state() {
    found_and_listed(scene().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_found_and_listed_with_a_store_on_postgresql() {
    let store = shared_postgres().await.unwrap().create_database("board_pages_store").await.unwrap();
    found_and_listed(Closing::with_podmin(Pod::sqlite().await, Some(store), MAILS, PODMIN)).await;
}

/// The statements on the pod itself, on each of the three databases.
#[tokio::test(flavor = "multi_thread")]
async fn people_of_a_pod_are_read_on_every_database() {
    let postgres = shared_postgres().await.unwrap().create_database("board_pages").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("board_pages").await.unwrap();
    let folder = || tempfile::tempdir().unwrap();
    for pod in [Pod::sqlite().await, Pod::on(folder(), postgres).await, Pod::on(folder(), mariadb).await] {
        let mut snapshot = Snapshot::open(&DatabaseUrl::parse(&pod.database).unwrap()).await.unwrap();
        let mut found = Vec::new();
        for beginning in [Some("GRE"), Some("ida@MAIL"), Some("g_eta"), Some("%"), None] {
            let rows = accounts(&mut snapshot, beginning, 0, 100).await.unwrap();
            found.push(rows.into_iter().map(|row| row.username).collect::<Vec<_>>());
        }
        assert_eq!(
            (&*found[0], &*found[1]),
            (&["greta".to_owned()][..], &["ida".to_owned()][..]),
            "{}",
            pod.database
        );
        assert!(found[2].is_empty() && found[3].is_empty(), "{}: {found:?}", pod.database);
        assert_eq!(found[4].len(), 13, "{}", pod.database);
        let podmins = podmins(&mut snapshot).await.unwrap();
        let podmins: Vec<_> =
            podmins.iter().map(|one| (one.email.as_str(), one.language.as_deref())).collect();
        assert_eq!(podmins, [("greta@mail.example", Some("de"))], "{}", pod.database);
        let people =
            addressees(&mut snapshot, Seen::Ever, chrono::DateTime::default(), 0, 100).await.unwrap();
        assert!(people.iter().any(|person| person.locked) && people.iter().any(|person| !person.locked));
    }
}

async fn found_and_listed(scene: Closing) {
    let lock = "UPDATE users SET locked_at = '2026-01-01 00:00:00' WHERE username = 'jonas'";
    scene.pod.pool.execute(lock).await.unwrap();
    let mut greta = scene.signed_in("greta").await;
    let page = greta.open("/board/people?name=gre").await.unwrap().text();
    assert!(page.contains("<a href=\"/board/people?name=greta\">greta</a>"), "{page}");
    assert!(!page.contains("name=ida\">"), "{page}");
    let page = greta.open("/board/people?name=g%25a").await.unwrap().text();
    assert!(page.contains("There is no account of this name."), "a wildcard is a letter: {page}");
    let page = greta.open("/board/people?state=locked").await.unwrap().text();
    assert!(page.contains("name=jonas\">") && !page.contains("name=greta\">"), "{page}");

    // Ida has her archive made and downloads it.
    let mut ida = scene.signed_in("ida").await;
    ida.open("/archive").await.unwrap();
    ida.submit("/archive/ask", &[]).await.unwrap();
    let page = until(&mut ida, "/archive", "Download (").await;
    let page_of = |state: &str| format!("/board/people.csv?state={state}");
    let listed = |csv: &str| {
        csv.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let csv = greta.open(&page_of("not-downloaded")).await.unwrap().text();
    assert_eq!(listed(&csv), ["ida"], "{csv}");
    ida.open(&crate::support::closing::archive_on(&page)).await.unwrap();
    let csv = greta.open(&page_of("not-downloaded")).await.unwrap().text();
    assert_eq!(listed(&csv), Vec::<String>::new(), "{csv}");
    let answer = greta.open(&page_of("all")).await.unwrap();
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    let csv = answer.text();
    let head = "username,diaspora_id,email,last_seen,archive_made,downloaded,moved,failed,locked,closed\r\n";
    assert!(csv.starts_with(head), "{csv}");
    assert_eq!(
        i64::try_from(listed(&csv).len()).unwrap(),
        scene.pod.pool.number("SELECT COUNT(*) FROM users").await.unwrap()
    );
    let line = csv.lines().find(|line| line.starts_with("ida,")).unwrap();
    assert!(line.starts_with("ida,ida@closing.example,ida@mail.example,"), "{line}");
    assert_eq!(ida.open(&page_of("all")).await.unwrap().status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_in_sentences_what_was_done_and_is_filtered() {
    let scene = scene().await;
    let mut greta = scene.signed_in("greta").await;
    close(&mut greta, ["", "", ""], &[("stage", "read-only")]).await;
    scene.signed_in("ida").await;
    scene.browser().sign_in("ida", "a wrong one").await.unwrap();
    let page = greta.open("/board/log").await.unwrap().text();
    for says in ["Set the shutdown to “Read-only”.", "Wrong password for ida@closing.example.", "Signed in."]
    {
        assert!(page.contains(says), "{says}: {page}");
    }
    let page = greta.open("/board/log?act=closing").await.unwrap().text();
    assert!(page.contains("Set the shutdown") && !page.contains("data-act=\"sign-in\""), "{page}");
    let page = greta.open("/board/log?who=ida").await.unwrap().text();
    assert!(page.contains("data-act=\"sign-in\"") && !page.contains("Set the shutdown"), "{page}");
    let page = greta.open("/board/log?who=nobody").await.unwrap().text();
    assert!(page.contains("Nothing of that was logged."), "{page}");
    // Only what this pod has switched on can be chosen.
    let filter = page.split("<select id=\"act\"").nth(1).unwrap().split("</select>").next().unwrap();
    for group in ["sign-in", "closing", "campaign", "archive", "notice", "token", "podmin-words"] {
        assert!(filter.contains(&format!("<option value=\"{group}\"")), "{group}: {filter}");
    }
    assert!(!filter.contains("\"newcomer\"") && !filter.contains("\"invitation\""), "{filter}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_cancelled_after_a_question_with_numbers() {
    let scene = scene().await;
    let mut greta = scene.signed_in("greta").await;
    greta.open("/board/campaigns").await.unwrap();
    let page = greta.submit("/board/campaigns", &[("only", "all")]).await.unwrap();
    assert!(page.text().contains("The campaign has begun."), "{}", page.text());
    assert!(!page.text().contains("0 of 0 accounts"), "{}", page.text());
    // Only while there is something to wait for.
    let reload = "<a href=\"/board/campaigns\">Reload to see how far it is</a>";
    assert_ne!(page.text().contains("finished</h2>"), page.text().contains(reload), "{}", page.text());
    until(&mut greta, "/board/campaigns", "finished</h2>").await;
    let page = greta.open("/board/campaigns").await.unwrap();
    assert!(!page.text().contains(reload), "{}", page.text());
    let name = page.between("action=\"/board/campaigns/", "\"").unwrap();
    let path = format!("/board/campaigns/{name}");
    let page = greta.submit(&path, &[("act", "cancel")]).await.unwrap().text();
    assert!(
        page.contains(
            "Archives that are finished and stay: 13. Accounts without an archive of this campaign: 0."
        ),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_switched_on_is_shown() {
    let scene = crate::web::newcomers::Scene::new().await;
    {
        let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
        let mut greta =
            crate::web::newcomers::come(&service, &scene.source.archive("out", "greta"), "greta").await;
        until(&mut greta, "/newcomers", "Import complete").await;
        scene.make_podmin("greta").await;
    }
    let service = scene.serve(None, "");
    let mut greta = Browser::new(&service.url).unwrap();
    greta.sign_in("greta", crate::web::newcomers::PASSWORD).await.unwrap();
    let page = greta.open("/board").await.unwrap().text();
    assert!(page.contains("href=\"/board/newcomers\" aria-current=\"page\""), "{page}");
    for path in ["/board/people", "/board/campaigns", "/board/notices"] {
        assert!(!page.contains(&format!("href=\"{path}\"")), "{path}: {page}");
        assert_eq!(greta.open(path).await.unwrap().status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// What failed, and why: in German for Germans, with the program's sentence in the details.
#[tokio::test(flavor = "multi_thread")]
async fn germans_read_in_german_why_an_archive_could_not_be_made() {
    let scene = scene().await;
    let mut greta = scene.signed_in("greta").await;
    greta.submit("/board/campaigns", &[("only", "all")]).await.unwrap();
    until(&mut greta, "/board/campaigns", "finished</h2>").await;
    let mut ida = scene.signed_in("ida").await;
    ida.submit("/archive/ask", &[]).await.unwrap();
    until(&mut ida, "/archive", "/file/").await;
    let store = scene.store().await;
    for sql in [
        "UPDATE pappus_requests SET state = 'failed', reason = 'the account \"ida\" has no usable person in the pod''s \
         database: none' WHERE username = 'ida'",
        "UPDATE pappus_campaign_accounts SET state = 'failed', reason = 'the account is no longer on the pod' \
         WHERE username = 'ruth'",
    ] {
        assert_eq!(store.execute("a test", sql, &[]).await.unwrap(), 1, "{sql}");
    }
    for browser in [&mut greta, &mut ida] {
        browser.headers[0].1 = "de".to_owned();
    }
    let broken = "Die Datenbank des Pods hat zu diesem Konto keine brauchbare Person.";
    let detail = "lang=\"en\" dir=\"ltr\">the account &#34;ida&#34; has no usable person";
    for (browser, path) in [(&mut greta, "/board/people"), (&mut ida, "/archive")] {
        let page = browser.open(path).await.unwrap().text();
        assert!(page.contains(broken) && page.contains(detail), "{path}: {page}");
    }
    let page = greta.open("/board/people?name=ida").await.unwrap().text();
    assert!(page.matches(broken).count() > 1, "{page}");
    let page = greta.open("/board/campaigns").await.unwrap().text();
    assert!(page.contains("Das Konto gibt es auf dem Pod nicht mehr."), "{page}");
    greta.headers[0].1 = "en".to_owned();
    let page = greta.open("/board/campaigns").await.unwrap().text();
    assert!(page.contains("The account is no longer on the pod."), "{page}");
}
