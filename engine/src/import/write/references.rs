//! Links from texts to other records, `diaspora://AUTHOR/TYPE/GUID`: diaspora* stores them in a table when a post,
//! comment or message is created (`Reference`).

use std::collections::{BTreeMap, HashMap};

use crate::domain::DiasporaId;
use crate::import::ImportError;
use crate::import::journal::notes::{Journal, note_page};
use crate::import::scan::parents::FETCHED_POSTS;
use crate::import::scan::people::People;
use crate::import::target::{NewAccount, Target};
use crate::pod::database::OnConflict;
use crate::sql::Row;

/// The minimum and maximum number of characters of a GUID.
const GUID_CHARS: std::ops::RangeInclusive<usize> = 16..=255;

/// Kinds in the journal whose records have texts, their tables, and the tables' names in references.
const SOURCES: &[(&str, &str, &str)] = &[
    ("posts", "posts", "Post"),
    (FETCHED_POSTS, "posts", "Post"),
    ("comments", "comments", "Comment"),
    ("messages", "messages", "Message"),
];

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    author: DiasporaId,
    /// The table, and its name in references.
    target: (&'static str, &'static str),
    guid: String,
}

/// Returns the table for a link's type, and its name in references; none for records without an author of their own.
fn table_of(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        "post" | "status_message" | "reshare" => Some(("posts", "Post")),
        "comment" => Some(("comments", "Comment")),
        "photo" => Some(("photos", "Photo")),
        "like" => Some(("likes", "Like")),
        "poll_participation" => Some(("poll_participations", "PollParticipation")),
        "conversation" => Some(("conversations", "Conversation")),
        _ => None,
    }
}

/// Returns the links of a text, each once
/// ([diaspora:// URI scheme](https://diaspora.github.io/diaspora_federation/federation/diaspora_scheme.html)).
fn links(text: &str) -> Vec<Link> {
    let mut links: Vec<Link> = text.split("diaspora://").skip(1).filter_map(link).collect();
    links.sort_unstable();
    links.dedup();
    links
}

/// Returns the link in the text after `diaspora://`.
fn link(rest: &str) -> Option<Link> {
    let mut parts = rest.splitn(3, '/');
    let author = parts.next()?.parse().ok()?;
    let target = table_of(parts.next()?)?;
    let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.' | ':');
    let guid: String = parts.next()?.chars().take_while(is_part).take(*GUID_CHARS.end()).collect();
    // A full stop after the link is not part of it.
    let guid = guid.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    GUID_CHARS.contains(&guid.len()).then(|| Link { author, target, guid: guid.to_owned() })
}

impl Target {
    /// Stores the links to existing records in all texts that the import wrote.
    pub(in crate::import) async fn write_references(
        &mut self,
        account: &NewAccount,
        old_id: &DiasporaId,
        people: &People,
        journal: &Journal,
    ) -> Result<(), ImportError> {
        let Some((store, import)) = journal.for_writing() else { return Ok(()) };
        for (kind, table, class) in SOURCES {
            let mut after = 0;
            loop {
                let page = note_page(store, &import.id, kind, after).await?;
                let Some((last, ..)) = page.last() else { break };
                after = *last;
                // Rows that existed before have their links already.
                let written = page.iter().filter(|(.., previous)| previous.is_none());
                let guids: Vec<&str> = written.map(|(_, guid, _)| guid.as_str()).collect();
                let sql = format!(
                    "SELECT id, text FROM {table} WHERE text LIKE '%diaspora://%' AND guid IN ({{}})"
                );
                let rows = self.pod.rows_in(table, &sql, &guids).await?;
                let source = |row: &Row| Some((row.integer("id")?, links(&row.text("text")?)));
                let sources: Vec<(i64, Vec<Link>)> = rows.iter().filter_map(source).collect();
                self.write_links(account, old_id, people, class, &sources).await?;
            }
        }
        Ok(())
    }

    /// Writes links from `sources`, by row number. Only a link with the ID of the record's author resolves; for people
    /// who have moved, any of their IDs.
    async fn write_links(
        &mut self,
        account: &NewAccount,
        old_id: &DiasporaId,
        people: &People,
        class: &'static str,
        sources: &[(i64, Vec<Link>)],
    ) -> Result<(), ImportError> {
        let mut wanted: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
        for link in sources.iter().flat_map(|(_, links)| links) {
            wanted.entry(link.target.0).or_default().push(&link.guid);
        }
        let mut existing: HashMap<(&str, String), (i64, i64, String)> = HashMap::new();
        for (table, guids) in wanted {
            let sql = format!(
                "SELECT t.guid, t.id, t.author_id, p.diaspora_handle FROM {table} t \
                 JOIN people p ON p.id = t.author_id WHERE t.guid IN ({{}})"
            );
            for row in self.pod.rows_in(table, &sql, &guids).await? {
                let (guid, id) = (row.text("guid"), row.integer("id"));
                let (author, name) = (row.integer("author_id"), row.text("diaspora_handle"));
                if let (Some(guid), Some(id), Some(author), Some(name)) = (guid, id, author, name) {
                    existing.insert((table, guid), (id, author, name));
                }
            }
        }
        let mut rows = Vec::new();
        for (source, link) in sources.iter().flat_map(|(id, links)| links.iter().map(move |link| (*id, link)))
        {
            let Some((id, author, name)) = existing.get(&(link.target.0, link.guid.clone())) else {
                continue;
            };
            let names_author = link.author.as_str() == name
                || link.author == *old_id && *author == account.person
                || people.get(&link.author).is_some_and(|person| person.id == *author);
            if names_author {
                rows.push(vec![source.into(), class.into(), (*id).into(), link.target.1.into()]);
            }
        }
        let columns = ["source_id", "source_type", "target_id", "target_type"];
        self.pod.insert("\"references\"", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_as_diaspora_finds_them() {
        let guid = "0123456789abcdef";
        let found = |text: &str| -> Vec<String> {
            links(text)
                .iter()
                .map(|link| format!("{} {} {}", link.author, link.target.1, link.guid))
                .collect()
        };
        let text = format!(
            "See diaspora://ann@pod.example/post/{guid}, (web+diaspora://bob@pod.example:3000/comment/{guid}x). \
             [again](diaspora://ann@pod.example/status_message/{guid})"
        );
        assert_eq!(
            found(&text),
            [format!("ann@pod.example Post {guid}"), format!("bob@pod.example:3000 Comment {guid}x")]
        );
        for text in [
            "diaspora://",
            "diaspora://ann@pod.example/post/",
            "diaspora://ann@pod.example/post/0123456789abcde",
            "diaspora://ann@pod.example/poll/0123456789abcdef",
            "diaspora://ann/post/0123456789abcdef",
            "http://ann@pod.example/post/0123456789abcdef",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
        let long = "x".repeat(300);
        assert_eq!(found(&format!("diaspora://a@b.example/post/{long}")).len(), 1);
    }
}
