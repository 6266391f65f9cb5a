//! Signatures for the relayables of people from elsewhere.

use sqlx::{AssertSqlSafe, PgPool};

use super::{HeavyError, KeyBits, Signatures};
use crate::sample::{PAIRS_2048, Signer};
use crate::schema::Pool;

/// Signatures table, its reference, number of the order, and the query for what is signed: id,
/// author, text. Only people from elsewhere (`pod_id`) on posts from here are signed for.
struct Kind<'a> {
    table: &'static str,
    column: &'static str,
    order: i32,
    query: &'a str,
}

const KINDS: [Kind<'static>; 3] = [
    Kind {
        table: "comment_signatures",
        column: "comment_id",
        order: 1,
        query: "SELECT c.id, c.author_id, concat_ws(';', a.diaspora_handle, c.guid, p.guid, c.text, \
                to_char(c.created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) \
                FROM comments c JOIN people a ON a.id = c.author_id JOIN posts p ON p.id = c.commentable_id \
                JOIN people o ON o.id = p.author_id WHERE a.pod_id IS NOT NULL AND o.pod_id IS NULL",
    },
    Kind {
        table: "like_signatures",
        column: "like_id",
        order: 2,
        query: "SELECT l.id, l.author_id, concat_ws(';', a.diaspora_handle, l.guid, p.guid, 'Post', 'true') \
                FROM likes l JOIN people a ON a.id = l.author_id JOIN posts p ON p.id = l.target_id \
                JOIN people o ON o.id = p.author_id WHERE a.pod_id IS NOT NULL AND o.pod_id IS NULL",
    },
    Kind {
        table: "poll_participation_signatures",
        column: "poll_participation_id",
        order: 3,
        query: "SELECT v.id, v.author_id, concat_ws(';', a.diaspora_handle, v.guid, q.guid, w.guid) \
                FROM poll_participations v JOIN people a ON a.id = v.author_id \
                JOIN poll_answers w ON w.id = v.poll_answer_id JOIN polls q ON q.id = v.poll_id \
                WHERE a.pod_id IS NOT NULL",
    },
];

/// Fills the three tables of signatures; `key` says which key pair a person has.
pub(super) async fn add(pool: &PgPool, kind: Signatures, key: fn(usize) -> usize) -> Result<(), HeavyError> {
    for relayable in &KINDS {
        match kind {
            Signatures::Shaped(bits) => add_shaped(pool, relayable, bits).await?,
            Signatures::Real => add_real(pool, relayable, key).await?,
        }
    }
    Ok(())
}

/// Stores shaped signatures for the relayables that have none: those of the pod's own people.
///
/// # Errors
/// When the database refuses.
pub async fn store_missing_signatures(pool: &PgPool, bits: KeyBits) -> Result<(), HeavyError> {
    for kind in &KINDS {
        let query = kind.query.replace("a.pod_id IS NOT NULL", "a.pod_id IS NULL");
        add_shaped(pool, &Kind { query: &query, ..*kind }, bits).await?;
    }
    Ok(Pool::Postgres(pool.clone()).execute("VACUUM ANALYZE").await?)
}

async fn add_shaped(pool: &PgPool, kind: &Kind<'_>, bits: KeyBits) -> Result<(), HeavyError> {
    let Kind { table, column, order, query } = kind;
    // Sixteen bytes each time; encode() breaks lines, Rails does not.
    let times = if bits == KeyBits::Small { 16 } else { 32 };
    let statement = format!(
        "INSERT INTO {table} ({column}, author_signature, signature_order_id) \
         SELECT id, replace(encode(decode(repeat(md5(id::text), {times}), 'hex'), 'base64'), E'\\n', ''), {order} \
         FROM ({query}) signed"
    );
    Ok(Pool::Postgres(pool.clone()).execute(&statement).await?)
}

async fn add_real(pool: &PgPool, kind: &Kind<'static>, key: fn(usize) -> usize) -> Result<(), HeavyError> {
    let rows: Vec<(i32, i32, String)> = sqlx::query_as(kind.query).fetch_all(pool).await?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let part = rows.len().div_ceil(cores).max(1);
    let mut work = Vec::new();
    for chunk in rows.chunks(part) {
        let chunk = chunk.to_vec();
        work.push(tokio::task::spawn_blocking(move || sign_all(&chunk, key)));
    }
    let statement = format!(
        "INSERT INTO {} ({}, author_signature, signature_order_id) \
         SELECT id, signature, {} FROM unnest($1::int[], $2::text[]) AS made(id, signature)",
        kind.table, kind.column, kind.order
    );
    for part in work {
        let (ids, made) = part.await??;
        sqlx::query(AssertSqlSafe(statement.clone())).bind(ids).bind(made).execute(pool).await?;
    }
    Ok(())
}

/// Ids and their signatures.
type Made = (Vec<i32>, Vec<String>);

fn sign_all(rows: &[(i32, i32, String)], key: fn(usize) -> usize) -> Result<Made, HeavyError> {
    let signers: Result<Vec<Signer>, _> = PAIRS_2048.iter().map(|pair| Signer::new(pair.private)).collect();
    let signers = signers?;
    let mut made = Made::default();
    for (id, author, text) in rows {
        let number = key(usize::try_from(*author).unwrap_or_default());
        // `key` stays below the number of pairs, so nobody is left out.
        if let Some(signer) = signers.get(number) {
            made.0.push(*id);
            made.1.push(signer.sign(text)?);
        }
    }
    Ok(made)
}
