//! Tests of whole views of small accounts.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use serde_json::json;

use super::{Audience, FinishedView, Reply, View, ViewHeader};
use crate::archive::manifest::CountKind;
use crate::domain::{Omission, OmissionCode, RecordKind, RecordRef, Timestamp};

pub(super) type Spool = Cursor<Vec<u8>>;

pub(super) const EVIL: &str = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn record<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(super) fn begin(name: &str) -> View<Spool> {
    begin_in("pt-BR", name)
}

pub(super) fn begin_in(language: &str, name: &str) -> View<Spool> {
    let header = ViewHeader {
        account: "alice@closing.example".parse().unwrap(),
        name: name.to_owned(),
        pod_url: "https://closing.example/".to_owned(),
        created_at: time("2026-11-22T10:00:00Z"),
        language: Some(language.to_owned()),
    };
    View::begin(Cursor::new(Vec::new()), tempfile::spooled_tempfile(super::PAGES_IN_MEMORY), header).unwrap()
}

fn post(number: u32, created_at: &str, text: &str) -> crate::domain::OwnPost {
    record(json!({"entity_type": "status_message", "entity_data": {
        "author": "alice@closing.example", "guid": format!("{number:016}"), "created_at": created_at,
        "public": true, "text": text, "photos": []}}))
}

pub(super) fn add_post(view: &mut View<Spool>, number: u32, created_at: &str, text: &str) {
    view.post(&post(number, created_at, text), Audience::Public, 0, Vec::new()).unwrap();
}

fn omission(number: i64) -> Omission {
    let record = RecordRef { kind: RecordKind::PhotoFile, id: Some(number), name: None };
    Omission { code: OmissionCode::MissingFile, record, reason: "it is <gone>".to_owned() }
}

pub(super) fn finish(view: View<Spool>) -> FinishedView<Spool> {
    view.finish(&BTreeMap::from([(CountKind::StatusMessages, 3049), (CountKind::Polls, 0)])).unwrap()
}

pub(super) fn page(finished: &mut FinishedView<Spool>, path: &str) -> String {
    let mut text = String::new();
    finished.spool.by_name(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn paths(finished: &FinishedView<Spool>) -> Vec<&str> {
    finished.entries.iter().map(|entry| entry.path.as_str()).collect()
}

#[test]
fn an_empty_account_has_no_empty_pages() {
    let mut finished = finish(begin(""));
    assert_eq!(paths(&finished), ["index.html", "view/style.css"]);
    let index = page(&mut finished, "index.html");
    assert!(index.contains("<h1><bdi>alice@closing.example</bdi></h1>"));
    assert!(index.contains("Nothing: all that the pod had"));
    assert!(!index.contains("href=\"view/posts-1.html"), "{index}");
}

#[test]
fn pages_link_only_to_kinds_that_the_archive_has() {
    let mut view = begin("Alice");
    // More than a page holds: the first says no more than the last.
    for number in 0..501 {
        let id = format!("bob{number}@pod.example");
        let contact = record(json!({"sharing": true, "receiving": true, "following": true, "followed": true,
            "person_guid": "0123456789abcdef", "person_name": "Bob", "account_id": id,
            "contact_groups_membership": []}));
        view.contact(&contact).unwrap();
    }
    view.own_relayable(&record(json!({"entity_type": "like", "property_order": [], "entity_data": {
        "author": "alice@closing.example", "guid": "0000000000000001", "parent_guid": "0000000000000002",
        "parent_type": "Comment", "positive": true}})))
        .unwrap();
    let counts = [(CountKind::Contacts, 501), (CountKind::OwnLikes, 1), (CountKind::OwnComments, 1)];
    let mut finished = view.finish(&BTreeMap::from(counts)).unwrap();
    let expected =
        ["index.html", "view/style.css", "view/contacts.html", "view/contacts-2.html", "view/likes-1.html"];
    assert_eq!(paths(&finished), expected);
    let pages = ["index.html", "view/contacts.html", "view/contacts-2.html", "view/likes-1.html"];
    for path in pages {
        let shown = page(&mut finished, path);
        let root = if path == "index.html" { "" } else { "../" };
        for there in ["contacts.html", "likes-1.html"] {
            assert!(shown.contains(&format!("<a href=\"{root}view/{there}\"")), "{path}: {shown}");
        }
        for missing in ["posts", "comments", "conversations", "photos"] {
            assert!(!shown.contains(&format!("href=\"{root}view/{missing}-")), "{path}: {missing}: {shown}");
        }
    }
    let current = "<a href=\"../view/contacts.html\" aria-current=\"true\">Contacts</a>";
    assert!(page(&mut finished, "view/contacts-2.html").contains(current));
    assert!(!page(&mut finished, "view/likes-1.html").contains(current));
}

#[test]
fn entries_describe_the_files() {
    use sha2::{Digest as _, Sha256};
    let mut finished = finish(begin("Alice"));
    for entry in finished.entries.clone() {
        let text = page(&mut finished, &entry.path);
        assert_eq!(entry.size, text.len() as u64);
        assert_eq!(entry.sha256, hex::encode(Sha256::digest(text.as_bytes())));
    }
    let file = finished.spool.by_name("index.html").unwrap();
    assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o644));
    assert_eq!(file.last_modified().map(|time| time.year()), Some(2026));
}

