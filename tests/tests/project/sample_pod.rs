//! The sample pod is the same on all three databases, and what it holds is true.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::sample::{
    Damage, KeySize, SampleError, SamplePod, build, damage, guid, write_pod_directory,
};
use pappus_tests::schema::{Dialect, Kind, Pool, Table, find, quote, tables};
use sqlx::{AssertSqlSafe, Row};

/// A row as text, with the same spelling on every database.
type Line = Vec<Option<String>>;

fn expression(dialect: Dialect, name: &str, kind: Kind) -> String {
    let name = quote(dialect, name);
    match (dialect, kind) {
        (Dialect::Postgres, Kind::Flag) => format!("CAST(CAST({name} AS integer) AS text)"),
        (Dialect::Postgres, Kind::Time | Kind::FineTime) => {
            format!("to_char({name}, 'YYYY-MM-DD HH24:MI:SS')")
        }
        (Dialect::MySql, Kind::Time | Kind::FineTime) => format!("DATE_FORMAT({name}, '%Y-%m-%d %H:%i:%s')"),
        (Dialect::Sqlite, Kind::Time | Kind::FineTime) => format!("substr({name}, 1, 19)"),
        (Dialect::MySql, _) => format!("CAST({name} AS CHAR)"),
        _ => format!("CAST({name} AS text)"),
    }
}

async fn lines(pool: &Pool, table: &Table) -> Vec<Line> {
    let dialect = pool.dialect();
    let columns: Vec<String> =
        table.columns.iter().map(|column| expression(dialect, column.name, column.kind)).collect();
    let first = quote(dialect, table.columns[0].name);
    let sql = format!("SELECT {} FROM {} ORDER BY {first}", columns.join(", "), quote(dialect, table.name));
    let width = columns.len();
    macro_rules! read {
        ($pool:expr) => {
            sqlx::query(AssertSqlSafe(sql))
                .fetch_all($pool)
                .await
                .unwrap()
                .iter()
                .map(|row| (0..width).map(|place| row.get(place)).collect())
                .collect()
        };
    }
    match pool {
        Pool::Postgres(pool) => read!(pool),
        Pool::MySql(pool) => read!(pool),
        Pool::Sqlite(pool) => read!(pool),
    }
}

async fn sqlite(folder: &Path) -> (Pool, SamplePod) {
    let pool = Pool::connect("sqlite::memory:").await.unwrap();
    let pod = build(&pool, folder, KeySize::Small).await.unwrap();
    (pool, pod)
}

/// The rows of a table as maps from column to value.
async fn records(pool: &Pool, name: &str) -> Vec<BTreeMap<&'static str, String>> {
    let table = find(name).unwrap();
    let rows = lines(pool, table).await;
    let names = || table.columns.iter().map(|column| column.name);
    rows.into_iter()
        .map(|row| names().zip(row).filter_map(|(name, value)| Some((name, value?))).collect())
        .collect()
}

#[tokio::test]
async fn all_databases_hold_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = shared_postgres().await.unwrap().create_database("sample").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("sample").await.unwrap();
    let (first, pod) = sqlite(folder.path()).await;
    for url in [postgres, mariadb] {
        let other = Pool::connect(&url).await.unwrap();
        let again = build(&other, folder.path(), KeySize::Small).await.unwrap();
        assert_eq!((again.rows, &again.photos), (pod.rows, &pod.photos));
        for table in tables() {
            let mut expected = lines(&first, table).await;
            let mut found = lines(&other, table).await;
            // Text sorts differently from database to database.
            expected.sort();
            found.sort();
            assert!(!expected.is_empty(), "{} is empty", table.name);
            assert_eq!(found, expected, "{} on {url}", table.name);
        }
        // The next row a pod would write must not collide.
        other.execute("INSERT INTO tags (name) VALUES ('one-more')").await.unwrap();
        other.close().await;
    }
}

#[tokio::test]
async fn pictures_are_where_the_rows_say() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, pod) = sqlite(folder.path()).await;
    let photos = records(&pool, "photos").await;
    let mut missing = Vec::new();
    for photo in photos.iter().filter(|photo| photo.contains_key("processed_image")) {
        let name = &photo["remote_photo_name"];
        let picture = image::ImageReader::open(folder.path().join("images").join(name));
        let Ok(picture) = picture else {
            missing.push(photo["guid"].clone());
            continue;
        };
        let (width, height) = picture.into_dimensions().unwrap();
        assert_eq!(
            (width.to_string(), height.to_string()),
            (photo["width"].clone(), photo["height"].clone())
        );
        for prefix in ["thumb_small_", "thumb_medium_", "thumb_large_", "scaled_full_"] {
            assert!(folder.path().join("images").join(format!("{prefix}{name}")).exists());
        }
    }
    assert_eq!(missing, [guid("photo", "lost")]);
    assert_eq!(pod.photos.len(), 11);
}

/// The GUIDs of what signed records refer to, by table and ID.
async fn guids(pool: &Pool) -> BTreeMap<(&'static str, String), String> {
    let mut guids = BTreeMap::new();
    for kind in ["posts", "comments", "polls", "poll_answers"] {
        for row in records(pool, kind).await {
            guids.insert((kind, row["id"].clone()), row["guid"].clone());
        }
    }
    guids
}

