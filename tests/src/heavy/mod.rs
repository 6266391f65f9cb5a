//! Large pods for measuring, made by PostgreSQL itself: `INSERT … SELECT generate_series`.
//!
//! The statements stand in `*.sql` beside this file. Counts, texts and guids are the same on
//! every run. Signatures come in two kinds: real ones, made here with the fixture keys, and ones
//! that only have the right shape, which cost nothing and suffice where nobody verifies.

mod document;
mod signatures;

pub use document::{SignedRelayables, signed_document};
pub use signatures::store_missing_signatures;

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, PgPool};

use crate::sample::{KeyPair, PAIRS_2048, PAIRS_4096, SampleError, usual_password};
use crate::schema::{Pool, SchemaError, Table, create_indexes, create_tables, tables};

/// Words for posts and comments; some outside ASCII, and some that JSON and XML escape.
const WORDS: &str = include_str!("words.txt");
/// Pair 0 is alice's alone; in a whole pod the last one is nobody's.
const CONTACT_KEYS: usize = PAIRS_2048.len() - 1;

/// Whether signatures verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// They verify under the author's key; some thousands per second and core.
    Real,
    /// Base64 of the right length.
    Shaped(KeyBits),
}

/// The measures of a heavy account.
#[derive(Clone, Copy, Debug)]
pub struct HeavyAccount {
    /// Her posts.
    pub posts: usize,
    /// Her own relayables and those of others on her posts, about one to two.
    pub relayables: usize,
    /// Her contacts.
    pub contacts: usize,
    /// How many pods they live on.
    pub pods: usize,
    /// Her photos.
    pub photos: usize,
    /// The size of each photo's file.
    pub photo_bytes: usize,
    /// The signatures of others.
    pub signatures: Signatures,
}

impl Default for HeavyAccount {
    /// The account diaspora* 0.9.1 needs 110 s for.
    fn default() -> Self {
        Self {
            posts: 3_049,
            relayables: 8_200,
            contacts: 306,
            pods: 3,
            photos: 36,
            photo_bytes: 100_000,
            signatures: Signatures::Shaped(KeyBits::Small),
        }
    }
}

/// What can go wrong while a large pod is made.
#[derive(Debug, thiserror::Error)]
pub enum HeavyError {
    /// PostgreSQL refused a statement.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// PostgreSQL refused rows.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// Signing or hashing failed.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A thread that signs was lost.
    #[error("a thread that signs was lost: {0}")]
    Thread(#[from] tokio::task::JoinError),
    /// A photo could not be written.
    #[error("could not write {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Measures that make no pod.
    #[error("a heavy account needs at least one post, one contact and one pod")]
    TooSmall,
}

/// Makes tables and one heavy account, `alice` with `users.id` 1, in an empty database; with
/// `uploads`, the originals of her photos too.
///
/// # Errors
/// When the database is not empty or a file cannot be written.
pub async fn heavy_account(
    pool: &PgPool,
    uploads: Option<&Path>,
    size: &HeavyAccount,
) -> Result<(), HeavyError> {
    if size.posts == 0 || size.contacts == 0 || size.pods == 0 {
        return Err(HeavyError::TooSmall);
    }
    // As in the account that was measured: a third her own; of the rest 60 % comments, 31 % likes.
    let own = size.relayables * 32 / 100;
    let others = size.relayables - own;
    let (own_likes, comments, likes) = (own / 3, others * 60 / 100, others * 31 / 100);
    let values = [
        ("posts", size.posts),
        ("contacts", size.contacts),
        ("pods", size.pods),
        ("photos", size.photos),
        ("keys", CONTACT_KEYS),
        ("comments", comments),
        ("likes", likes),
        ("votes", others - comments - likes),
        ("own_comments", own - own_likes),
        ("own_likes", own_likes),
        // As many as she likes, because nobody likes a post twice.
        ("others_posts", own_likes.max(200)),
    ];
    generate(pool, include_str!("account.sql"), &values, &PAIRS_2048).await?;
    signatures::add(pool, size.signatures, |person| 1 + person % CONTACT_KEYS).await?;
    Pool::Postgres(pool.clone()).execute(include_str!("count.sql")).await?;
    finish(pool).await?;
    let Some(uploads) = uploads else { return Ok(()) };
    let names: Vec<String> =
        sqlx::query_scalar("SELECT remote_photo_name FROM photos ORDER BY id").fetch_all(pool).await?;
    write_photos(uploads, &names, size.photo_bytes)
}

/// The measures of a whole pod.
#[derive(Debug, Clone, Copy)]
pub struct WholePod {
    /// Its accounts, `user1` and so on.
    pub accounts: usize,
    /// Posts, and what hangs on them, in hundredths of what such a pod usually has; every account that posts keeps
    /// one.
    pub posts: usize,
    /// Everybody's keys.
    pub keys: KeyBits,
}

/// Bits of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyBits {
    /// 2048: quick to sign with.
    Small,
    /// 4096, as diaspora* makes them.
    Usual,
}