#[test]
fn posts_are_paginated_and_indexed_by_year() {
    let mut view = begin("Alice");
    for number in 0..101 {
        let year = if number < 60 { 2015 } else { 2016 };
        add_post(&mut view, number, &format!("{year}-01-01T00:00:00Z"), "x");
    }
    let mut finished = finish(view);
    let pages: Vec<String> = (1..=3).map(|n| page(&mut finished, &format!("view/posts-{n}.html"))).collect();
    assert_eq!([0, 1, 2].map(|n: usize| pages[n].matches("<article").count()), [50, 50, 1]);
    assert!(
        !pages[0].contains("rel=\"prev\"") && pages[0].contains("<a rel=\"next\" href=\"posts-2.html\">")
    );
    assert!(pages[1].contains("<a rel=\"prev\" href=\"posts-1.html\">") && pages[1].contains("posts-3.html"));
    assert!(pages[2].contains("posts-2.html") && !pages[2].contains("rel=\"next\""));
    assert!(pages[1].contains("<h2 class=\"year\">2015</h2>"));
    assert!(pages[1].contains("<h2 class=\"year\" id=\"y2016\">2016</h2>"));
    assert!(pages[2].contains("<h2 class=\"year\">2016</h2>"));
    assert!(pages[2].contains("<title>Posts, page 3 – Alice</title>"));
    let index = page(&mut finished, "index.html");
    assert!(index.contains("href=\"view/posts-1.html#y2015\">2015 <span class=\"count\">60<"));
    assert!(index.contains("href=\"view/posts-2.html#y2016\">2016 <span class=\"count\">41<"));
    assert!(index.contains("<a href=\"view/posts-1.html\">Posts</a></th><td class=\"number\">3,049</td>"));
    assert!(index.contains("href=\"view/posts-3.html\">Go to the page with the newest"));
    assert!(!index.contains("Polls"));
}

#[test]
fn a_page_is_full_when_its_records_are_large() {
    let mut view = begin("Alice");
    let text = "word ".repeat(60_000);
    (0..4).for_each(|number| add_post(&mut view, number, "2015-01-01T00:00:00Z", &text));
    assert!(paths(&finish(view)).contains(&"view/posts-2.html"));
}

