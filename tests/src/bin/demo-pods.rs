//! The other two pods of the demo.
//!
//! `demo-pods target DIR`: a pod on SQLite with its podmin only. `demo-pods listen DATABASE …`: stands in for the pod where most
//! contacts of whoever comes to the target live; it opens what it is sent as diaspora* would, and says what it heard.
//! `demo-pods ports N`, `demo-pods alive URL`: for the pages of the other two.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use clap::{Parser, Subcommand};
use pappus_engine::domain::{PrivateKey, PublicKey};
use pappus_engine::federation::{MagicEnvelope, ReceivedEntity};
use pappus_tests::sample::{PASSWORD, PEPPER};
use pappus_tests::schema::{Pool, create};
use sqlx::sqlite::SqlitePool;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a pod with nobody on it but its podmin, whose name and password go into a file
    Target { directory: PathBuf },
    /// Listens on a free port of 127.0.0.1, writes it to a file, and makes the most frequent other pod in the
    /// target's database live there as soon as somebody's account is complete
    Listen {
        /// The target's database
        database: String,
        /// Where the port goes, once it listens
        #[arg(long)]
        port_file: PathBuf,
    },
    /// Prints so many free ports of 127.0.0.1, a line each
    Ports { number: usize },
    /// Whether a web service says that it is well
    Alive {
        /// As http://127.0.0.1:PORT/
        address: String,
    },
}

/// The username of the target's podmin.
const PODMIN: &str = "hanna";

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn target(directory: &Path) -> Result<(), Failed> {
    std::fs::create_dir_all(directory.join("uploads/images"))?;
    let database = std::path::absolute(directory.join("db.sqlite3"))?;
    let pool = Pool::connect(&format!("sqlite:{}", database.display())).await?;
    create(&pool).await?;
    let added = add_podmin(&pool).await;
    pool.close().await;
    added?;
    std::fs::write(directory.join("podmin"), format!("{PODMIN}, password {PASSWORD}\n"))?;
    Ok(())
}

/// Adds the podmin of the target: a user with a person, a profile and the role that the board asks for.
async fn add_podmin(pool: &Pool) -> Result<(), Failed> {
    let private = include_str!("../../fixtures/keys/4096-1.private.pem");
    let public = PrivateKey::from_pem(private.to_owned()).signing_key()?.public_key()?;
    let (public, password) = (public.as_pem(), bcrypt::hash(format!("{PASSWORD}{PEPPER}"), 4)?);
    let (at, id) = ("datetime('now'), datetime('now')", format!("{PODMIN}@haven.example"));
    for sql in [
        format!(
            "INSERT INTO users (id, username, email, serialized_private_key, encrypted_password, getting_started, \
             language, created_at, updated_at) VALUES (1, '{PODMIN}', '{PODMIN}@mail.example', '{private}', \
             '{password}', 0, 'en', {at})"
        ),
        format!(
            "INSERT INTO people (id, guid, diaspora_handle, serialized_public_key, owner_id, created_at, updated_at) \
             VALUES (1, '0123456789abcdef0123456789abcdef', '{id}', '{public}', 1, {at})"
        ),
        format!(
            "INSERT INTO profiles (person_id, first_name, full_name, created_at, updated_at) \
             VALUES (1, '{PODMIN}', '{PODMIN}', {at})"
        ),
        format!("INSERT INTO roles (person_id, name, created_at, updated_at) VALUES (1, 'admin', {at})"),
    ] {
        pool.execute(&sql).await?;
    }
    Ok(())
}

async fn listen(database: &str, port_file: &Path) -> Result<(), Failed> {
    let pool = SqlitePool::connect(database).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    // An account gets its key last, and is announced next: in between the pod has to move to this machine.
    let trigger = format!(
        "CREATE TRIGGER the_pod_of_the_demo AFTER UPDATE OF serialized_private_key ON users BEGIN \
         UPDATE pods SET host = '127.0.0.1', ssl = 0, port = {port} WHERE id = (SELECT pod_id FROM people \
         WHERE pod_id IS NOT NULL GROUP BY pod_id ORDER BY COUNT(*) DESC, pod_id LIMIT 1); END"
    );
    sqlx::query(sqlx::AssertSqlSafe(trigger)).execute(&pool).await?;
    let service = axum::Router::new().fallback(receive).with_state(Arc::new(pool));
    std::fs::write(port_file, port.to_string())?;
    axum::serve(listener, service).await?;
    Ok(())
}

fn ports(number: usize) -> Result<(), Failed> {
    let free: Vec<TcpListener> =
        (0..number).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    for listener in free {
        println!("{}", listener.local_addr()?.port());
    }
    Ok(())
}

fn alive(address: &str) -> Result<(), Failed> {
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    let mut link = TcpStream::connect(host)?;
    link.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(link, "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    link.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(answer.into()) }
}

async fn receive(State(pool): State<Arc<SqlitePool>>, uri: Uri, body: Bytes) -> StatusCode {
    if uri.path() == "/receive/public" {
        match open(&pool, &body).await {
            Ok(heard) => {
                println!("{heard}");
                tokio::spawn(friends_come_back(Arc::clone(&pool)));
            }
            Err(error) => {
                println!("something that cannot be believed: {error}");
                return StatusCode::UNPROCESSABLE_ENTITY;
            }
        }
    } else if !uri.path().starts_with("/receive/") {
        // It does not say what it runs.
        return StatusCode::NOT_FOUND;
    } else {
        println!("a sealed message for one person ({})", uri.path());
    }
    StatusCode::ACCEPTED
}

/// As when the Contacts of everybody here arrive at the target pod, once the move has been processed.
async fn friends_come_back(pool: Arc<SqlitePool>) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let sql = "UPDATE contacts SET sharing = (1 = 1), updated_at = datetime('now', '+1 second') \
               WHERE receiving AND NOT sharing AND person_id IN (SELECT p.id FROM people p \
               JOIN pods d ON d.id = p.pod_id WHERE d.host = '127.0.0.1')";
    if let Err(error) = sqlx::query(sql).execute(&*pool).await {
        eprintln!("demo-pods: {error}");
    }
}

/// A real pod looks the keys up at the senders' pods; this one finds them where both accounts are known.
async fn key(pool: &SqlitePool, person: &str) -> Result<PublicKey, Failed> {
    let sql = "SELECT serialized_public_key FROM people WHERE diaspora_handle = ?";
    let pem: String = sqlx::query_scalar(sql).bind(person).fetch_one(pool).await?;
    Ok(PublicKey::from_pem(&pem)?)
}

async fn open(pool: &SqlitePool, body: &[u8]) -> Result<String, Failed> {
    let envelope = MagicEnvelope::parse(body)?;
    let sender = key(pool, envelope.sender().as_str()).await?.verifying_key()?;
    match envelope.verify(&sender)?.entity()? {
        ReceivedEntity::AccountMigration(migration) => {
            let signer = key(pool, migration.signer().as_str()).await?.verifying_key()?;
            if !migration.verify(&signer) {
                return Err("the new account did not sign the move".into());
            }
            let (old, new) = (&migration.author, migration.new_identity());
            Ok(format!("{old} has moved to {new}; the old and the new account have both signed it"))
        }
        other => Err(format!("unexpected: {other:?}").into()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Target { directory } => target(&directory).await,
        Command::Listen { database, port_file } => listen(&database, &port_file).await,
        Command::Ports { number } => ports(number),
        // It is asked again and again until it is so.
        Command::Alive { address } => return ExitCode::from(u8::from(alive(&address).is_err())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-pods: {error}");
            ExitCode::FAILURE
        }
    }
}
