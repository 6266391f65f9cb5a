//! Somebody with friends on many pods moves: the closing pod, the archive, the target pod, and the pods of the friends.

use std::path::{Path, PathBuf};
use std::process::Command;

use pappus_engine::domain::{PrivateKey, PublicKey};
use pappus_engine::sql::DatabaseUrl;

use super::home::Home;
use super::pod::{Identity, Pod, Relation, Software, User};
use super::world::World;
use crate::crowd::{CrowdError, archive_key, done};
use crate::sample::{KeySize, PAIRS_2048, POD_URL, build, guid};
use crate::schema::{Pool, create};

/// The account's name on both pods; it comes from the sample pod.
pub const NAME: &str = "ida";
/// Its old ID.
pub const OLD: &str = "ida@closing.example";
/// The aspect in which friends have the account.
pub const ASPECT: &str = "Friends";
/// When archives are exported, one after the other.
pub const TIMES: [&str; 4] =
    ["2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"];
/// Numbers of the rows that are added.
const FIRST: usize = 200_000;
const AT: &str = "'2026-01-01 00:00:00', '2026-01-01 00:00:00'";

/// A pod with so many friends on it.
#[derive(Debug, Clone)]
pub struct FriendsPod {
    /// Host and port, as in a diaspora* ID.
    pub host: String,
    /// What it runs.
    pub software: Software,
    /// People there who share both ways with the account.
    pub friends: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Scene {
    /// Where everything is.
    pub folder: PathBuf,
    /// The target pod's database.
    pub database: String,
    /// The target pod's address.
    pub url: String,
    /// The friends' pods.
    pub world: World,
    /// The target pod as others see it.
    pub home: Home,
    archive: PathBuf,
    pappus: PathBuf,
    allowed: String,
}

impl Scene {
    /// Makes everything in an empty folder and an empty database, up to an import that is not announced.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn build(
        pappus: &Path,
        folder: &Path,
        database: &str,
        url: &str,
        pods: &[FriendsPod],
    ) -> Result<Self, CrowdError> {
        let scene = Self::prepare(pappus, folder, database, url, pods).await?;
        done(scene.import()?)?;
        scene.publish().await?;
        Ok(scene)
    }

