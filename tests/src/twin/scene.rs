//! Somebody with friends on many pods moves: the closing pod, the archive, the target pod, and the pods of the friends.

use std::path::{Path, PathBuf};
use std::process::Command;

use pappus_engine::domain::{PrivateKey, PublicKey};
use pappus_engine::sql::DatabaseUrl;

use super::home::Home;
use super::pod::{Pod, Relation, Software, User};
use super::world::World;
use crate::crowd::{CrowdError, archive_key, done};
use crate::sample::{KeySize, PAIRS_2048, POD_HOST, POD_URL, build, guid};
use crate::schema::{Pool, create};

/// The account's name on both pods; it comes from the sample pod.
pub const NAME: &str = "ida";
/// Its old ID, if nothing else is said.
pub const OLD: &str = "ida@closing.example";
/// The aspect in which friends have the account.
pub const ASPECT: &str = "Friends";
/// When archives are exported, one after the other.
pub const TIMES: [&str; 4] =
    ["2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"];
/// Numbers of the rows that are added.
pub(super) const FIRST: usize = 200_000;
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
    pappus: PathBuf,
    allowed: String,
    /// The old pod's host, as in a diaspora* ID.
    pub(super) old_host: String,
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
        Self::prepare_from(POD_HOST, pappus, folder, (database, url), pods).await
    }

    /// The same with an old pod at another address; `target` is the target pod's database, and its address.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn prepare_from(
        old_host: &str,
        pappus: &Path,
        folder: &Path,
        (database, url): (&str, &str),
        pods: &[FriendsPod],
    ) -> Result<Self, CrowdError> {
        let target = DatabaseUrl::parse(database).map_err(|error| CrowdError::Pappus(error.to_string()))?;
        // An old pod with a name is found nowhere.
        let old_pod = old_host.contains(':').then_some(old_host);
        let hosts: Vec<&str> = pods.iter().map(|pod| pod.host.as_str()).chain(old_pod).collect();
        let scene = Self {
            folder: folder.to_owned(),
            database: database.to_owned(),
            url: url.to_owned(),
            world: World::default(),
            home: Home::new(target, url),
            pappus: pappus.to_owned(),
            allowed: hosts.join(","),
            old_host: old_host.to_owned(),
        };
        std::fs::create_dir_all(folder.join("there/images"))?;
        scene.populate(pods);
        scene.build_source(pods).await?;
        done(scene.export(NAME, TIMES[0]))?;
        let pool = Pool::connect(&scene.database).await?;
        create(&pool).await?;
        add_people(&pool, pods).await?;
        if let Some((host, port)) = old_host.split_once(':') {
            // A test network has no TLS.
            let number = FIRST + pods.len();
            let columns = "id, host, port, \"ssl\", created_at, updated_at";
            let sql =
                format!("INSERT INTO pods ({columns}) VALUES ({number}, '{host}', {port}, (1 = 0), {AT})");
            pool.execute(&sql).await?;
        }
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
                twin.known.insert(self.old_id(), key.clone());
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
                    relations: [(self.old_id(), relation)].into(),
                    stream: Vec::new(),
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
                "UPDATE people SET diaspora_handle = REPLACE(diaspora_handle, '@{POD_HOST}', '@{}')",
                self.old_host
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
        let elsewhere = format!("http://{}/", self.old_host);
        let url: &str = if self.old_host == POD_HOST { POD_URL } else { &elsewhere };
        export.args(["--pod-url", url, "--database-url", &self.source()]);
        export
    }

    /// The archive of somebody, as it was exported then.
    pub fn archive_of(&self, name: &str, time: &str) -> PathBuf {
        let time = time.replace(['-', ':'], "");
        let host = self.old_host.replace(':', "_");
        self.folder.join(format!("out/{name}@{host}-{time}.zip"))
    }

    /// `pappus import` of the account's first archive.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub fn import(&self) -> Result<Command, CrowdError> {
        self.import_of(NAME, &self.archive())
    }

    /// `pappus import` of an archive under a name.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub fn import_of(&self, name: &str, archive: &Path) -> Result<Command, CrowdError> {
        let key = archive_key(&self.pappus, archive)?;
        // Nothing is announced before the test says so.
        let mut import = self.command(&["import", "--as", name, "--offline", "--hold", "--trust-pod", &key]);
        import.arg(archive);
        Ok(import)
    }

    /// `pappus import` of the account's first archive, which announces the move and delivers by itself.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub fn move_here(&self) -> Result<Command, CrowdError> {
        let key = self.trusted()?;
        let mut import = self.command(&["import", "--as", NAME, "--settle", "1", "--trust-pod", &key]);
        import.arg(self.archive());
        Ok(import)
    }

    /// The account's first archive.
    pub fn archive(&self) -> PathBuf {
        self.archive_of(NAME, TIMES[0])
    }

    /// The key of the archives' pod, as `--trust-pod` and `trusted_pods` take it.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub fn trusted(&self) -> Result<String, CrowdError> {
        archive_key(&self.pappus, &self.archive())
    }

    /// From now on others can look the accounts of the target pod up.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn publish(&self) -> Result<(), CrowdError> {
        let identities = self.home.identities().await;
        let identities = identities.map_err(|error| CrowdError::Pappus(error.to_string()))?;
        self.world.inner().identities.extend(identities);
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

    /// The account's old ID.
    pub fn old_id(&self) -> String {
        format!("{NAME}@{}", self.old_host)
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
        let mut command = self.announce_from(&self.archive());
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
}

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
