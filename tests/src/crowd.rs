//! An account with many contacts on many pods, imported and ready to be announced.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::network::Network;
use crate::sample::{KeySize, PAIRS_2048, POD_URL, SampleError, build, guid};
use crate::schema::{Pool, SchemaError, create};

/// The account's name; it comes from the sample pod.
const NAME: &str = "ida";
/// Where it comes to.
const URL: &str = "https://haven.example/";
/// Rows in one statement.
const ROWS: usize = 500;

/// What can go wrong on the way there.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    /// A database refused.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The sample pod could not be made.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A file or a program.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// `pappus` refused.
    #[error("pappus did not do it: {0}")]
    Pappus(String),
}

/// The account, the pod it came to, and Pappus's store beside it.
#[derive(Debug)]
pub struct Crowd {
    /// Where everything is.
    pub folder: PathBuf,
    /// The database of the pod.
    pub database: String,
    archive: PathBuf,
    pappus: PathBuf,
    allowed: String,
}

impl Crowd {
    /// Makes the account in an empty folder and an empty database, with so many contacts on so many pods of the
    /// network. Everybody has the same key.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn gather(
        pappus: &Path,
        folder: &Path,
        database: &str,
        network: &Network,
        (contacts, pods): (usize, usize),
    ) -> Result<Self, CrowdError> {
        let archive = folder.join(format!("out/{NAME}@closing.example-20261122T100000Z.zip"));
        let (folder, database, pappus) = (folder.to_owned(), database.to_owned(), pappus.to_owned());
        let crowd = Self { folder, database, archive, pappus, allowed: network.allowed(pods) };
        let source = format!("sqlite:{}", crowd.folder.join("source.sqlite3").display());
        let uploads = crowd.folder.join("uploads");
        std::fs::create_dir_all(crowd.folder.join("there/images"))?;
        let pool = Pool::connect(&source).await?;
        build(&pool, &uploads, KeySize::Small).await?;
        pool.close().await;
        let mut export = crowd.program(&["export", NAME, "--created-at", "2026-11-22T10:00:00Z"]);
        export.arg("--out").arg(crowd.folder.join("out")).arg("--uploads").arg(uploads);
        export.args(["--pod-url", POD_URL, "--database-url", &source]);
        done(export)?;
        let pool = Pool::connect(&crowd.database).await?;
        create(&pool).await?;
        let pod_key = archive_key(&crowd.pappus, &crowd.archive)?;
        let mut import = crowd.command(&["import", "--as", NAME, "--offline", "--hold"]);
        import.args(["--trust-pod", &pod_key]);
        import.arg(&crowd.archive);
        done(import)?;
        add_contacts(&pool, network, contacts, pods).await?;
        pool.close().await;
        Ok(crowd)
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.pappus);
        command.args(arguments).arg("--json").env("PAPPUS_ALLOW_HOST", &self.allowed);
        command.arg("--state").arg(self.folder.join("state"));
        command
    }

    /// `pappus`, working for the pod.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(arguments);
        command.args(["--pod-url", URL, "--database-url", &self.database]);
        command.arg("--uploads").arg(self.folder.join("there"));
        command
    }

    /// `pappus announce`.
    pub fn announce(&self) -> Command {
        let mut command = self.command(&["announce"]);
        if let Ok(key) = archive_key(&self.pappus, &self.archive) {
            command.args(["--trust-pod", &key]);
        }
        command.arg(&self.archive);
        command
    }

    /// Pappus's own database.
    pub fn store(&self) -> PathBuf {
        self.folder.join("state/pods/haven.example/pappus.sqlite3")
    }
}

/// The key of the pod that an archive comes from.
pub(crate) fn archive_key(pappus: &Path, archive: &Path) -> Result<String, CrowdError> {
    let mut verify = Command::new(pappus);
    verify.args(["verify", "--json"]).arg(archive);
    let report: serde_json::Value = serde_json::from_slice(&done(verify)?).unwrap_or_default();
    let key = report["origin"]["pod"]["signed_by"].as_str();
    let host = report["account"].as_str().and_then(|account| account.split_once('@'));
    let pin = key.zip(host).map(|(key, (_, host))| format!("{host}={key}"));
    pin.ok_or_else(|| CrowdError::Pappus("the archive is not signed".to_owned()))
}

/// What a program printed, when it ended well.
pub(crate) fn done(mut command: Command) -> Result<Vec<u8>, CrowdError> {
    let output = command.output()?;
    match output.status.code() {
        Some(0 | 10) => Ok(output.stdout),
        _ => Err(CrowdError::Pappus(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// The account's own contacts make room for as many as it takes.
async fn add_contacts(
    pool: &Pool,
    network: &Network,
    contacts: usize,
    pods: usize,
) -> Result<(), CrowdError> {
    const AT: &str = "'2026-01-01 00:00:00', '2026-01-01 00:00:00'";
    let user =
        pool.number(&format!("SELECT CAST(id AS bigint) FROM users WHERE username = '{NAME}'")).await?;
    pool.execute("DELETE FROM aspect_memberships; DELETE FROM contacts").await?;
    let key = PAIRS_2048[0].public;
    let (mut places, mut people, mut profiles, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for pod in 0..pods {
        let (host, port) = network.address(pod);
        places.push(format!("({}, '{host}', {port}, (1 = 0), {AT})", 100_000 + pod));
    }
    for person in 0..contacts {
        let (id, pod) = (100_000 + person, person % pods);
        let (host, port) = network.address(pod);
        let name = guid("person", &format!("contact {person}"));
        people.push(format!(
            "({id}, '{name}', 'contact{person}@{host}:{port}', '{key}', {}, {AT})",
            100_000 + pod
        ));
        profiles.push(format!("({id}, {id}, 'Contact {person}', {AT})"));
        rows.push(format!("({id}, {user}, {id}, (1 = 1), (1 = 0), {AT})"));
    }
    for (table, rows) in [
        ("pods (id, host, port, \"ssl\", created_at, updated_at)", places),
        ("people (id, guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at)", people),
        ("profiles (id, person_id, first_name, created_at, updated_at)", profiles),
        ("contacts (id, user_id, person_id, receiving, sharing, created_at, updated_at)", rows),
    ] {
        for chunk in rows.chunks(ROWS) {
            pool.execute(&format!("INSERT INTO {table} VALUES {}", chunk.join(", "))).await?;
        }
    }
    Ok(())
}