    /// Makes everything in an empty folder and an empty database, up to the archive.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn prepare(
        pappus: &Path,
        folder: &Path,
        database: &str,
        url: &str,
        pods: &[FriendsPod],
    ) -> Result<Self, CrowdError> {
        let target = DatabaseUrl::parse(database).map_err(|error| CrowdError::Pappus(error.to_string()))?;
        let hosts: Vec<&str> = pods.iter().map(|pod| pod.host.as_str()).collect();
        let scene = Self {
            folder: folder.to_owned(),
            database: database.to_owned(),
            url: url.to_owned(),
            world: World::default(),
            home: Home::new(target, url),
            archive: folder.join(format!("out/{NAME}@closing.example-20261122T100000Z.zip")),
            pappus: pappus.to_owned(),
            allowed: hosts.join(","),
        };
        std::fs::create_dir_all(folder.join("there/images"))?;
        scene.populate(pods);
        scene.build_source(pods).await?;
        done(scene.export(NAME, TIMES[0]))?;
        let pool = Pool::connect(&scene.database).await?;
        create(&pool).await?;
        add_people(&pool, pods).await?;
        pool.close().await;
        Ok(scene)
    }

    /// The friends' side.
    fn populate(&self, pods: &[FriendsPod]) {
        let mut inner = self.world.inner();
        let old_key = PublicKey::from_pem(PAIRS_2048[0].public);
        for pod in pods {
            let mut twin = Pod::new(pod.software);
            if let Ok(key) = &old_key {
                twin.known.insert(OLD.to_owned(), key.clone());
            }
            for number in 0..pod.friends {
                let Ok(id) = friend(pod, number).parse() else { continue };
                let relation = Relation {
                    sharing: true,
                    receiving: true,
                    aspects: [ASPECT.to_owned()].into(),
                    permitted: true,
                };
                let user = User {
                    id,
                    guid: friend_guid(pod, number),
                    key: PrivateKey::from_pem(PAIRS_2048[1].private.to_owned()),
                    relations: [(OLD.to_owned(), relation)].into(),
                };
                twin.users.insert(user.guid.clone(), user);
            }
            inner.pods.insert(pod.host.clone(), twin);
        }
    }

    /// The closing pod's database.
    pub fn source(&self) -> String {
        format!("sqlite:{}", self.folder.join("source.sqlite3").display())
    }

    /// The closing pod, where the account has its friends in an aspect.
    async fn build_source(&self, pods: &[FriendsPod]) -> Result<(), CrowdError> {
        let uploads = self.folder.join("uploads");
        let pool = Pool::connect(&self.source()).await?;
        build(&pool, &uploads, KeySize::Small).await?;
        add_people(&pool, pods).await?;
        let user = format!("(SELECT id FROM users WHERE username = '{NAME}')");
        // One key for the friends' pods to know.
        let key = PAIRS_2048[0];
        for sql in [
            format!(
                "DELETE FROM aspect_memberships WHERE contact_id IN (SELECT id FROM contacts WHERE user_id = {user})"
            ),
            format!("DELETE FROM contacts WHERE user_id = {user}"),
            format!("UPDATE users SET serialized_private_key = '{}' WHERE username = '{NAME}'", key.private),
            format!(
                "UPDATE people SET serialized_public_key = '{}' WHERE diaspora_handle = '{OLD}'",
                key.public
            ),
            format!(
                "INSERT INTO aspects (id, name, user_id, order_id, created_at, updated_at) \
                     VALUES ({FIRST}, 'Old friends', {user}, 99, {AT})"
            ),
            format!(
                "INSERT INTO contacts (id, user_id, person_id, receiving, sharing, created_at, updated_at) \
                     SELECT id, {user}, id, (1 = 1), (1 = 1), {AT} FROM people WHERE id >= {FIRST}"
            ),
            format!(
                "INSERT INTO aspect_memberships (aspect_id, contact_id, created_at, updated_at) \
                     SELECT {FIRST}, id, {AT} FROM contacts WHERE id >= {FIRST}"
            ),
        ] {
            pool.execute(&sql).await?;
        }
        pool.close().await;
        Ok(())
    }

    /// `pappus export` of somebody on the closing pod, at a time such as [`TIMES`] has them.
    pub fn export(&self, name: &str, time: &str) -> Command {
        let mut export = self.program(&["export", name, "--created-at", time]);
        export.arg("--out").arg(self.folder.join("out")).arg("--uploads").arg(self.folder.join("uploads"));
        export.args(["--pod-url", POD_URL, "--database-url", &self.source()]);
        export
    }

    /// The archive of somebody, as it was exported then.
    pub fn archive_of(&self, name: &str, time: &str) -> PathBuf {
        let time = time.replace(['-', ':'], "");
        self.folder.join(format!("out/{name}@closing.example-{time}.zip"))
    }

    /// `pappus import` of the account's first archive.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub fn import(&self) -> Result<Command, CrowdError> {
        self.import_of(NAME, &self.archive)
    }

    /// `pappus import` of an archive under a name.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub fn import_of(&self, name: &str, archive: &Path) -> Result<Command, CrowdError> {
        let key = archive_key(&self.pappus, archive)?;
        let mut import = self.command(&["import", "--as", name, "--offline", "--trust-pod", &key]);
        import.args(HOLD).arg(archive);
        Ok(import)
    }

    /// From now on others can look the new account up.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn publish(&self) -> Result<(), CrowdError> {
        let query = format!("resource=acct:{}", self.new_id());
        let broken = |error: &dyn std::fmt::Display| CrowdError::Pappus(error.to_string());
        let (_, finger) =
            self.home.get("/.well-known/webfinger", &query).await.map_err(|error| broken(&error))?;
        let finger: serde_json::Value = serde_json::from_str(&finger).unwrap_or_default();
        let link = finger["links"][0]["href"].as_str().unwrap_or_default().to_owned();
        let path = link.strip_prefix(self.url.trim_end_matches('/')).unwrap_or_default().to_owned();
        let (_, card) = self.home.get(&path, "").await.map_err(|error| broken(&error))?;
        let card =
            pappus_engine::federation::HCard::parse(card.as_bytes()).map_err(|error| broken(&error))?;
        let identity = Identity { guid: card.guid.to_string(), key: card.public_key };
        self.world.inner().identities.insert(self.new_id(), identity);
        Ok(())
    }

    /// The target pod's host, as in a diaspora* ID.
    pub fn host(&self) -> &str {
        self.url.split("://").nth(1).unwrap_or_default().trim_end_matches('/')
    }

    /// The account's new ID.
    pub fn new_id(&self) -> String {
        format!("{NAME}@{}", self.host())
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.pappus);
        command.args(arguments).arg("--json").env("PAPPUS_ALLOW_HOST", &self.allowed);
        command.arg("--state").arg(self.folder.join("state"));
        command
    }

    /// `pappus`, working for the target pod.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(arguments);
        command.args(["--pod-url", &self.url, "--database-url", &self.database]);
        command.arg("--uploads").arg(self.folder.join("there"));
        command
    }

    /// `pappus announce` with more arguments.
    pub fn announce(&self, more: &[&str]) -> Command {
        let mut command = self.announce_from(&self.archive);
        command.args(more);
        command
    }

    /// `pappus announce` with another archive of the account.
    pub fn announce_from(&self, archive: &Path) -> Command {
        let mut command = self.command(&["announce"]);
        if let Ok(key) = archive_key(&self.pappus, archive) {
            command.args(["--trust-pod", &key]);
        }
        command.arg(archive);
        command
    }

    /// Pappus's own database.
    pub fn store(&self) -> PathBuf {
        self.folder.join(format!("state/pods/{}/pappus.sqlite3", self.host().replace(':', "_")))
    }

    /// Friends who have the account as they had it before: sharing both ways, in the same aspect, and on Hubzilla with
    /// its later posts. And those who have not.
    pub fn kept(&self) -> (usize, Vec<String>) {
        let (mut kept, mut lost) = (0, Vec::new());
        let new = self.new_id();
        for (host, pod) in &self.world.inner().pods {
            for user in pod.users.values() {
                let relation = user.relations.get(&new);
                let is_kept = relation.is_some_and(|relation| match pod.software {
                    Software::Diaspora => {
                        relation.sharing && relation.receiving && relation.aspects.contains(ASPECT)
                    }
                    Software::Hubzilla => relation.permitted,
                });
                if is_kept {
                    kept += 1;
                } else {
                    lost.push(format!("{} on {host}: {relation:?}", user.id));
                }
            }
        }
        (kept, lost)
    }

    /// Contacts of the account on the target pod who share with it, and who are in its aspect.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn back(&self) -> Result<(i64, i64), CrowdError> {
        let pool = Pool::connect(&self.database).await?;
        let of_account = format!(
            "FROM contacts c JOIN users u ON u.id = c.user_id WHERE u.username = '{NAME}' AND c.person_id >= {FIRST} \
             AND c.receiving"
        );
        let back = pool.number(&format!("SELECT COUNT(*) {of_account} AND c.sharing")).await?;
        let sql = format!(
            "SELECT COUNT(*) {of_account} AND c.id IN (SELECT m.contact_id FROM aspect_memberships m \
             JOIN aspects a ON a.id = m.aspect_id WHERE a.name = 'Old friends')"
        );
        let in_aspect = pool.number(&sql).await?;
        pool.close().await;
        Ok((back, in_aspect))
    }
}

