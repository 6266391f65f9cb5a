//! Throwaway servers are thrown away.

use std::path::Path;

use pappus_tests::cluster::{ClusterError, MariaDbCluster, PostgresCluster};
use pappus_tests::schema::Pool;

#[tokio::test]
async fn postgresql_leaves_nothing_behind() {
    let cluster = PostgresCluster::start().await.unwrap();
    let folder = cluster.socket_folder().to_owned();
    cluster.create_database("original").await.unwrap();
    let copy = cluster.copy_database("original", "copy").await.unwrap();
    let pool = Pool::connect(&copy).await.unwrap();
    assert_eq!(pool.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await.unwrap(), 0);
    pool.close().await;
    assert!(matches!(cluster.create_database("a; DROP").await, Err(ClusterError::Name(_))));
    drop(cluster);
    assert!(!folder.exists());
}

#[tokio::test]
async fn mariadb_leaves_nothing_behind() {
    let cluster = MariaDbCluster::start().await.unwrap();
    let folder = cluster.socket().parent().map(Path::to_owned).unwrap();
    assert!(folder.exists());
    drop(cluster);
    assert!(!folder.exists());
}
