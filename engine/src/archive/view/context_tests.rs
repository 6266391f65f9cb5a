//! Tests of data from other records: people's names, and the posts that comments and likes belong to.

use std::collections::BTreeMap;

use serde_json::json;

use super::markdown::Excerpt;
use super::tests::{EVIL, add_post, begin, begin_in, finish, page, record};
use crate::archive::manifest::CountKind;
use crate::domain::{Omission, OmissionCode, RecordKind, RecordRef};
use crate::words::EngineTexts;

/// Returns a comment or like by the account.
fn reaction(kind: &str, number: u32, parent: &str, fields: &serde_json::Value) -> crate::domain::Relayable {
    let mut data = json!({"author": "alice@closing.example", "guid": format!("{number:016}"),
        "parent_guid": parent});
    data.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record(json!({"entity_type": kind, "property_order": [], "entity_data": data}))
}

fn contact(id: &str, name: &str) -> crate::domain::Contact {
    record(json!({"sharing": true, "receiving": true, "following": true, "followed": true,
        "person_guid": "0123456789abcdef", "person_name": name, "account_id": id,
        "contact_groups_membership": []}))
}

#[test]
fn comments_and_likes_describe_their_posts() {
    let mut view = begin("Alice");
    view.contact(&contact("bob@pod.example", "Bob <b>")).unwrap();
    add_post(&mut view, 1, "2015-01-01T00:00:00Z", "# About *cats*\n\nand dogs");
    for (number, parent) in [(2, "0000000000000001"), (3, "fedcba9876543210"), (4, "fedcba9876543211")] {
        let fields = json!({"text": "well", "created_at": "2016-01-01T00:00:00Z"});
        view.own_relayable(&reaction("comment", number, parent, &fields)).unwrap();
    }
    for (number, parent, kind) in
        [(5, "fedcba9876543210", "Post"), (6, "0000000000000001", "Post"), (7, "0000000000000002", "Comment")]
    {
        let fields = json!({"parent_type": kind, "positive": true});
        view.own_relayable(&reaction("like", number, parent, &fields)).unwrap();
    }
    let other = record(json!({"guid": "fedcba9876543210", "author": "bob@pod.example",
        "url": "https://pod.example/posts/fedcba9876543210", "created_at": "2014-03-02T00:00:00Z",
        "text": format!("{EVIL} {}", "word ".repeat(100))}));
    view.commented_post(&other).unwrap();
    let mut finished = view.finish(&BTreeMap::from([(CountKind::OwnLikes, 3)])).unwrap();
    let comments = page(&mut finished, "view/comments-1.html");
    let own_link = "<a href=\"posts-1.html#p-0000000000000001\">your own post of 1 January 2015</a>: \
               “<bdi lang=\"pt-BR\">About cats and dogs</bdi>”";
    let others =
        "a post by <bdi lang=\"\">Bob &#60;b&#62;</bdi> <code>bob@pod.example</code> of 2 March 2014: ";
    let link = "<a href=\"https://pod.example/posts/fedcba9876543210\" rel=\"noopener noreferrer\">\
                Look for it on <bdi lang=\"\">pod.example</bdi></a>";
    for part in [
        &format!("<p class=\"meta\">On {own_link}</p>"),
        &format!("<p class=\"meta\">On {others}“"),
        "word word…</bdi>”",
        link,
        "On a post that is not in this archive: <a href=\"https://closing.example/posts/fedcba9876543211\"",
        "Times are in universal time (UTC)",
    ] {
        assert!(comments.contains(part), "{part} is missing from {comments}");
    }
    assert!(!comments.contains("<script") && !comments.contains("onerror=alert(1)>"), "{comments}");
    let likes = page(&mut finished, "view/likes-1.html");
    for part in [
        &format!("<li>Liked {others}"),
        &format!("<li>Liked {own_link}</li>"),
        "<li>Liked a comment, which has no page of its own</li>",
        "<title>Likes – Alice</title>",
    ] {
        assert!(likes.contains(part), "{part} is missing from {likes}");
    }
    let index = page(&mut finished, "index.html");
    assert!(index.contains("<a href=\"view/likes-1.html\">Your likes</a>"), "{index}");
    assert!(index.contains("22 November 2026, 10:00</time>, universal time (UTC)"), "{index}");
}

#[test]
fn conversations_have_names() {
    let mut view = begin("Alice");
    let conversation =
        record(json!({"guid": "0123456789abcdef", "author": "bob@pod.example", "subject": "Holidays",
        "created_at": "2015-01-01T00:00:00Z", "state": {"unread": 0},
        "participants": ["bob@pod.example", "alice@closing.example", "carol@pod.example"],
        "messages": [{"guid": "0123456789abcdef", "author": "bob@pod.example", "text": "Hi",
            "created_at": "2015-01-01T00:00:00Z"}]}));
    view.conversation(&conversation).unwrap();
    // Names may follow the records that show them.
    view.contact(&contact("bob@pod.example", "Bob Miller")).unwrap();
    let html = page(&mut finish(view), "view/conversations-1.html");
    for part in [
        "aria-labelledby=\"t-0123456789abcdef\"><h2 id=\"t-0123456789abcdef\" lang=\"\" dir=\"auto\">Holidays</h2>",
        "<bdi lang=\"\">Alice</bdi> <code>alice@closing.example</code>, <code>carol@pod.example</code> · begun",
        "<strong><bdi lang=\"\">Bob Miller</bdi> <code>bob@pod.example</code></strong> <time",
    ] {
        assert!(html.replace(">\n<h2", "><h2").contains(part), "{part} is missing from {html}");
    }
}

