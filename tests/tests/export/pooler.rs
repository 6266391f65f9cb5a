//! A pod whose database is reached through PgBouncer, which shares connections between transactions.

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, json};
use pappus_tests::cluster::{PgBouncer, shared_postgres};
use pappus_tests::program::pappus;

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_behind_pgbouncer_is_checked_exported_and_taken_into() {
    let cluster = shared_postgres().await.unwrap();
    let bouncer = PgBouncer::before(cluster).await.unwrap();
    let direct = cluster.create_database("behind_pgbouncer").await.unwrap();
    let mut source = Pod::on(tempfile::tempdir().unwrap(), direct).await;
    source.export(&["ida"], "direct", &[]);
    source.database = bouncer.url("behind_pgbouncer");
    let mut command = vec!["check".to_owned()];
    command.extend(source.arguments());
    let checked = pappus(&command).unwrap();
    assert!(matches!(checked.code, Some(0 | 10)), "{checked:?}");
    source.export(&["ida"], "pooled", &[]);
    let (direct, pooled) = (source.archive("direct", "ida"), source.archive("pooled", "ida"));
    assert_eq!(json(&direct, "diaspora.json"), json(&pooled, "diaspora.json"));

    let own = cluster.create_database("into_pgbouncer").await.unwrap();
    let mut target = Target::on(tempfile::tempdir().unwrap(), own).await;
    target.database = bouncer.url("into_pgbouncer");
    let done = target.import(&pooled, "ida", &["--trust-pod", &fingerprint(&pooled)]);
    let posts = target.pool.number("SELECT COUNT(*) FROM posts").await.unwrap();
    assert!(posts > 10, "{done}");
    let undone = target.run(&["undo", done["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert_eq!(target.pool.number("SELECT COUNT(*) FROM posts").await.unwrap(), 0);
}
