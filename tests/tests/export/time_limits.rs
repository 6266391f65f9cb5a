//! Time limits of a PostgreSQL role or database, which are for web requests, do not end an export.

use std::time::Duration;

use crate::support::Pod;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::sql::DatabaseUrl;
use pappus_tests::cluster::shared_postgres;

#[tokio::test]
async fn limits_for_statements_and_idle_transactions_are_lifted() {
    let url = shared_postgres().await.unwrap().create_database("time_limits").await.unwrap();
    let pod = Pod::on(tempfile::tempdir().unwrap(), url).await;
    for setting in ["statement_timeout", "idle_in_transaction_session_timeout"] {
        let sql = format!("ALTER DATABASE time_limits SET {setting} = '1s'");
        pod.pool.execute(&sql).await.unwrap();
    }
    let database = DatabaseUrl::parse(&pod.database).unwrap();
    let mut snapshot = Snapshot::open(&database).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let sql = "SELECT COUNT(*) AS amount FROM pg_sleep(1.5)".to_owned();
    let row = snapshot.first("a pause", sql, &[]).await.unwrap().unwrap();
    assert_eq!(row.integer("amount"), Some(1));
}
