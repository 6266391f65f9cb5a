//! A move is announced over real HTTP to pods of which one answers, as diaspora* does, and the others do not.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::living_pods::private_key;
use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, json};
use pappus_engine::domain::{PrivateKey, PublicKey};
use pappus_engine::federation::{MagicEnvelope, ReceivedEntity};
use pappus_engine::sql::DatabaseUrl;
use pappus_tests::twin;
use pappus_tests::twin::home::Home;
use pappus_tests::twin::pod::{Relation, Software, User};
use pappus_tests::twin::world::World;
use serde_json::Value;
use sqlx::sqlite::SqlitePool;

const OLD: &str = "ida@closing.example";
const NEW: &str = "ida@haven.example";
/// Who shares both ways with ida on the pod where most of her contacts live.
const FRIENDS: [&str; 3] = ["greta@closing.example", "jonas@closing.example", "nils@closing.example"];
/// The aspect in which friends have ida.
const ASPECT: &str = "Friends";

/// The pod on which most of the contacts live: its ID on the target, its host, and itself.
struct Busiest {
    id: i64,
    host: String,
    world: World,
}

impl Busiest {
    /// It gets an address of this machine; its users know ida as her archive says.
    async fn start(target: &Target, archive: &Path) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let id = move_pods_here(target, port).await;
        let mut pod = twin::pod::Pod::new(Software::Diaspora);
        let old_key = json(archive, "manifest.json")["account"]["public_key"].as_str().unwrap().to_owned();
        pod.known.insert(OLD.to_owned(), PublicKey::from_pem(&old_key).unwrap());
        let of_contacts = format!(
            "FROM people p JOIN contacts c ON c.person_id = p.id WHERE p.pod_id = {id} ORDER BY p.id"
        );
        let select = |column: &str| format!("SELECT p.{column} {of_contacts}");
        let handles = target.pool.texts(&select("diaspora_handle")).await.unwrap();
        let guids = target.pool.texts(&select("guid")).await.unwrap();
        let keys = target.pool.texts(&select("serialized_public_key")).await.unwrap();
        let contacts = json(archive, "diaspora.json")["user"]["contacts"].as_array().unwrap().clone();
        for ((handle, guid), key) in handles.into_iter().zip(guids).zip(keys) {
            let contact = contacts.iter().find(|contact| contact["account_id"] == handle.as_str()).unwrap();
            // What is sharing here is receiving there.
            let relation = Relation {
                sharing: contact["receiving"] == true,
                receiving: contact["sharing"] == true,
                aspects: [ASPECT.to_owned()].into(),
                permitted: true,
            };
            let relations = [(OLD.to_owned(), relation)].into();
            let (id, key) = (handle.parse().unwrap(), private_key(&key));
            pod.users.insert(guid.clone(), User { id, guid, key, relations, stream: Vec::new() });
        }
        let (world, host) = (World::default(), format!("127.0.0.1:{port}"));
        world.inner().pods.insert(host.clone(), pod);
        let home = Home::new(DatabaseUrl::parse(&target.database).unwrap(), target.url);
        twin::http::serve(listener, &world, &home, target.host()).unwrap();
        Self { id, host, world }
    }

    /// Paths to which something was sent.
    fn paths(&self) -> Vec<String> {
        self.world.inner().posts.iter().map(|(_, path, _)| path.clone()).collect()
    }

    /// Waits until it has processed the move, and the target pod has heard of it.
    async fn friends_come_back(&self, target: &Target) {
        let back = "SELECT COUNT(*) FROM contacts WHERE receiving AND sharing";
        let begun = Instant::now();
        while !self.world.is_idle() || target.pool.number(back).await.unwrap() < 3 {
            assert!(begun.elapsed() < Duration::from_mins(1));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its users know the new account as they knew the old one.
    fn friends_are_kept(&self) {
        let inner = self.world.inner();
        let users = inner.pods[&self.host].users.values();
        let friends: BTreeSet<&str> = users
            .filter(|user| {
                assert!(!user.relations.contains_key(OLD), "{}", user.id);
                let relation = &user.relations[NEW];
                relation.sharing && relation.receiving && relation.aspects.contains(ASPECT)
            })
            .map(|user| user.id.as_str())
            .collect();
        assert_eq!(friends, BTreeSet::from(FRIENDS));
    }
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_told_once_and_the_target_follows() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let path = archive.display().to_string();

    let early = target.announce(&path, &[]);
    assert_eq!(early.code, Some(1));
    assert!(early.stderr.contains("has not been imported"), "{early:?}");

    let imported = target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let busiest = Busiest::start(&target, &archive).await;

    let announced = target.announce(&path, &[]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    let announced = document(&announced.stdout);
    assert_eq!((&announced["old"], &announced["new"]), (&OLD.into(), &NEW.into()));
    let again = document(&target.announce(&path, &[]).stdout);
    assert_eq!(again["queued"], 0, "announcing twice queues nothing twice");
    the_target_follows(&target).await;

    let hosts = busiest.host.as_str();
    let unseen = target.run(&["deliver"]);
    let problem = document(&unseen.stdout)["unseen"][0]["problem"].as_str().unwrap().to_owned();
    assert!(problem.starts_with("ida@haven.example does not answer from outside"), "{problem}");
    let refused = target.run(&["deliver", "--assume-reachable"]);
    assert_eq!(
        refused.code,
        Some(10),
        "nothing inside the own network is asked unless it is allowed: {refused:?}"
    );
    assert!(busiest.paths().is_empty());
    target.run(&["resend"]);
    let sent = target.run(&["deliver", "--allow-host", hosts]);
    assert_eq!(sent.code, Some(10), "{sent:?}");
    assert_eq!(busiest.paths().len(), 1, "nothing follows before the pod has processed the move");
    busiest.friends_come_back(&target).await;
    target.run(&["deliver", "--settle", "0", "--allow-host", hosts]);

    the_move_is_told_once(&target, &busiest, &archive).await;
    let unknown = announced["unknown"].as_u64().unwrap();
    let private = check_private_deliveries(&target, &busiest, unknown).await;
    busiest.friends_are_kept();

    let report = document(&target.run(&["deliveries"]).stdout);
    assert_eq!(report["counts"]["delivered"], private + 1);
    assert!(report["friends"]["back"].as_i64().unwrap() > 0, "{report}");
    assert!(report["counts"]["confirmed"].as_i64().unwrap() > 0, "who is back needs no Contact: {report}");
    let pods = report["pods"].as_array().unwrap();
    assert!(pods.iter().any(|pod| pod["pod"] == hosts && pod["counts"]["queued"] == 0), "{report}");
    let import = imported["import"].as_str().unwrap();
    let undo = target.run(&["undo", import]);
    assert_eq!(undo.code, Some(1));
    assert!(undo.stderr.contains("announced"), "{undo:?}");
}

/// Gives all pods addresses of this machine: the one with the most people the port of the double, the others ports
/// where nobody listens. Returns the ID of the one with the most people.
async fn move_pods_here(target: &Target, port: u16) -> i64 {
    let busiest = "SELECT pod_id FROM people WHERE pod_id IS NOT NULL GROUP BY pod_id ORDER BY COUNT(*) DESC, pod_id LIMIT 1";
    let busiest = target.pool.number(busiest).await.unwrap();
    for sql in [
        "UPDATE pods SET host = '127.0.0.1', port = id, ssl = 0".to_owned(),
        format!("UPDATE pods SET port = {port} WHERE id = {busiest}"),
    ] {
        target.pool.execute(&sql).await.unwrap();
    }
    busiest
}

/// Checks that a pod got a Profile for each contact and a Contact where one is needed, and for `unknown` people of the
/// archive at most both. Returns the number of private deliveries.
async fn check_private_deliveries(target: &Target, busiest: &Busiest, unknown: u64) -> usize {
    let pod = busiest.id;
    let people = target
        .pool
        .number(&format!(
            "SELECT COUNT(*) FROM contacts c JOIN people p ON p.id = c.person_id WHERE p.pod_id = {pod}"
        ))
        .await
        .unwrap();
    let private = busiest.paths().iter().filter(|path| path.starts_with("/receive/users/")).count();
    let needed = "SELECT COUNT(*) FROM contacts c JOIN people p ON p.id = c.person_id WHERE c.receiving AND NOT c.sharing AND p.pod_id =";
    let contacts = target.pool.number(&format!("{needed} {pod}")).await.unwrap();
    let of_archive = u64::try_from(i64::try_from(private).unwrap() - people - contacts).unwrap();
    assert!(of_archive <= unknown * 2, "a Profile for each, a Contact where one is needed");
    private
}

async fn the_move_is_told_once(target: &Target, busiest: &Busiest, archive: &Path) {
    let public = busiest.paths().iter().filter(|path| *path == "/receive/public").count();
    assert_eq!(public, 1, "a pod is told of the move once");
    let store = format!("sqlite:{}", target.path("state/pods/haven.example/pappus.sqlite3"));
    let sql = "SELECT body FROM pappus_deliveries WHERE kind = 'account_migration' AND pod = ?";
    let envelope: Vec<u8> = sqlx::query_scalar(sql)
        .bind(&busiest.host)
        .fetch_one(&SqlitePool::connect(&store).await.unwrap())
        .await
        .unwrap();
    let key: PrivateKey =
        serde_json::from_value(json(archive, "diaspora.json")["user"]["private_key"].clone()).unwrap();
    let old = key.signing_key().unwrap().public_key().unwrap();
    let payload = MagicEnvelope::parse(&envelope).unwrap().verify(&old.verifying_key().unwrap()).unwrap();
    let migration = match payload.entity().unwrap() {
        ReceivedEntity::AccountMigration(migration) => Some(migration),
        _ => None,
    };
    let migration = migration.unwrap();
    assert_eq!(migration.author.as_str(), OLD);
    assert_eq!(migration.new_identity().as_str(), NEW);
    assert_eq!(migration.remote_photo_path.as_deref(), Some("https://haven.example/uploads/images/"));
}

/// What pointed to the old person points to the new one.
async fn the_target_follows(target: &Target) {
    // The pods have other addresses now than the people.
    target.is_sound_but("of another pod").await;
    for (expected, sql) in [
        (
            1,
            "SELECT COUNT(*) FROM account_migrations m JOIN people o ON o.id = m.old_person_id AND o.closed_account JOIN people n ON n.id = m.new_person_id WHERE o.diaspora_handle = 'ida@closing.example' AND n.diaspora_handle = 'ida@haven.example' AND m.completed_at IS NOT NULL",
        ),
        (
            0,
            "SELECT COUNT(*) FROM comments c JOIN people p ON p.id = c.author_id WHERE p.diaspora_handle = 'ida@closing.example'",
        ),
        (
            0,
            "SELECT COUNT(*) FROM contacts c JOIN people p ON p.id = c.person_id JOIN users u ON u.id = c.user_id WHERE p.owner_id = u.id",
        ),
    ] {
        assert_eq!(target.pool.number(sql).await.unwrap(), expected, "{sql}");
    }
}

/// Both have voted in a poll, liked a post and passed one on before the pod heard of the move.
#[tokio::test]
async fn what_both_have_done_counts_once() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let key = json(&archive, "manifest.json")["account"]["public_key"].as_str().unwrap().to_owned();
    let new = target.pool.number("SELECT id FROM people WHERE owner_id IS NOT NULL").await.unwrap();
    let old = "(SELECT id FROM people WHERE diaspora_handle = 'ida@closing.example')";
    let at = "'2026-01-01 00:00:00', '2026-01-01 00:00:00'";
    let post = format!("(SELECT MIN(id) FROM posts WHERE author_id = {new} AND type = 'StatusMessage')");
    let like = |author: &str, guid: &str| {
        format!(
            "INSERT INTO likes (positive, target_id, target_type, author_id, guid, created_at, updated_at) \
             VALUES ((1 = 1), {post}, 'Post', {author}, '{guid}', {at})"
        )
    };
    let reshare = |author: &str, guid: &str| {
        format!(
            "INSERT INTO posts (author_id, type, guid, public, root_guid, created_at, updated_at, interacted_at) \
             SELECT {author}, 'Reshare', '{guid}', (1 = 1), guid, {at}, '2026-01-01 00:00:00' FROM posts WHERE id = {post}"
        )
    };
    for sql in [
        format!(
            "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) \
             SELECT '0123456789abcdef0123456789abcdef', 'ida@closing.example', '{key}', MIN(id), {at} FROM pods"
        ),
        format!("INSERT INTO profiles (person_id, created_at, updated_at) VALUES ({old}, {at})"),
        like(&new.to_string(), "thenewlikeofida000"),
        like(old, "theoldlikeofida000"),
        reshare(&new.to_string(), "thenewreshareofida"),
        reshare(old, "theoldreshareofida"),
        format!(
            "INSERT INTO poll_participations (poll_answer_id, author_id, poll_id, guid, created_at, updated_at) \
             SELECT poll_answer_id, {old}, poll_id, 'theoldvoteofida000', {at} FROM poll_participations \
             WHERE author_id = {new} LIMIT 1"
        ),
        "UPDATE poll_answers SET vote_count = (SELECT COUNT(*) FROM poll_participations v WHERE v.poll_answer_id = \
         poll_answers.id)"
            .to_owned(),
        format!(
            "UPDATE posts SET likes_count = likes_count + 2, reshares_count = reshares_count + 2 WHERE id = {post}"
        ),
    ] {
        target.pool.execute(&sql).await.unwrap();
    }
    let announced = target.announce(&archive, &[]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    for table in ["likes", "posts", "poll_participations"] {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE guid LIKE 'theold%'");
        assert_eq!(target.pool.number(&sql).await.unwrap(), 0, "{table}");
    }
    target.is_sound().await;
}

#[tokio::test]
async fn pods_of_contacts_whom_nobody_could_look_up_are_told_too() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let path = archive.display().to_string();
    let document_of_archive = json(&archive, "diaspora.json");
    let named = document_of_archive["user"]["contacts"].as_array().unwrap().iter();
    let named: Vec<&str> = named.map(|contact| contact["account_id"].as_str().unwrap()).collect();
    let hosts: BTreeSet<&str> = named.iter().map(|name| name.split_once('@').unwrap().1).collect();
    assert!(hosts.len() > 2, "{hosts:?}");
    // Of one pod it is known that it had no https; of the others nothing. The old pod would come last.
    let refusing = *hosts.iter().find(|host| **host != "closing.example").unwrap();
    let pod = format!(
        "INSERT INTO pods (host, port, ssl, created_at, updated_at) VALUES \
         ('{refusing}', -1, 0, '2026-01-01', '2026-01-01')"
    );
    target.pool.execute(&pod).await.unwrap();
    let imported = target.import(&archive, "ida", &["--accept-unproven"]);
    let contacts = imported["kinds"]["contacts"].clone();
    assert_eq!(contacts["left_out"]["person_unknown"], contacts["in_archive"], "{contacts}");

    let announced = document(&target.announce(&path, &[]).stdout);
    assert_eq!(announced["unknown"], contacts["in_archive"], "{announced}");
    assert_eq!(announced["people"], contacts["in_archive"], "the archive has their GUIDs and keys");
    let told = document(&target.run(&["deliveries"]).stdout);
    let pods = told["pods"].as_array().unwrap().iter();
    let pods: BTreeSet<&str> = pods.map(|pod| pod["pod"].as_str().unwrap()).collect();
    assert_eq!(pods, hosts);
    let moves = told["pods"].as_array().unwrap().iter().filter(|pod| pod["told_at"].is_null()).count();
    assert_eq!(moves, hosts.len(), "each pod once: {told}");
    assert_eq!(document(&target.announce(&path, &[]).stdout)["queued"], 0);

    // The one that had no https once is asked over https all the same, and tried again as the others are: nobody has to
    // be told by hand yet.
    target.run(&["deliver", "--assume-reachable"]);
    let told = document(&target.run(&["deliveries"]).stdout);
    assert_eq!(told["by_hand"].as_array().map(Vec::len), Some(0), "{told}");
    let pods = told["pods"].as_array().unwrap();
    let refused = pods.iter().filter(|pod| pod["counts"]["rejected"] != 0).count();
    assert_eq!(refused, 0, "{told}");
}