#[test]
fn a_post_shows_all_its_parts() {
    let mut view = begin("Alice");
    let own_post = record(json!({"entity_type": "status_message", "entity_data": {
        "author": "alice@closing.example", "guid": "0123456789abcdef", "created_at": "2016-03-12T14:02:00Z",
        "public": false, "text": "hello", "provider_display_name": "mobile",
        "photos": [{"entity_type": "photo", "entity_data": {"guid": "0123456789abcde1", "height": 600, "width": 800,
            "author": "alice@closing.example", "public": false, "created_at": "2016-03-12T14:02:00Z",
            "remote_photo_path": "https://closing.example/uploads/images/", "remote_photo_name": "a b\".jpg",
            "text": "the \"sea\""}}],
        "location": {"entity_type": "location", "entity_data": {"address": "Lisboa", "lat": "1", "lng": "2"}},
        "poll": {"entity_type": "poll", "entity_data": {"guid": "0123456789abcde2", "question": "Tea?",
            "poll_answers": [{"entity_type": "poll_answer",
                "entity_data": {"guid": "0123456789abcde3", "answer": "Yes"}}]}}}}));
    let reply = |id: &str, name: &str| Reply {
        author_id: id.to_owned(),
        author_name: name.to_owned(),
        created_at: None,
        text: "*well*".to_owned(),
    };
    let replies = vec![reply("bob@pod.example", "Bob"), reply("alice@closing.example", "")];
    view.post(&own_post, Audience::Limited(vec!["Friends".to_owned(), "A & B".to_owned()]), 1200, replies)
        .unwrap();
    view.photo_file("a b\".jpg");
    (0..3).for_each(|_| view.vote("0123456789abcde3"));
    let html = page(&mut finish(view), "view/posts-1.html");
    for part in [
        "<h3 id=\"t-0123456789abcdef\"><time datetime=\"2016-03-12T14:02:00Z\">12 March 2016, 14:02</time></h3>",
        "<span class=\"label\">Limited: <bdi>Friends</bdi>, <bdi>A &#38; B</bdi></span> from <bdi lang=\"\">mobile</bdi>",
        "<div class=\"text\" lang=\"pt-BR\"><p dir=\"auto\">hello</p>",
        "<img src=\"../photos/a%20b%22.jpg\"",
        "alt=\"the &#34;sea&#34;\" width=\"800\" height=\"600\" lang=\"pt-BR\"",
        "<bdi lang=\"pt-BR\">Tea?</bdi></h4>",
        "<li dir=\"auto\">Yes <span class=\"votes\">3 votes</span></li>",
        "At <bdi lang=\"pt-BR\">Lisboa</bdi>",
        "1,200 likes",
        "<h4>2 comments</h4>",
        "<strong title=\"bob@pod.example\"><bdi lang=\"\">Bob</bdi></strong>",
        "<div class=\"text\" lang=\"\"><p dir=\"auto\"><em>well</em></p>",
        "<bdi lang=\"\">alice@closing.example</bdi></strong></p><div class=\"text\" lang=\"pt-BR\">",
    ] {
        assert!(html.contains(part), "{part} is missing from {html}");
    }
}

#[test]
fn reshares_with_and_without_an_original() {
    let mut view = begin("Alice");
    for (number, root) in [(1, json!("bob@pod.example")), (2, json!(null))] {
        let own_post = record(json!({"entity_type": "reshare", "entity_data": {
            "author": "alice@closing.example", "guid": format!("{number:016}"), "root_author": root,
            "root_guid": "fedcba9876543210", "created_at": "2016-03-12T14:02:00Z"}}));
        view.post(&own_post, Audience::Public, 0, Vec::new()).unwrap();
    }
    let html = page(&mut finish(view), "view/posts-1.html");
    assert!(
        html.contains(
            "Reshared a post by <code>bob@pod.example</code>. <a href=\"https://pod.example/posts/"
        )
    );
    assert!(html.contains("Reshared a post that is gone."));
    assert_eq!(html.matches("<span class=\"label public\">Public</span>").count(), 2);
}

