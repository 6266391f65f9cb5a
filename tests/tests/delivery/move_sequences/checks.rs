//! What holds after each step, and in the end.

use chrono::TimeDelta;
use pappus_engine::delivery::Clock as _;
use pappus_tests::twin::pod::Software;
use pappus_tests::twin::scene::OLD;
use serde_json::Value;
use sqlx::Row as _;

use super::run::{Run, friends, json, pods};
use super::steps::{Record, Step};
use crate::support::http_scene::good;

impl Run {
    /// What an import says is here is what the database holds; what people have deleted since is neither.
    pub(super) async fn check_counts(&self, report: &Value) {
        let (person, user) = self.account().await.unwrap();
        let posts =
            |kind: &str| format!("SELECT COUNT(*) FROM posts WHERE author_id = {person} AND type = '{kind}'");
        for (kind, sql) in [
            ("status_messages", posts("StatusMessage")),
            ("reshares", posts("Reshare")),
            ("own_comments", format!("SELECT COUNT(*) FROM comments WHERE author_id = {person}")),
            ("own_likes", format!("SELECT COUNT(*) FROM likes WHERE author_id = {person}")),
            // Jonas, who moves as well, becomes one by himself.
            (
                "contacts",
                format!(
                    "SELECT COUNT(*) FROM contacts c JOIN people p ON p.id = c.person_id WHERE c.user_id = {user} \
                     AND p.diaspora_handle LIKE 'friend%'"
                ),
            ),
            ("subscriptions", format!("SELECT COUNT(*) FROM participations WHERE author_id = {person}")),
            ("followed_tags", format!("SELECT COUNT(*) FROM tag_followings WHERE user_id = {user}")),
        ] {
            let tally = &report["kinds"][kind];
            let came = tally["imported"].as_i64().unwrap() + tally["adopted"].as_i64().unwrap();
            assert_eq!(came, self.number(&sql).await, "{kind}: {report}");
        }
    }

    pub(super) async fn check_deleted(&self, step: Step) {
        for (record, name) in &self.deleted {
            let there: i64 =
                sqlx::query_scalar(record.there()).bind(name).fetch_one(&self.target).await.unwrap();
            assert_eq!(there, 0, "after {step:?}, the {record:?} {name} is back");
        }
        if self.edited
            && let Some((person, _)) = self.account().await
        {
            let sql =
                format!("SELECT COUNT(*) FROM profiles WHERE person_id = {person} AND first_name = 'Edited'");
            assert_eq!(self.number(&sql).await, 1, "after {step:?}, the name is as before");
        }
    }

    /// Once others can know it, it stays.
    pub(super) async fn check_identities(&mut self) {
        let sql = "SELECT diaspora_handle, guid, serialized_public_key FROM people WHERE serialized_public_key <> '' \
                   AND diaspora_handle IN ('ida@haven.example', 'jonas@haven.example')";
        for row in sqlx::query(sql).fetch_all(&self.target).await.unwrap() {
            let (id, found): (String, (String, String)) = (row.get(0), (row.get(1), row.get(2)));
            let known = self.identities.entry(id.clone()).or_insert_with(|| found.clone());
            assert_eq!(*known, found, "the identity of {id} has changed");
        }
    }

    /// Whether the old pod has closed the account.
    fn is_closed(&self) -> bool {
        self.scene.world.inner().pods["closing.example"].performed.contains(OLD)
    }

    /// The move is brought to its end; every friend is one.
    pub(super) async fn end(&mut self) {
        self.import().await;
        self.announce().await;
        assert!(self.is_announced);
        let start = self.clock.now();
        while self.deliver_once().await || !self.is_closed() {
            assert!(self.clock.now() - start < TimeDelta::days(9), "the old pod is told last, but in time");
            self.clock.pass(TimeDelta::minutes(10)).await;
        }
        while !self.scene.world.is_idle() {
            self.clock.pass(TimeDelta::minutes(10)).await;
        }
        self.take(Step::Import).await;
        self.check_friends().await;
        self.check_report().await;
    }

    /// Whoever still shares, and is still shared with, is a friend on both sides.
    async fn check_friends(&self) {
        let removed =
            |id: &str| self.deleted.iter().any(|(kind, name)| *kind == Record::Contact && name == id);
        let (kept, lost) = self.scene.kept();
        assert_eq!(kept + lost.len(), friends());
        let of = |line: &str, id: &str| line.starts_with(&format!("{id} on "));
        for id in &self.unshared {
            assert!(lost.iter().any(|line| of(line, id)), "{id} does not share: {lost:?}");
        }
        let without_reason: Vec<&String> = lost
            .iter()
            .filter(|line| {
                let id = line.split(' ').next().unwrap();
                !self.unshared.contains(id) && !removed(id)
            })
            .collect();
        assert!(without_reason.is_empty(), "{without_reason:?}");
        let expected = {
            let inner = self.scene.world.inner();
            let on_diaspora = inner.pods.values().filter(|pod| pod.software == Software::Diaspora);
            let ids = on_diaspora.flat_map(|pod| pod.users.values()).map(|user| user.id.to_string());
            ids.filter(|id| !self.unshared.contains(id) && !self.forgotten.contains(id) && !removed(id))
                .count()
        };
        assert_eq!(self.scene.back().await.unwrap().0, i64::try_from(expected).unwrap());
    }

    /// `deliveries` counts what the databases hold.
    async fn check_report(&self) {
        let report = json(&good(self.scene.command(&["deliveries", "--account", OLD])));
        assert_eq!(report["friends"]["all"], friends(), "{report}");
        let sharing = "SELECT COUNT(*) FROM contacts c JOIN people p ON p.id = c.person_id JOIN users u ON u.id = c.user_id \
                       WHERE u.username = 'ida' AND c.sharing AND p.diaspora_handle LIKE 'friend%'";
        let sharing = self.number(sharing).await;
        // Whoever has come back, and has stopped since, has come back.
        let most = sharing + i64::try_from(self.unshared.len()).unwrap();
        let back = report["friends"]["back"].as_i64().unwrap();
        assert!((sharing..=most).contains(&back), "{sharing} to {most}: {report}");
        let of_pods = report["pods"].as_array().unwrap().iter();
        let of_pods: i64 = of_pods.map(|pod| pod["friends"]["back"].as_i64().unwrap()).sum();
        assert_eq!(of_pods, back, "{report}");
        for pod in pods() {
            let row = report["pods"].as_array().unwrap().iter().find(|row| row["pod"] == pod.host).unwrap();
            assert_eq!(row["friends"]["all"], pod.friends, "{report}");
            assert_eq!(row["counts"]["queued"], 0, "{report}");
        }
    }
}
