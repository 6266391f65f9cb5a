//! Moves that are out of the ordinary: second ones, two that meet, those from a pod that is dead.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json};
use pappus_engine::domain::NEW_KEY_BITS;
use pappus_tests::integrity::{Place, problems};
use pappus_tests::program::pappus;

/// Writes somebody into the target's people, as after a look-up.
async fn introduce(target: &Target, id: &str, key: &str) {
    let guid: String =
        id.chars().filter(char::is_ascii_alphanumeric).chain("0123456789abcdef".chars()).collect();
    let host = id.split_once('@').unwrap().1;
    for sql in [
        format!(
            "INSERT INTO pods (host, port, ssl, created_at, updated_at) SELECT '{host}', -1, 1, '2026-01-01', '2026-01-01' \
             WHERE NOT EXISTS (SELECT 1 FROM pods WHERE host = '{host}')"
        ),
        format!(
            "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) \
             SELECT '{}', '{id}', '{key}', (SELECT id FROM pods WHERE host = '{host}'), '2026-01-01', '2026-01-01' \
             WHERE NOT EXISTS (SELECT 1 FROM people WHERE diaspora_handle = '{id}')",
            &guid[..32.min(guid.len())]
        ),
        "INSERT INTO profiles (person_id, full_name, created_at, updated_at) SELECT id, '', '2026-01-01', '2026-01-01' \
         FROM people WHERE id NOT IN (SELECT person_id FROM profiles)"
            .to_owned(),
    ] {
        target.pool.execute(&sql).await.unwrap();
    }
}

fn own_key(archive: &Path) -> String {
    json(archive, "manifest.json")["account"]["public_key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_moves_once() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let (path, trust) = (archive.display().to_string(), fingerprint(&archive));
    introduce(&target, "ida@closing.example", &own_key(&archive)).await;
    introduce(&target, "ida@elsewhere.example", &own_key(&archive)).await;
    target
        .pool
        .execute(
            "INSERT INTO account_migrations (old_person_id, new_person_id) SELECT o.id, n.id FROM people o, people n \
             WHERE o.diaspora_handle = 'ida@closing.example' AND n.diaspora_handle = 'ida@elsewhere.example'",
        )
        .await
        .unwrap();
    let command = ["import", &path, "--as", "ida", "--offline", "--trust-pod", &trust];
    target.refuses(&command, "already_moved").await;
    let announced = target.announce(&path, &[]);
    assert_eq!(announced.code, Some(1), "{announced:?}");
    target.pool.execute("DELETE FROM account_migrations").await.unwrap();
    let done = target.import(&archive, "ida", &["--trust-pod", &trust]);
    assert_eq!(done["new"], "ida@haven.example");
}

#[tokio::test]
async fn nobody_comes_back_to_where_they_left_from() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let (path, trust) = (archive.display().to_string(), fingerprint(&archive));
    let done = target.import(&archive, "ida", &["--trust-pod", &trust]);
    // She moves on, and the pod she leaves hears of it as any other.
    let onward = target.export("ida");
    introduce(&target, "ida@next.example", &own_key(&onward)).await;
    for sql in [
        "INSERT INTO account_migrations (old_person_id, new_person_id, completed_at) SELECT o.id, n.id, '2026-02-02' FROM \
         people o, people n WHERE o.diaspora_handle = 'ida@haven.example' AND n.diaspora_handle = 'ida@next.example'",
        "UPDATE people SET closed_account = 1 WHERE diaspora_handle = 'ida@haven.example'",
    ] {
        target.pool.execute(sql).await.unwrap();
    }
    // Her own archive of this pod, somebody else's under her name.
    let onward = onward.display().to_string();
    let trust_here = fingerprint(Path::new(&onward));
    for name in ["ida", "ida2"] {
        let command = ["import", &onward, "--as", name, "--offline", "--trust-pod", &trust_here];
        target.refuses(&command, "onto_itself").await;
    }
    source.export(&["yasmin"], "out", &[]);
    let yasmin = source.archive("out", "yasmin").display().to_string();
    let command = ["import", &yasmin, "--as", "ida", "--offline", "--trust-pod", &trust];
    target.refuses(&command, "username_not_possible").await;
    assert!(done["import"].is_string());
    let again = ["import", &path, "--as", "ida3", "--offline", "--trust-pod", &trust];
    let ended = target.run(&again);
    assert_eq!(document(&ended)["code"], "imported_before", "{ended:?}");
}

