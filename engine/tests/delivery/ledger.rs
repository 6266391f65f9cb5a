//! What goes into the ledger, and what it says.

use pappus_engine::delivery::{Clock as _, Counts, DeliveryError, Ledger, Scope, System};

use super::pods::{JumpingClock, account, add_import, for_pod};
use super::store;

#[tokio::test]
async fn nothing_is_queued_twice_and_everything_is_counted() {
    let (_folder, _store, ledger) = store().await;
    let now = JumpingClock::new().now();
    let all = || (0..60).flat_map(|pod| for_pod("alice", &format!("https://pod{pod}.example:3000/"), 3));
    assert_eq!(ledger.enqueue(all(), now).await.unwrap(), 300);
    assert_eq!(ledger.enqueue(all(), now).await.unwrap(), 0);
    let counts = Counts { queued: 300, ..Counts::default() };
    assert_eq!(ledger.counts(Scope::All).await.unwrap(), counts);
    assert_eq!(ledger.counts(Scope::Account(&account("alice").parse().unwrap())).await.unwrap(), counts);
    assert_eq!(ledger.counts(Scope::Import("alice")).await.unwrap(), counts);
    assert_eq!(ledger.counts(Scope::Pod("pod7.example:3000")).await.unwrap().queued, 5);
    assert_eq!(ledger.counts(Scope::Pod("pod7.example")).await.unwrap(), Counts::default());
    assert!(!counts.is_finished() && Counts::default().is_finished());
    // The moves go first; the others wait for them.
    assert_eq!(ledger.due(Scope::All, now).await.unwrap(), 60);
    assert_eq!(ledger.next_due().await.unwrap(), Some(now));

    let first = ledger.pods(Scope::All, "", 59).await.unwrap();
    let last = ledger.pods(Scope::All, &first[58].pod, 59).await.unwrap();
    assert_eq!((first.len(), last.len(), last[0].counts.queued), (59, 1, 5));
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_queued() {
    let (_folder, _store, ledger) = store().await;
    let now = JumpingClock::new().now();
    let change = |change: fn(&mut pappus_engine::delivery::NewDelivery)| {
        let mut new = for_pod("alice", "https://pod.example/", 0).remove(0);
        change(&mut new);
        ledger.enqueue([new], now)
    };
    for wrong in [
        change(|new| new.url = "ftp://pod.example/".parse().unwrap()),
        change(|new| new.url = "data:text/plain,x".parse().unwrap()),
        change(|new| new.url = format!("https://pod.example/{}", "x".repeat(2000)).parse().unwrap()),
    ] {
        assert!(matches!(wrong.await, Err(DeliveryError::Url { .. })));
    }
    let large = change(|new| new.body = vec![b'x'; Ledger::MAX_BODY_BYTES + 1]).await.unwrap_err();
    assert!(large.to_string().contains("1048577 bytes, more than the 1048576"), "{large}");
    change(|new| new.body = vec![b'x'; Ledger::MAX_BODY_BYTES]).await.unwrap();
    // No such import.
    let mut orphan = for_pod("alice", "https://other.example/", 0).remove(0);
    orphan.import_id = "nobody".to_owned();
    assert!(matches!(ledger.enqueue([orphan], now).await, Err(DeliveryError::Store(_))));
}

#[tokio::test]
async fn what_a_pod_has_said_itself_stays() {
    let (_folder, store, ledger) = store().await;
    let hosts = ["said.example", "asked.example", "new.example"].map(str::to_owned);
    let sql = "INSERT INTO pappus_delivery_pods (pod, system) VALUES ('said.example', 'diaspora'), ('asked.example', NULL)";
    store.execute("adding pods", sql, &[]).await.unwrap();
    ledger.recognise(&hosts, System::Hubzilla).await.unwrap();
    ledger.recognise(&hosts, System::Friendica).await.unwrap();
    let sql = "SELECT pod, system FROM pappus_delivery_pods ORDER BY pod";
    let rows = store.rows("reading pods", sql, &[]).await.unwrap();
    let found: Vec<(String, String)> =
        rows.iter().map(|row| (row.get("pod").unwrap(), row.get("system").unwrap())).collect();
    let expected = [("asked", "hubzilla"), ("new", "hubzilla"), ("said", "diaspora")];
    assert_eq!(found, expected.map(|(pod, system)| (format!("{pod}.example"), system.to_owned())));
}

#[tokio::test]
async fn a_pod_has_confirmed_when_it_has_processed_all_moves() {
    let (_folder, store, ledger) = store().await;
    let now = JumpingClock::new().now();
    add_import(&store, "bob").await;
    for import in ["alice", "bob"] {
        ledger.enqueue(for_pod(import, "https://pod.example/", 1), now).await.unwrap();
    }
    let bob = account("bob").parse().unwrap();
    let confirmed = async |scope: Scope<'_>| {
        let pod = ledger.pods(scope, "", 1).await.unwrap().remove(0);
        pod.confirmed_at.map(|at| at.timestamp_millis())
    };
    let insert = "INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at, confirmed_at) VALUES";
    let sql = format!("{insert} ('alice', 'pod.example', 1, 1, 2)");
    store.execute("confirming", &sql, &[]).await.unwrap();
    // Bob's move may have been refused, or waits.
    assert_eq!(confirmed(Scope::All).await, None);
    assert_eq!(confirmed(Scope::Import("alice")).await, Some(2));
    assert_eq!(confirmed(Scope::Account(&bob)).await, None);
    let sql = format!("{insert} ('bob', 'pod.example', 1, 1, NULL)");
    store.execute("taking", &sql, &[]).await.unwrap();
    assert_eq!(confirmed(Scope::Pod("pod.example")).await, None);
    let sql = "UPDATE pappus_move_pods SET confirmed_at = 5 WHERE import_id = 'bob'";
    store.execute("confirming", sql, &[]).await.unwrap();
    assert_eq!(confirmed(Scope::Pod("pod.example")).await, Some(5));
    assert_eq!(confirmed(Scope::PodAndAccount("pod.example", &bob)).await, Some(5));
}