/// Nothing is announced before the test says so.
const HOLD: &[&str] = &["--hold"];

fn friend(pod: &FriendsPod, number: usize) -> String {
    format!("friend{number}@{}", pod.host)
}

fn friend_guid(pod: &FriendsPod, number: usize) -> String {
    match pod.software {
        Software::Diaspora => guid("person", &friend(pod, number)),
        // As Hubzilla's look: they end in the host without dots.
        Software::Hubzilla => {
            let host = pod.host.split(':').next().unwrap_or_default().replace('.', "");
            format!("{}{host}", guid("channel", &friend(pod, number)))
        }
    }
}

/// The friends as other pods know them.
async fn add_people(pool: &Pool, pods: &[FriendsPod]) -> Result<(), CrowdError> {
    let (mut places, mut people, mut profiles) = (Vec::new(), Vec::new(), Vec::new());
    for (place, pod) in pods.iter().enumerate() {
        let place = FIRST + place;
        let (host, port) = pod.host.split_once(':').unwrap_or((&pod.host, "-1"));
        // Test networks name the port, and have no TLS.
        let ssl = port == "-1";
        places
            .push(format!("({place}, '{host}', {port}, {}, {AT})", if ssl { "(1 = 1)" } else { "(1 = 0)" }));
        for number in 0..pod.friends {
            let id = FIRST + people.len();
            let (name, guid) = (friend(pod, number), friend_guid(pod, number));
            let key = PAIRS_2048[1].public;
            people.push(format!("({id}, '{guid}', '{name}', '{key}', {place}, {AT})"));
            profiles.push(format!("({id}, {id}, 'Friend', {AT})"));
        }
    }
    for (table, rows) in [
        ("pods (id, host, port, \"ssl\", created_at, updated_at)", places),
        ("people (id, guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at)", people),
        ("profiles (id, person_id, first_name, created_at, updated_at)", profiles),
    ] {
        for chunk in rows.chunks(500) {
            pool.execute(&format!("INSERT INTO {table} VALUES {}", chunk.join(", "))).await?;
        }
    }
    Ok(())
}