/// Both have said something under the other's posts.
async fn two_friends() -> Pod {
    let source = Pod::sqlite().await;
    for (guid, author, host) in [
        ("aaaaaaaaaaaaaaaa0000000000000001", "ida", "jonas"),
        ("aaaaaaaaaaaaaaaa0000000000000002", "jonas", "ida"),
    ] {
        let sql = format!(
            "INSERT INTO comments (guid, author_id, commentable_id, commentable_type, text, likes_count, created_at, updated_at) \
             SELECT '{guid}', a.id, MIN(p.id), 'Post', 'Between friends', 0, '2026-03-03 10:00:00', '2026-03-03 10:00:00' \
             FROM people a, posts p JOIN people h ON h.id = p.author_id WHERE a.diaspora_handle = '{author}@closing.example' \
             AND h.diaspora_handle = '{host}@closing.example' AND p.public AND p.type = 'StatusMessage' GROUP BY a.id"
        );
        source.pool.execute(&sql).await.unwrap();
        let sql = format!("SELECT COUNT(*) FROM comments WHERE guid = '{guid}'");
        assert_eq!(source.pool.number(&sql).await.unwrap(), 1, "{host} has a public post");
    }
    source
        .pool
        .execute(
            "UPDATE posts SET comments_count = (SELECT COUNT(*) FROM comments c WHERE c.commentable_type = 'Post' AND \
             c.commentable_id = posts.id)",
        )
        .await
        .unwrap();
    source
}

/// All that they said is theirs, under their new names.
async fn nothing_is_left_with_the_old_people(target: &Target, steps: &[&str]) {
    let count = async |sql: &str| target.pool.number(sql).await.unwrap();
    for (table, column) in [
        ("posts", "author_id"),
        ("photos", "author_id"),
        ("comments", "author_id"),
        ("likes", "author_id"),
        ("poll_participations", "author_id"),
        ("participations", "author_id"),
        ("mentions", "person_id"),
        ("contacts", "person_id"),
        ("conversation_visibilities", "person_id"),
        ("messages", "author_id"),
    ] {
        let sql = format!(
            "SELECT COUNT(*) FROM {table} t JOIN people p ON p.id = t.{column} \
             WHERE p.diaspora_handle IN ('ida@closing.example', 'jonas@closing.example')"
        );
        assert_eq!(count(&sql).await, 0, "{steps:?} {table}");
    }
    for (name, guid) in
        [("ida", "aaaaaaaaaaaaaaaa0000000000000001"), ("jonas", "aaaaaaaaaaaaaaaa0000000000000002")]
    {
        let sql = format!(
            "SELECT COUNT(*) FROM comments c JOIN people p ON p.id = c.author_id WHERE c.guid = '{guid}' \
             AND p.diaspora_handle = '{name}@haven.example'"
        );
        assert_eq!(count(&sql).await, 1, "{steps:?} {name}");
    }
    // They sign anew: what their old keys made fits them no longer.
    for (table, signatures, key) in [
        ("comments", "comment_signatures", "comment_id"),
        ("likes", "like_signatures", "like_id"),
        ("poll_participations", "poll_participation_signatures", "poll_participation_id"),
    ] {
        let sql = format!(
            "SELECT COUNT(*) FROM {signatures} s JOIN {table} t ON t.id = s.{key} JOIN people p ON p.id = t.author_id \
             WHERE p.owner_id IS NOT NULL"
        );
        assert_eq!(count(&sql).await, 0, "{steps:?} {table}");
    }
}

