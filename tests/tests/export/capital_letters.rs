//! People whose diaspora* IDs have capital letters in the pod's database, and people whose GUIDs are invalid.

use crate::support::{Pod, entry, json, omissions};

const JONAS: &str = "'jonas@closing.example'";

#[tokio::test]
async fn capital_letters_in_an_id_lose_nobody() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida"], "before", &[]);
    let before = pod.archive("before", "ida");
    let sql = "UPDATE people SET diaspora_handle = 'Jonas@Closing.example ' WHERE diaspora_handle";
    pod.pool.execute(&format!("{sql} = {JONAS}")).await.unwrap();
    pod.export(&["ida"], "after", &[]);
    let after = pod.archive("after", "ida");
    for name in ["diaspora.json", "extras.json"] {
        assert!(entry(&before, name) == entry(&after, name), "{name} differs");
    }
    assert_eq!(omissions(&before), omissions(&after));
}

#[tokio::test]
async fn an_invalid_guid_costs_itself_and_not_the_contact() {
    let pod = Pod::sqlite().await;
    pod.pool
        .execute(&format!("UPDATE people SET guid = 'no guid' WHERE diaspora_handle = {JONAS}"))
        .await
        .unwrap();
    pod.export(&["ida"], "out", &[]);
    let archive = pod.archive("out", "ida");
    let document = json(&archive, "diaspora.json");
    let contacts = document["user"]["contacts"].as_array().unwrap();
    let jonas = contacts.iter().find(|contact| contact["account_id"] == "jonas@closing.example").unwrap();
    assert!(jonas.get("person_guid").is_none() && jonas["public_key"].is_string(), "{jonas}");
    let invalid = ("invalid_identifier".to_owned(), "person".to_owned());
    assert!(omissions(&archive).contains(&invalid), "{:?}", omissions(&archive));
}

/// Hidden posts are a list in YAML.
#[tokio::test]
async fn hidden_posts_that_cannot_be_read_are_listed() {
    let pod = Pod::sqlite().await;
    pod.pool.execute("UPDATE users SET hidden_shareables = '--- [' WHERE username = 'ida'").await.unwrap();
    pod.export(&["ida"], "out", &[]);
    let archive = pod.archive("out", "ida");
    assert_eq!(json(&archive, "extras.json")["hidden_posts"], serde_json::json!([]));
    let unreadable = ("unreadable_setting".to_owned(), "account".to_owned());
    assert!(omissions(&archive).contains(&unreadable), "{:?}", omissions(&archive));
}
