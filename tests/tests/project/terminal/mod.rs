//! What people see at a terminal: prompts, progress, Ctrl-C.

mod commands;
mod interrupts;
mod progress;
mod prompts;
mod screen;

use crate::support::{Pod, TIME, shared_state};

/// The arguments of an export of nils at [`TIME`].
fn export(pod: &Pod, out: &str, more: &[&str]) -> Vec<String> {
    let (out, state) = (pod.path(out).display().to_string(), shared_state());
    let mut arguments = words(&["export", "nils", "--out", &out, "--state", &state, "--created-at", TIME]);
    arguments.extend(pod.arguments());
    arguments.extend(words(more));
    arguments
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Gives nils so many more posts that his export takes seconds.
async fn write_posts(pod: &Pod, count: u32) {
    let sql = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
         INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at, interacted_at) \
         SELECT p.id, 1, 'post-of-nils-' || (100000 + n), 'StatusMessage', \
         'The ' || n || 'th of many posts', '2024-01-01 10:00:00', '2024-01-01 10:00:00', '2024-01-01 10:00:00' \
         FROM numbers, people p JOIN users u ON u.id = p.owner_id WHERE u.username = 'nils'"
    );
    pod.pool.execute(&sql).await.unwrap();
}