#[tokio::test]
async fn friends_who_both_move_here_keep_their_words() {
    let source = two_friends().await;
    source.export(&["ida", "jonas"], "out", &[]);
    let archive = |name: &str| source.archive("out", name);
    let trust = fingerprint(&archive("ida"));
    let mut whole = None;
    for steps in [
        ["+ida", "!ida", "+jonas", "!jonas"],
        ["+jonas", "!jonas", "+ida", "!ida"],
        ["+ida", "+jonas", "!ida", "!jonas"],
        ["+ida", "+jonas", "!jonas", "!ida"],
    ] {
        let target = Target::sqlite().await;
        for step in steps {
            let (what, name) = step.split_at(1);
            if what == "+" {
                target.import(&archive(name), name, &["--trust-pod", &trust]);
            } else {
                let ended = target.announce(archive(name), &[]);
                assert!(matches!(ended.code, Some(0 | 10)), "{steps:?} {ended:?}");
            }
            target.is_sound().await;
        }
        nothing_is_left_with_the_old_people(&target, &steps).await;
        let count = async |sql: &str| target.pool.number(sql).await.unwrap();
        let mut counts = Vec::new();
        for table in ["posts", "comments", "likes", "poll_participations", "contacts"] {
            counts.push(count(&format!("SELECT COUNT(*) FROM {table}")).await);
        }
        assert_eq!(
            whole.get_or_insert_with(|| counts.clone()),
            &counts,
            "{steps:?}: in every order the same"
        );
        // And it can be carried on.
        for name in ["ida", "jonas"] {
            let manifest = json(&target.export(name), "manifest.json");
            let unsigned = manifest["omissions"].as_array().unwrap().iter();
            assert_eq!(
                unsigned.filter(|omission| omission["code"] == "no_signature").count(),
                0,
                "{steps:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_stock_archive_of_a_dead_pod() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let mut stock = json(&archive, "diaspora.json");
    introduce(&target, "ida@closing.example", &own_key(&archive)).await;
    for contact in stock["user"]["contacts"].as_array().unwrap() {
        let text = |name: &str| contact[name].as_str().unwrap_or_default();
        introduce(&target, text("account_id"), text("public_key")).await;
    }
    stock["others_data"].as_object_mut().unwrap().shift_remove("non_contact_authors");
    let path = target.path("ida.json");
    std::fs::write(&path, stock.to_string()).unwrap();
    let done = target.import(Path::new(&path), "ida", &[]);
    assert_eq!(done["proof"], "cached_person");
    for (kind, tally) in done["kinds"].as_object().unwrap() {
        for reason in tally["left_out"].as_object().unwrap().keys() {
            let known =
                ["parent_missing", "parent_not_visible", "person_unknown", "key_unknown", "signature_bad"];
            let also = ["person_closed", "file_missing", "unsigned"];
            assert!(known.iter().chain(&also).any(|known| known == reason), "{kind}: {reason}");
        }
    }
    let number = |kind: &str, name: &str| done["kinds"][kind][name].as_u64().unwrap();
    for kind in ["status_messages", "polls", "photos", "aspects"] {
        assert_eq!(number(kind, "imported"), number(kind, "in_archive"), "{kind}");
    }
    assert!(number("others_comments", "imported") > 2 && number("contacts", "imported") > 5);

    target.is_sound().await;

    // Nobody is at home.
    let sql = "UPDATE pods SET host = '127.0.0.1', port = id, ssl = 0";
    target.pool.execute(sql).await.unwrap();
    let started = Instant::now();
    let announced = target.announce(&path, &[]);
    let took = started.elapsed();
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let queued = document(&announced)["queued"].as_u64().unwrap();
    assert!(queued > 3, "{announced:?}");
    let moved = "SELECT COUNT(*) FROM account_migrations m JOIN people o ON o.id = m.old_person_id JOIN people n \
                 ON n.id = m.new_person_id WHERE o.diaspora_handle = 'ida@closing.example' AND o.closed_account \
                 AND n.diaspora_handle = 'ida@haven.example'";
    assert_eq!(target.pool.number(moved).await.unwrap(), 1);
    let uploads = target.folder.path().join("uploads");
    let found = problems(&target.pool, Place { url: target.url, uploads: &uploads, bits: NEW_KEY_BITS })
        .await
        .unwrap();
    let found: Vec<&String> = found.iter().filter(|line| !line.contains("is of another pod")).collect();
    assert!(found.is_empty(), "{found:#?}");

    let allowed: Vec<String> = (1..30).map(|port| format!("127.0.0.1:{port}")).collect();
    let sent = target.run(&["deliver", "--allow-host", &allowed.join(",")]);
    assert_eq!(sent.code, Some(10), "{sent:?}");
    let report = document(&target.run(&["deliveries"]));
    let counts = &report["counts"];
    assert_eq!(counts["queued"].as_u64(), Some(queued), "everything waits: {report}");
    for lost in ["rejected", "dead", "delivered"] {
        assert_eq!(counts[lost].as_u64().unwrap_or(0), 0, "{lost}: {report}");
    }
}

/// Records whose photo files stay with the old pod.
fn without_files(report: &serde_json::Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let missing = findings.filter(|finding| finding["code"] == "file_missing");
    missing.map(|finding| finding["record"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn photos_of_a_stock_pod_may_come_later() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let (archive, stock) = (source.archive("out", "ida").display().to_string(), target.path("stock"));
    let converted = pappus(["convert", &archive, "--to", "diaspora", "--out", &stock]).unwrap();
    assert_eq!(converted.code, Some(0), "{converted:?}");
    let document = Path::new(&stock).join("ida.json.gz");
    let (photos, before) = (format!("{stock}/ida_photos.zip"), target.rows().await);
    let here = async || {
        let sql =
            "SELECT COUNT(*) FROM photos WHERE remote_photo_path = 'https://haven.example/uploads/images/'";
        target.pool.number(sql).await.unwrap()
    };
    let import = |more: &[&str]| target.import(&document, "ida", &[&["--accept-unproven"], more].concat());

    let planned = import(&["--dry-run"]);
    let first = import(&[]);
    assert_eq!(without_files(&planned), without_files(&first), "a plan says so too");
    assert!(without_files(&first).len() > 1 && here().await == 0, "{first}");
    target.is_sound().await;
    let second = import(&["--photos", &photos]);
    let lost = without_files(&second);
    let all = target.pool.number("SELECT COUNT(*) FROM photos").await.unwrap();
    assert_eq!(here().await, all - i64::try_from(lost.len()).unwrap());
    assert!(lost.len() < without_files(&first).len(), "{second}");
    target.is_sound().await;
    assert_eq!(without_files(&import(&[])), lost, "they are here");
    target.is_sound().await;

    let undone = target.run(&["undo", first["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    let mut after = target.rows().await;
    // Words that everybody shares stay.
    for shared in ["tags", "signature_orders"] {
        after.insert(shared, before[shared]);
    }
    assert_eq!(after, before);
}