impl KeyBits {
    fn pairs(self) -> &'static [KeyPair] {
        match self {
            Self::Small => PAIRS_2048.get(..CONTACT_KEYS).unwrap_or_default(),
            Self::Usual => &PAIRS_4096,
        }
    }
}

/// Makes tables and a pod of many accounts in an empty database. Half of them never posted, most of the rest posted
/// little, few posted a lot. A quarter of the comments and likes is by people of the pod itself, for whom diaspora*
/// stores no signature; those of all others are shaped.
///
/// # Errors
/// When the database is not empty.
pub async fn whole_pod(pool: &PgPool, size: &WholePod) -> Result<(), HeavyError> {
    let strangers = (size.accounts / 4).clamp(50, 20_000);
    let pairs = size.keys.pairs();
    let values = [
        ("accounts", size.accounts.max(1)),
        ("strangers", strangers),
        ("hundredths", size.posts),
        ("keys", pairs.len()),
    ];
    generate(pool, include_str!("whole_pod.sql"), &values, pairs).await?;
    signatures::add(pool, Signatures::Shaped(size.keys), |_| 0).await?;
    finish(pool).await
}

async fn generate(
    pool: &PgPool,
    script: &str,
    values: &[(&str, usize)],
    pairs: &[KeyPair],
) -> Result<(), HeavyError> {
    let target = Pool::Postgres(pool.clone());
    create_tables(&target).await?;
    let mut script = script.replace("{password}", &usual_password("alice")?);
    for (name, value) in values {
        script = script.replace(&format!("{{{name}}}"), &value.to_string());
    }
    // One connection, because temporary tables belong to it. Foreign keys hold by construction;
    // checking them row by row would double the time.
    let mut connection = pool.acquire().await?;
    let prepare = "BEGIN; SET LOCAL session_replication_role = replica; \
                   CREATE TEMPORARY TABLE pairs (number int, private text, public text) ON COMMIT DROP; \
                   CREATE TEMPORARY TABLE words (words text) ON COMMIT DROP; \
                   INSERT INTO signature_orders (id, \"order\") VALUES \
                   (1, 'author guid parent_guid text created_at'), \
                   (2, 'author guid parent_guid parent_type positive'), \
                   (3, 'author guid parent_guid poll_answer_guid')";
    sqlx::raw_sql(prepare).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO words VALUES ($1)").bind(WORDS).execute(&mut *connection).await?;
    for (number, pair) in (0_i32..).zip(pairs) {
        sqlx::query("INSERT INTO pairs VALUES ($1, $2, $3)")
            .bind(number)
            .bind(pair.private)
            .bind(pair.public)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *connection).await?;
    sqlx::raw_sql("COMMIT").execute(&mut *connection).await?;
    Ok(())
}

async fn finish(pool: &PgPool) -> Result<(), HeavyError> {
    let target = Pool::Postgres(pool.clone());
    create_indexes(&target).await?;
    for table in tables().filter(|table| Table::has_id(table)) {
        let name = table.name;
        target
            .execute(&format!(
                "SELECT setval('{name}_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM \"{name}\"), false)"
            ))
            .await?;
    }
    target.execute("VACUUM ANALYZE").await?;
    Ok(())
}

/// Files that do not compress, as photos do not; a JPEG's first bytes, and noise.
fn write_photos(uploads: &Path, names: &[String], size: usize) -> Result<(), HeavyError> {
    let folder = uploads.join("images");
    let failed = |path: &Path, source| HeavyError::File { path: path.display().to_string(), source };
    fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for name in names {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
        while bytes.len() < size {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        bytes.truncate(size);
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|source| failed(&path, source))?;
    }
    Ok(())
}