/// Counts signatures that verify under the key of the author, and under that of a former identity.
async fn verified(
    pool: &Pool,
    pod: &SamplePod,
    table: &str,
    signatures: &str,
    reference: &str,
) -> (usize, usize) {
    let orders: BTreeMap<String, String> = records(pool, "signature_orders")
        .await
        .into_iter()
        .map(|row| (row["id"].clone(), row["order"].clone()))
        .collect();
    let guids = guids(pool).await;
    let rows: BTreeMap<String, _> =
        records(pool, table).await.into_iter().map(|row| (row["id"].clone(), row)).collect();
    let (mut now, mut before) = (0, 0);
    for signature in records(pool, signatures).await {
        let row = &rows[&signature[reference]];
        let author =
            pod.people.iter().find(|person| person.person_id.to_string() == row["author_id"]).unwrap();
        let old = format!("{}@contacts.example", author.name.trim_end_matches("-new"));
        let candidates =
            pod.people.iter().filter(|person| person.name == author.name || person.diaspora_id == old);
        let found = candidates.filter(|person| {
            let property = |name: &str| -> String {
                let extra = signature.get("additional_data").map_or("", String::as_str);
                match name {
                    "author" => person.diaspora_id.clone(),
                    "parent_guid" if table == "comments" => {
                        guids[&("posts", row["commentable_id"].clone())].clone()
                    }
                    "parent_guid" if table == "likes" && row["target_type"] == "Comment" => {
                        guids[&("comments", row["target_id"].clone())].clone()
                    }
                    "parent_guid" if table == "likes" => guids[&("posts", row["target_id"].clone())].clone(),
                    "parent_guid" => guids[&("polls", row["poll_id"].clone())].clone(),
                    "poll_answer_guid" => guids[&("poll_answers", row["poll_answer_id"].clone())].clone(),
                    "parent_type" => row["target_type"].clone(),
                    "positive" => "true".to_owned(),
                    "created_at" => format!("{}Z", row["created_at"].replace(' ', "T")),
                    "edited_at" => "2026-11-22T02:35:30Z".to_owned(),
                    known if row.contains_key(known) => row[known].clone(),
                    unknown => {
                        let line = extra.lines().find_map(|line| line.strip_prefix(&format!("{unknown}: ")));
                        line.unwrap().trim_matches('\'').to_owned()
                    }
                }
            };
            let text: Vec<String> =
                orders[&signature["signature_order_id"]].split(' ').map(property).collect();
            let bytes = STANDARD.decode(&signature["author_signature"]).unwrap();
            let key = pem::parse(person.keys.public).unwrap();
            UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, key.contents())
                .verify(text.join(";").as_bytes(), &bytes)
                .is_ok()
        });
        match found.map(|person| person.name).next() {
            Some(name) if name == author.name => now += 1,
            Some(_) => before += 1,
            None => panic!("{signatures} of {}: {row:?}", author.name),
        }
    }
    (now, before)
}

#[tokio::test]
async fn signatures_verify_with_the_key_of_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, pod) = sqlite(folder.path()).await;
    for (table, signatures, reference, expected) in [
        ("comments", "comment_signatures", "comment_id", (13, 1)),
        ("likes", "like_signatures", "like_id", (8, 2)),
        ("poll_participations", "poll_participation_signatures", "poll_participation_id", (2, 1)),
    ] {
        assert_eq!(verified(&pool, &pod, table, signatures, reference).await, expected, "{table}");
    }
}

#[tokio::test]
async fn every_defect_can_be_made_where_it_can_exist() {
    let folder = tempfile::tempdir().unwrap();
    let server = shared_postgres().await.unwrap();
    let urls = [
        "sqlite::memory:".to_owned(),
        server.create_database("damaged").await.unwrap(),
        server.create_ascii_database("damaged_ascii").await.unwrap(),
        shared_mariadb().await.unwrap().create_database("damaged").await.unwrap(),
    ];
    for (url, expected) in urls.iter().zip([
        &[][..],
        &[Damage::NulInText, Damage::InvalidUtf8],
        &[Damage::NulInText],
        &[Damage::InvalidUtf8],
    ]) {
        let pool = Pool::connect(url).await.unwrap();
        build(&pool, folder.path(), KeySize::Small).await.unwrap();
        let mut impossible = Vec::new();
        for kind in Damage::ALL {
            match damage(&pool, kind).await {
                Ok(()) => {}
                Err(SampleError::Impossible { .. }) => impossible.push(kind),
                Err(error) => panic!("{kind:?} on {url}: {error}"),
            }
        }
        assert_eq!(impossible, expected, "{url}");
        pool.close().await;
    }
}

#[test]
fn a_pod_directory_has_what_a_podmin_has() {
    let folder = tempfile::tempdir().unwrap();
    write_pod_directory(folder.path(), "postgres://postgres@127.0.0.1:5432/pod").unwrap();
    for path in ["config/database.yml", "config/diaspora.toml", "public/uploads/images"] {
        assert!(folder.path().join(path).exists(), "{path}");
    }
}