#[test]
fn excerpts_are_one_line() {
    let excerpt = |text: &str| Excerpt(text).to_string();
    assert_eq!(excerpt("**Hello**\nworld\n\n* a\n* `b`"), "Hello world a b");
    assert_eq!(
        excerpt("hi @{Bob ; bob@pod.example}"),
        "hi <bdi class=\"mention\" title=\"bob@pod.example\">@Bob</bdi>"
    );
    let long = excerpt(&format!("{} @{{Bob ; bob@pod.example}}", "x".repeat(130)));
    assert_eq!(long, format!("{}…", "x".repeat(130)));
    assert_eq!(excerpt(&"ä".repeat(5000)), format!("{}…", "ä".repeat(140)));
    assert!(Excerpt(" \n![](https://pod.example/x.png)").is_empty());
}

/// Everything on these pages except what people wrote is in the account's language.
#[test]
fn germans_get_german_pages() {
    let mut view = begin_in("de", "Alice");
    view.contact(&contact("bob@pod.example", "Bob")).unwrap();
    add_post(&mut view, 1, "2015-03-01T00:00:00Z", "Katzen");
    let text = json!({"text": "gut", "created_at": "2016-01-01T00:00:00Z"});
    for (number, parent) in [(2, "0000000000000001"), (3, "fedcba9876543211")] {
        view.own_relayable(&reaction("comment", number, parent, &text)).unwrap();
    }
    let like = json!({"parent_type": "Comment", "positive": true});
    view.own_relayable(&reaction("like", 4, "0000000000000009", &like)).unwrap();
    let record = RecordRef { kind: RecordKind::PhotoFile, id: Some(7), name: None };
    let reason = "the file does not exist".to_owned();
    view.omission(&Omission { code: OmissionCode::MissingFile, record, reason }).unwrap();
    let mut finished = finish(view);
    let names: Vec<String> = finished.entries.iter().map(|entry| entry.path.clone()).collect();
    let pages = names.iter().filter(|name| *name != "view/style.css").map(|name| page(&mut finished, name));
    let pages: Vec<String> = pages.collect();
    for html in &pages {
        assert!(html.contains("<html lang=\"de\" dir=\"ltr\">"), "{html}");
        assert!(!html.contains(">view-"), "a text is missing in {html}");
    }
    let all = pages.concat();
    for part in [
        "<p class=\"meta\">Zu: <a href=\"posts-1.html#p-0000000000000001\">dein Beitrag vom 1. März 2015</a>: „",
        "<p class=\"meta\">Zu: ein Beitrag, der nicht in diesem Archiv ist",
        "<li>Gefällt dir: ein Kommentar, der keine eigene Seite hat</li>",
        "<strong>Fotodatei</strong> <code>Nr. 7</code>: die Datei fehlt auf dem Pod</li>",
        "<td class=\"number\">3.049</td>",
        "<title>Beiträge – Alice</title>",
    ] {
        assert!(all.contains(part), "{part} is missing from {all}");
    }
    let english = String::from_utf8(EngineTexts::get("en/archive.ftl").unwrap().data.into_owned()).unwrap();
    let texts = english.lines().filter_map(|line| line.split_once(" = ")).map(|(_, text)| text);
    for text in texts.filter(|text| text.len() > 4 && !text.contains('{')) {
        assert!(!all.contains(&format!(">{text}<")), "{text}");
    }
}

#[test]
fn months_lead_to_their_first_post() {
    let mut view = begin("Alice");
    let months = [("2015-01", 40), ("2015-03", 20), ("2015-05", 5), ("2016-02", 3)];
    let dates = months.iter().flat_map(|(month, count)| std::iter::repeat_n(*month, *count));
    for (number, month) in (1..).zip(dates) {
        add_post(&mut view, number, &format!("{month}-07T00:00:00Z"), "x");
    }
    let mut finished = finish(view);
    let index = page(&mut finished, "index.html");
    for (month, name, number) in [(1, "January", 1), (3, "March", 1), (5, "May", 2)] {
        let link = format!("<li><a href=\"view/posts-{number}.html#y2015-{month}\">{name}</a></li>");
        assert!(index.contains(&link), "{link} is missing from {index}");
        for other in [1, 2] {
            let shown = page(&mut finished, &format!("view/posts-{other}.html"));
            let anchors = shown.matches(&format!("<span id=\"y2015-{month}\"></span>\n<article")).count();
            assert_eq!(anchors, usize::from(other == number), "{name}: {shown}");
        }
    }
    assert!(!index.contains("#y2016-"), "a year's only month is the year: {index}");
    assert_eq!(index.matches("<summary>Months<").count(), 1, "{index}");
}
