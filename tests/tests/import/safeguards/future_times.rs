//! Nothing that an import brings stands above all others because its time is still to come.

use crate::support::Pod;
use crate::support::target::{Target, fingerprint};

const AHEAD: &str = "2099-01-01 10:00:00";

#[tokio::test(flavor = "multi_thread")]
async fn conversations_and_messages_get_the_time_of_the_import() {
    let source = Pod::sqlite().await;
    for table in ["conversations", "messages"] {
        let sql = format!("UPDATE {table} SET created_at = '{AHEAD}', updated_at = '{AHEAD}'");
        source.pool.execute(&sql).await.unwrap();
    }
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let trust = fingerprint(&archive);
    for target in Target::on_each("future_times").await {
        let done = target.import(&archive, "ida", &["--trust-pod", &trust]);
        let findings = done["findings"].as_array().unwrap();
        for kind in ["conversations", "messages"] {
            let ahead = findings.iter().filter(|one| one["code"] == "in_the_future" && one["kind"] == kind);
            let all = done["kinds"][kind]["in_archive"].as_u64().unwrap();
            assert_eq!(ahead.count() as u64, all, "each of the {kind} is listed: {done}");
            assert!(target.rows().await[kind] > 0, "{kind}: {done}");
        }
        for table in ["conversations", "conversation_visibilities", "messages"] {
            let sql = format!(
                "SELECT COUNT(*) FROM {table} WHERE created_at > '2090-01-01' OR updated_at > '2090-01-01'"
            );
            assert_eq!(target.pool.number(&sql).await.unwrap(), 0, "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_dated_ahead_does_not_keep_its_post_above_all_others() {
    const COMMENT: &str = "c0mment0ahead0of0time000";
    let source = Pod::sqlite().await;
    let sql = format!(
        "INSERT INTO comments (guid, author_id, commentable_id, commentable_type, text, likes_count, created_at, updated_at) \
         SELECT '{COMMENT}', a.id, MAX(p.id), 'Post', 'First!', 0, '{AHEAD}', '{AHEAD}' FROM people a, posts p \
         JOIN people h ON h.id = p.author_id WHERE a.diaspora_handle = 'jonas@closing.example' \
         AND h.diaspora_handle = 'ida@closing.example' AND p.public AND p.type = 'StatusMessage' GROUP BY a.id"
    );
    source.pool.execute(&sql).await.unwrap();
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let trust = fingerprint(&archive);
    for target in Target::on_each("comment_ahead").await {
        target.import(&archive, "ida", &["--trust-pod", &trust]);
        let number = async |sql: &str| target.pool.number(sql).await.unwrap();
        let signed =
            format!("SELECT COUNT(*) FROM comments WHERE guid = '{COMMENT}' AND created_at > '2090-01-01'");
        assert_eq!(number(&signed).await, 1, "its author has signed the time");
        assert_eq!(number("SELECT COUNT(*) FROM posts WHERE interacted_at > '2090-01-01'").await, 0);
    }
}