#[test]
fn texts_of_people_never_become_markup() {
    let mut view = begin(&format!("{EVIL}\u{202e}"));
    let profile =
        record(json!({"author": "alice@closing.example", "bio": EVIL, "gender": EVIL, "location": EVIL,
        "tag_string": EVIL, "birthday": EVIL}));
    view.profile(&profile, Some(EVIL)).unwrap();
    let contact = record(json!({"sharing": true, "receiving": true, "following": true, "followed": true,
        "person_guid": "0123456789abcdef", "person_name": EVIL, "account_id": "bob@pod.example",
        "contact_groups_membership": [EVIL]}));
    view.contact(&contact).unwrap();
    let reply = Reply {
        author_id: EVIL.to_owned(),
        author_name: EVIL.to_owned(),
        created_at: None,
        text: format!("{EVIL} [x](javascript:alert(1)) @{{{EVIL} ; a@b}}"),
    };
    let own_post =
        post(1, "2015-01-01T00:00:00Z", &format!("# {EVIL}\n\n`{EVIL}`\n\n    {EVIL}\n\n[x]({EVIL})"));
    view.post(&own_post, Audience::Limited(vec![EVIL.to_owned()]), 1, vec![reply]).unwrap();
    let comment = record(json!({"entity_type": "comment", "property_order": [], "entity_data": {
        "author": "alice@closing.example", "guid": "0123456789abcdef", "parent_guid": "0123456789abcdef",
        "text": EVIL, "created_at": "2015-01-01T00:00:00Z"}}));
    view.own_relayable(&comment).unwrap();
    let conversation =
        record(json!({"guid": "0123456789abcdef", "author": "bob@pod.example", "subject": EVIL,
        "created_at": "2015-01-01T00:00:00Z", "participants": ["bob@pod.example"], "state": {"unread": 0},
        "messages": [{"guid": "0123456789abcdef", "author": "bob@pod.example", "text": EVIL,
            "created_at": "2015-01-01T00:00:00Z"}]}));
    view.conversation(&conversation).unwrap();
    let photo = record(json!({"avatar": true, "guid": "0123456789abcdef", "author": "alice@closing.example",
        "public": true, "created_at": "2015-01-01T00:00:00Z", "remote_photo_path": EVIL,
        "remote_photo_name": EVIL, "text": EVIL}));
    view.loose_photo(&photo).unwrap();
    let evil = RecordRef { kind: RecordKind::Post, id: None, name: Some(EVIL.to_owned()) };
    view.omission(&Omission { code: OmissionCode::MissingValue, record: evil, reason: EVIL.to_owned() })
        .unwrap();
    let mut finished = finish(view);
    for entry in finished.entries.clone() {
        let html = page(&mut finished, &entry.path);
        for forbidden in
            ["<script", "</script", "<img src=x", "\"javascript:", "\u{202e}", "onerror=alert(1)>"]
        {
            assert!(!html.contains(forbidden), "{forbidden} is in {}: {html}", entry.path);
        }
    }
}

#[test]
fn long_conversations_continue_under_a_new_heading() {
    let mut view = begin("Alice");
    let message = |n: u32| {
        json!({"guid": format!("{n:016}"), "author": "alice@closing.example", "text": "x",
        "created_at": "2015-01-01T00:00:00Z"})
    };
    let conversation =
        record(json!({"guid": "0123456789abcdef", "author": "bob@pod.example", "subject": "S",
        "created_at": "2015-01-01T00:00:00Z", "participants": ["bob@pod.example", "alice@closing.example"],
        "state": {"unread": 0}, "messages": (0..501).map(message).collect::<Vec<_>>()}));
    view.conversation(&conversation).unwrap();
    let html = page(&mut finish(view), "view/conversations-1.html");
    assert_eq!(html.matches("(continued)").count(), 1);
    assert_eq!(html.matches("<li class=\"own\">").count(), 501);
    assert_eq!(html.matches("id=\"c-0123456789abcdef\"").count(), 1);
}

#[test]
fn few_omissions_are_on_the_first_page_and_many_on_their_own() {
    for (count, own_page) in [(20, false), (21, true)] {
        let mut view = begin("Alice");
        (0..count).for_each(|number| view.omission(&omission(number)).unwrap());
        let mut finished = finish(view);
        assert_eq!(paths(&finished).contains(&"view/omissions.html"), own_page);
        let index = page(&mut finished, "index.html");
        assert!(index.contains(&format!("{count} × the file is missing on the pod")));
        assert_eq!(index.contains("<code>no. 7</code>: it is &#60;gone&#62;"), !own_page);
        assert_eq!(index.contains("href=\"view/omissions.html\""), own_page);
    }
}

#[test]
fn the_same_records_make_the_same_bytes() {
    let build = || {
        let mut view = begin("Alice");
        (0..70).for_each(|number| add_post(&mut view, number, "2015-01-01T00:00:00Z", "x"));
        finish(view).spool.into_inner().into_inner()
    };
    assert!(build() == build());
}

#[test]
fn pages_load_nothing_but_files_of_the_archive() {
    let mut view = begin("Alice");
    add_post(&mut view, 1, "2015-01-01T00:00:00Z", "![x](https://tracker.example/x.png)");
    let mut finished = finish(view);
    for path in ["index.html", "view/posts-1.html"] {
        let html = page(&mut finished, path);
        assert!(html.contains("content=\"default-src 'none';"), "{html}");
        assert!(html.contains("<meta name=\"referrer\" content=\"no-referrer\">"));
        for loading in ["src=\"http", "<link rel=\"stylesheet\" href=\"http", "style=\"", "<script", "srcset"]
        {
            assert!(!html.contains(loading));
        }
    }
    let style = page(&mut finished, "view/style.css");
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn posts_are_sorted_by_date_and_years_lead_to_their_first_page() {
    let mut view = begin("Alice");
    // As in an imported account: two runs, and an outlier between them.
    for (number, year) in (0..60).map(|n| (n, 2023)).chain([(60, 2026)]).chain((61..121).map(|n| (n, 2021))) {
        add_post(&mut view, number, &format!("{year}-05-01T00:00:{:02}Z", number % 60), "x");
    }
    let mut finished = finish(view);
    let pages: Vec<String> = (1..=3).map(|n| page(&mut finished, &format!("view/posts-{n}.html"))).collect();
    let all = pages.concat();
    let dates: Vec<&str> =
        all.split("<article").skip(1).map(|post| post.split("datetime=\"").nth(1).unwrap()).collect();
    let dates: Vec<&str> = dates.iter().map(|rest| &rest[..20]).collect();
    assert_eq!(dates.len(), 121);
    assert!(dates.is_sorted(), "{dates:?}");
    let index = page(&mut finished, "index.html");
    for (year, number) in [(2021, 1), (2023, 2), (2026, 3)] {
        assert!(index.contains(&format!("href=\"view/posts-{number}.html#y{year}\">")), "{year}: {index}");
        assert_eq!(all.matches(&format!("id=\"y{year}\"")).count(), 1);
        assert!(pages[number - 1].contains(&format!("id=\"y{year}\"")), "{year}");
    }
}

#[test]
fn links_between_posts_stay_in_the_archive() {
    let mut view = begin("Alice");
    let link = |number: u32| format!("diaspora://alice@closing.example/post/{number:016}");
    add_post(&mut view, 1, "2015-01-01T00:00:00Z", &format!("see {}. And [b]({})", link(70), link(999)));
    (2..71).for_each(|number| add_post(&mut view, number, "2016-01-01T00:00:00Z", "x"));
    let comment = record(json!({"entity_type": "comment", "property_order": [], "entity_data": {
        "author": "alice@closing.example", "guid": "0123456789abcdef", "parent_guid": "0123456789abcdef",
        "text": format!("<{}>", link(2)), "created_at": "2015-01-01T00:00:00Z"}}));
    view.own_relayable(&comment).unwrap();
    let profile = record(json!({"author": "alice@closing.example", "bio": link(1)}));
    view.profile(&profile, None).unwrap();
    let mut finished = finish(view);
    let first = page(&mut finished, "view/posts-1.html");
    assert!(first.contains("<a href=\"posts-2.html#p-0000000000000070\""), "{first}");
    assert!(first.contains("href=\"https://closing.example/posts/0000000000000999\""), "{first}");
    assert!(page(&mut finished, "view/posts-2.html").contains("id=\"p-0000000000000070\""));
    let comments = page(&mut finished, "view/comments-1.html");
    assert!(comments.contains("href=\"posts-1.html#p-0000000000000002\""), "{comments}");
    assert!(page(&mut finished, "index.html").contains("href=\"view/posts-1.html#p-0000000000000001\""));
    for entry in finished.entries.clone() {
        let text = page(&mut finished, &entry.path);
        assert!(!text.contains("pappus-post:") && !text.contains("<!--"), "{}", entry.path);
    }
}

#[test]
fn only_the_first_page_has_the_unpack_hint_and_inline_styles() {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    let mut view = begin("Alice");
    add_post(&mut view, 1, "2015-01-01T00:00:00Z", "x");
    let mut finished = finish(view);
    let (index, posts) = (page(&mut finished, "index.html"), page(&mut finished, "view/posts-1.html"));
    let style = index.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    assert!(index.contains(&format!("style-src 'self' file: 'sha256-{hash}';")), "{index}");
    assert!(index.contains("Unpack the archive first.") && !style.contains(".unpack { display: none"));
    assert!(page(&mut finished, "view/style.css").ends_with(".unpack { display: none; }\n"));
    assert!(!posts.contains("Unpack the archive") && !posts.contains("sha256-"));
}
