//! Comments, likes and votes: the account's own, and other people's with their signatures.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::ImportError;
use super::journal::{Intent, Journal};
use super::people::People;
use super::report::FindingCode;
use super::target::{Decision, NewAccount, PlannedRow, Target, There, decide};
use super::text::{mentions, tags};
use crate::archive::manifest::CountKind;
use crate::domain::{Guid, Relayable, RelayableEntity, Timestamp};
use crate::pod::database::{Cell as _, Existing, Value};
use crate::validate::Verdict;

/// Whose records a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Own,
    Others,
    LikesOnComments,
}

/// The three kinds of relayable and their tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Table {
    Comments,
    Likes,
    PollParticipations,
}

impl Table {
    const ALL: [Self; 3] = [Self::Comments, Self::Likes, Self::PollParticipations];

    fn of(entity: &RelayableEntity) -> Self {
        match entity {
            RelayableEntity::Comment(_) => Self::Comments,
            RelayableEntity::Like(_) => Self::Likes,
            RelayableEntity::PollParticipation(_) => Self::PollParticipations,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Likes => "likes",
            Self::PollParticipations => "poll_participations",
        }
    }

    fn signatures(self) -> (&'static str, &'static str) {
        match self {
            Self::Comments => ("comment_signatures", "comment_id"),
            Self::Likes => ("like_signatures", "like_id"),
            Self::PollParticipations => ("poll_participation_signatures", "poll_participation_id"),
        }
    }

    fn kind(self, whose: Whose) -> CountKind {
        match (self, whose) {
            (_, Whose::LikesOnComments) => CountKind::LikesOnComments,
            (Self::Comments, Whose::Own) => CountKind::OwnComments,
            (Self::Comments, Whose::Others) => CountKind::OthersComments,
            (Self::Likes, Whose::Own) => CountKind::OwnLikes,
            (Self::Likes, Whose::Others) => CountKind::OthersLikes,
            (Self::PollParticipations, Whose::Own) => CountKind::OwnPollParticipations,
            (Self::PollParticipations, Whose::Others) => CountKind::OthersPollParticipations,
        }
    }
}

/// What a relayable belongs to, on the target pod.
#[derive(Debug, Clone, Copy, Default)]
struct Parent {
    id: i64,
    /// Whether it is the account's, or under a post of the account's.
    own: bool,
    /// Whether the account may see it.
    visible: bool,
}

/// Everything the batch's records belong to.
#[derive(Default)]
struct Parents {
    posts: HashMap<String, Parent>,
    comments: HashMap<String, Parent>,
    polls: HashMap<String, Parent>,
    /// Poll and row of each answer.
    answers: HashMap<String, (i64, i64)>,
}

/// A batch, sorted by what is to be done.
#[derive(Default)]
struct Sorted {
    new: Vec<New>,
    adopted: Vec<(Table, i64)>,
    /// There already, with a signature that may be missing there.
    present: Vec<(Table, i64, Relayable)>,
    intents: Vec<Intent>,
}

/// A record that comes in.
struct New {
    record: Relayable,
    author: i64,
    parent: i64,
    class: &'static str,
    answer: i64,
}

impl Target {
    /// The account's own comments, likes and votes. They are the account's by the account's own key, which
    /// signed the archive, and stored without signatures, as diaspora* does for its own people.
    pub(super) async fn import_own_relayables(
        &mut self,
        account: &NewAccount,
        people: &People,
        records: Vec<Relayable>,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        // Comments first: the account may like its own.
        let is_comment = |record: &Relayable| matches!(record.entity, RelayableEntity::Comment(_));
        let (comments, others): (Vec<_>, Vec<_>) = records.into_iter().partition(is_comment);
        let mut journal = journal;
        for records in [comments, others] {
            let records = records.into_iter().map(|record| (record, Verdict::NotNeeded)).collect();
            self.import_relayables(Whose::Own, account, people, records, journal.as_deref_mut()).await?;
        }
        Ok(())
    }

    /// Other people's relayables on the account's posts, as far as their authors signed them.
    pub(super) async fn import_others_relayables(
        &mut self,
        account: &NewAccount,
        people: &People,
        records: Vec<(Relayable, Verdict)>,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        self.import_relayables(Whose::Others, account, people, records, journal).await
    }

    /// Other people's likes of comments.
    pub(super) async fn import_likes_on_comments(
        &mut self,
        account: &NewAccount,
        people: &People,
        records: Vec<(Relayable, Verdict)>,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        self.import_relayables(Whose::LikesOnComments, account, people, records, journal).await
    }

    async fn import_relayables(
        &mut self,
        whose: Whose,
        account: &NewAccount,
        people: &People,
        records: Vec<(Relayable, Verdict)>,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        let parents = self.parents(account, &records).await?;
        let mut there: HashMap<Table, HashMap<String, There>> = HashMap::new();
        for table in Table::ALL {
            let guids: Vec<&str> = records
                .iter()
                .filter(|(record, _)| Table::of(&record.entity) == table)
                .map(|(record, _)| record.entity.guid().as_str())
                .collect();
            there.insert(table, self.there(table.name(), &guids).await?);
        }
        let has_written = |guid: &str| journal.as_ref().is_some_and(|journal| journal.has_written(guid));
        let mut sorted = Sorted::default();
        let mut seen: HashSet<(Table, Guid)> = HashSet::new();
        for (record, verdict) in records {
            let table = Table::of(&record.entity);
            let (kind, guid) = (table.kind(whose), record.entity.guid().clone());
            if !seen.insert((table, guid.clone())) {
                self.report.left_out(kind, FindingCode::Duplicate, &guid);
                continue;
            }
            let row = there.get(&table).and_then(|rows| rows.get(guid.as_str()));
            let is_kept = verdict == Verdict::Good && keeps_signature(people, &record.entity);
            let signed = row.filter(|_| is_kept).map(|row| (table, row.id, record.clone()));
            match judge(whose, account, people, &parents, record, verdict, row) {
                Err(code) => self.report.left_out(kind, code, &guid),
                Ok(Step::Adopt(id)) => {
                    sorted.adopted.push((table, id));
                    let (guid, previous) = (guid.to_string(), account.old_person);
                    sorted.intents.push(Intent { kind: table.name(), guid, previous });
                    self.report.adopted(kind);
                }
                Ok(Step::Present) => {
                    sorted.present.extend(signed);
                    self.report.came_in(kind, !has_written(guid.as_str()));
                }
                Ok(Step::Write(record)) => sorted.new.push(*record),
            }
        }
        self.leave_out_second_voices(whose, &mut sorted.new).await?;
        for record in &sorted.new {
            self.count_new(whose, record, &mut sorted.intents);
        }
        match journal {
            Some(journal) => self.write_sorted(account, people, sorted, journal).await,
            None => Ok(()),
        }
    }

    fn count_new(&mut self, whose: Whose, new: &New, intents: &mut Vec<Intent>) {
        let table = Table::of(&new.record.entity);
        self.report.imported(table.kind(whose));
        let guid = new.record.entity.guid().to_string();
        intents.push(Intent { kind: table.name(), guid, previous: None });
        if let (Some(planned), RelayableEntity::Comment(comment)) = (&mut self.planned, &new.record.entity) {
            let row = PlannedRow { number: planned.number(), own: true };
            planned.comments.insert(comment.guid.clone(), row);
        }
    }

    /// Writes a batch, in one transaction.
    async fn write_sorted(
        &mut self,
        account: &NewAccount,
        people: &People,
        sorted: Sorted,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let Sorted { new, adopted, present, mut intents } = sorted;
        let unsigned = self.without_signature(present).await?;
        intents.extend(unsigned.iter().map(|(table, _, record)| {
            let guid = record.entity.guid().to_string();
            Intent { kind: table.signatures().0, guid, previous: None }
        }));
        if intents.is_empty() {
            return Ok(());
        }
        self.pod.begin().await?;
        // The journal must know of the rows before they are there for good, so before the end of the transaction.
        let noting = async { journal.note(intents).await.map_err(ImportError::from) };
        tokio::try_join!(noting, self.write_rows(account, people, &new, &adopted, &unsigned))?;
        Ok(self.pod.commit().await?)
    }

    async fn write_rows(
        &mut self,
        account: &NewAccount,
        people: &People,
        new: &[New],
        adopted: &[(Table, i64)],
        unsigned: &[(Table, i64, Relayable)],
    ) -> Result<(), ImportError> {
        for table in Table::ALL {
            let of_table = unsigned.iter().filter(|(of, ..)| *of == table);
            let signed: Vec<(i64, &Relayable)> = of_table.map(|(_, id, record)| (*id, record)).collect();
            self.write_signatures(table, &signed).await?;
            let rows: Vec<i64> = adopted.iter().filter(|(of, _)| *of == table).map(|(_, id)| *id).collect();
            self.adopt_rows(table.name(), account, &rows).await?;
        }
        self.write_relayables(people, new).await
    }

    /// What the records belong to.
    async fn parents(
        &mut self,
        account: &NewAccount,
        records: &[(Relayable, Verdict)],
    ) -> Result<Parents, ImportError> {
        let mut parents = Parents::default();
        let (mut posts, mut comments, mut polls, mut answers) = (vec![], vec![], vec![], vec![]);
        for (record, _) in records {
            let parent = record.entity.parent_guid().as_str();
            match &record.entity {
                RelayableEntity::Like(like) if like.parent_type == "Comment" => comments.push(parent),
                RelayableEntity::PollParticipation(vote) => {
                    polls.push(parent);
                    answers.push(vote.poll_answer_guid.as_str());
                }
                _ => posts.push(parent),
            }
        }
        let own = |author: Option<i64>| {
            author.is_some_and(|author| author == account.person || Some(author) == account.old_person)
        };
        let select = "SELECT p.guid, p.id, p.author_id, p.public FROM posts p WHERE p.guid IN ({})";
        for row in self.pod.rows_in("posts", select, &posts).await? {
            let (Some(guid), Some(id)) = (row.text(0), row.integer(1)) else { continue };
            let own = own(row.integer(2));
            let visible = own || row.boolean(3).unwrap_or(false);
            parents.posts.insert(guid, Parent { id, own, visible });
        }
        let select = "SELECT c.guid, c.id, c.author_id, p.author_id, p.public FROM comments c JOIN posts p \
                      ON p.id = c.commentable_id AND c.commentable_type = 'Post' WHERE c.guid IN ({})";
        for row in self.pod.rows_in("comments", select, &comments).await? {
            let (Some(guid), Some(id)) = (row.text(0), row.integer(1)) else { continue };
            let own = own(row.integer(2)) || own(row.integer(3));
            let visible = own || row.boolean(4).unwrap_or(false);
            parents.comments.insert(guid, Parent { id, own, visible });
        }
        let select = "SELECT q.guid, q.id, p.author_id, p.public FROM polls q JOIN posts p \
                      ON p.id = q.status_message_id WHERE q.guid IN ({})";
        for row in self.pod.rows_in("polls", select, &polls).await? {
            let (Some(guid), Some(id)) = (row.text(0), row.integer(1)) else { continue };
            let own = own(row.integer(2));
            let visible = own || row.boolean(3).unwrap_or(false);
            parents.polls.insert(guid, Parent { id, own, visible });
        }
        let select = "SELECT a.guid, a.poll_id, a.id FROM poll_answers a WHERE a.guid IN ({})";
        for row in self.pod.rows_in("poll answers", select, &answers).await? {
            if let (Some(guid), Some(poll), Some(id)) = (row.text(0), row.integer(1), row.integer(2)) {
                parents.answers.insert(guid, (poll, id));
            }
        }
        if let Some(planned) = &self.planned {
            let add =
                |into: &mut HashMap<String, Parent>, guids: &[&str], set: &HashMap<Guid, PlannedRow>| {
                    for guid in guids {
                        if let Some(row) = guid.parse::<Guid>().ok().and_then(|guid| set.get(&guid)) {
                            let parent = Parent { id: row.number, own: row.own, visible: true };
                            into.entry((*guid).to_owned()).or_insert(parent);
                        }
                    }
                };
            add(&mut parents.posts, &posts, &planned.posts);
            add(&mut parents.comments, &comments, &planned.comments);
            add(&mut parents.polls, &polls, &planned.polls);
            for guid in answers {
                if let Some(poll) = guid.parse::<Guid>().ok().and_then(|guid| planned.answers.get(&guid)) {
                    parents.answers.entry(guid.to_owned()).or_insert((*poll, 0));
                }
            }
        }
        Ok(parents)
    }

    /// One person likes a thing once and votes in a poll once.
    async fn leave_out_second_voices(&mut self, whose: Whose, new: &mut Vec<New>) -> Result<(), ImportError> {
        let mut taken: HashSet<(Table, &'static str, i64, i64)> = HashSet::new();
        for (table, class, sql) in [
            (
                Table::Likes,
                "Post",
                "SELECT target_id, author_id FROM likes WHERE target_type = 'Post' AND target_id IN ",
            ),
            (
                Table::Likes,
                "Comment",
                "SELECT target_id, author_id FROM likes WHERE target_type = 'Comment' AND target_id IN ",
            ),
            (
                Table::PollParticipations,
                "Poll",
                "SELECT poll_id, author_id FROM poll_participations WHERE poll_id IN ",
            ),
        ] {
            let mut parents: Vec<i64> = new
                .iter()
                .filter(|new| Table::of(&new.record.entity) == table && new.class == class && new.parent > 0)
                .map(|new| new.parent)
                .collect();
            parents.sort_unstable();
            parents.dedup();
            for chunk in parents.chunks(1000) {
                let list = chunk.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
                for row in self.pod.rows(table.name(), format!("{sql}({list})"), &[]).await? {
                    if let (Some(parent), Some(author)) = (row.integer(0), row.integer(1)) {
                        taken.insert((table, class, parent, author));
                    }
                }
            }
        }
        let report = &mut self.report;
        new.retain(|new| {
            let table = Table::of(&new.record.entity);
            let first = table == Table::Comments || taken.insert((table, new.class, new.parent, new.author));
            if !first {
                report.left_out(table.kind(whose), FindingCode::Duplicate, &new.record.entity.guid());
            }
            first
        });
        Ok(())
    }

    async fn write_relayables(&mut self, people: &People, new: &[New]) -> Result<(), ImportError> {
        for table in Table::ALL {
            let records: Vec<&New> =
                new.iter().filter(|new| Table::of(&new.record.entity) == table).collect();
            if records.is_empty() {
                continue;
            }
            let now = self.now;
            let rows = records.iter().map(|new| row(new, now)).collect();
            let columns: &[&str] = match table {
                Table::Comments => &[
                    "guid",
                    "author_id",
                    "commentable_id",
                    "commentable_type",
                    "text",
                    "created_at",
                    "updated_at",
                ],
                Table::Likes => {
                    &["guid", "author_id", "target_id", "target_type", "positive", "created_at", "updated_at"]
                }
                Table::PollParticipations => {
                    &["guid", "author_id", "poll_id", "poll_answer_id", "created_at", "updated_at"]
                }
            };
            self.pod.insert(table.name(), columns, rows, Existing::Refuse).await?;
            let guids: Vec<&str> = records.iter().map(|new| new.record.entity.guid().as_str()).collect();
            let ids = self.ids(table.name(), &guids).await?;
            let signed: Vec<(i64, &Relayable)> = records
                .iter()
                .filter(|new| keeps_signature(people, &new.record.entity))
                .filter_map(|new| Some((*ids.get(new.record.entity.guid().as_str())?, &new.record)))
                .collect();
            self.write_signatures(table, &signed).await?;
            if table == Table::Comments {
                let texts: Vec<(i64, &str)> = records
                    .iter()
                    .filter_map(|new| match &new.record.entity {
                        RelayableEntity::Comment(comment) => {
                            Some((*ids.get(comment.guid.as_str())?, comment.text.as_str()))
                        }
                        _ => None,
                    })
                    .collect();
                let tagged: Vec<(i64, Vec<String>)> =
                    texts.iter().map(|(id, text)| (*id, tags(text))).collect();
                self.put_tags("Comment", &tagged).await?;
                let mentioned = texts.iter().map(|(id, text)| (*id, mentions(text)));
                self.put_mentions("Comment", people, mentioned).await?;
            }
        }
        Ok(())
    }

    /// Records that came to this pod without their signature: it forgets those of records under posts whose
    /// author lives elsewhere, and needs them from now on.
    async fn without_signature(
        &mut self,
        present: Vec<(Table, i64, Relayable)>,
    ) -> Result<Vec<(Table, i64, Relayable)>, ImportError> {
        let mut signed: HashSet<(Table, i64)> = HashSet::new();
        for table in Table::ALL {
            let ids: Vec<i64> =
                present.iter().filter(|(of, ..)| *of == table).map(|(_, id, _)| *id).collect();
            let (signatures, key) = table.signatures();
            for chunk in ids.chunks(1000) {
                let list = super::finish::list(chunk);
                let sql = format!("SELECT {key} FROM {signatures} WHERE {key} IN ({list})");
                let rows = self.pod.rows("signatures", sql, &[]).await?;
                signed.extend(rows.iter().filter_map(|row| Some((table, row.integer(0)?))));
            }
        }
        Ok(present.into_iter().filter(|(table, id, _)| !signed.contains(&(*table, *id))).collect())
    }

    async fn write_signatures(
        &mut self,
        table: Table,
        records: &[(i64, &Relayable)],
    ) -> Result<(), ImportError> {
        let signed: Vec<&(i64, &Relayable)> =
            records.iter().filter(|(_, record)| record.entity.author_signature().is_some()).collect();
        if signed.is_empty() {
            return Ok(());
        }
        let mut orders: Vec<String> =
            signed.iter().map(|(_, record)| record.property_order.join(" ")).collect();
        orders.sort_unstable();
        orders.dedup();
        let rows = orders.iter().map(|order| vec![Value::from(order.as_str())]).collect();
        self.pod.insert("signature_orders", &["order"], rows, Existing::Keep).await?;
        let sql = "SELECT \"order\", id FROM signature_orders WHERE \"order\" IN ({})";
        let orders: HashMap<String, i64> = self
            .pod
            .rows_in("signature orders", sql, &orders)
            .await?
            .iter()
            .filter_map(|row| Some((row.text(0)?, row.integer(1)?)))
            .collect();
        let rows = signed
            .iter()
            .filter_map(|(id, record)| {
                let entity = &record.entity;
                Some(vec![
                    (*id).into(),
                    entity.author_signature()?.into(),
                    (*orders.get(&record.property_order.join(" "))?).into(),
                    additional_data(entity).into(),
                ])
            })
            .collect();
        let (signatures, key) = table.signatures();
        let columns = [key, "author_signature", "signature_order_id", "additional_data"];
        self.pod.insert(signatures, &columns, rows, Existing::Keep).await?;
        Ok(())
    }
}

/// What this pod's own people say is signed anew when it is sent, unless its signature is known. One from before
/// they came here would no longer fit their name and key.
fn keeps_signature(people: &People, entity: &RelayableEntity) -> bool {
    people.get(entity.author()).is_none_or(|author| author.user.is_none() || !author.has_moved)
}

/// What is to be done with one record.
enum Step {
    Write(Box<New>),
    Adopt(i64),
    Present,
}

fn judge(
    whose: Whose,
    account: &NewAccount,
    people: &People,
    parents: &Parents,
    record: Relayable,
    verdict: Verdict,
    row: Option<&There>,
) -> Result<Step, FindingCode> {
    match verdict {
        Verdict::Good | Verdict::NotNeeded => {}
        Verdict::Bad => return Err(FindingCode::SignatureBad),
        Verdict::Incomplete => return Err(FindingCode::SignatureIncomplete),
        Verdict::UnknownKey => return Err(FindingCode::KeyUnknown),
        Verdict::Unsigned => return Err(FindingCode::Unsigned),
        Verdict::Unreadable => return Err(FindingCode::Unreadable),
    }
    // In other people's lists the account itself is there too, under its own posts.
    let own = verdict == Verdict::NotNeeded;
    let author = if own {
        account.person
    } else {
        people.get(record.entity.author()).ok_or(FindingCode::PersonUnknown)?.id
    };
    let (parent, class) = match &record.entity {
        RelayableEntity::Comment(_) => (parents.posts.get(record.entity.parent_guid().as_str()), "Post"),
        RelayableEntity::Like(like) if like.parent_type == "Comment" => {
            (parents.comments.get(like.parent_guid.as_str()), "Comment")
        }
        RelayableEntity::Like(like) if like.parent_type == "Post" => {
            (parents.posts.get(like.parent_guid.as_str()), "Post")
        }
        RelayableEntity::Like(_) => return Err(FindingCode::ParentMissing),
        RelayableEntity::PollParticipation(vote) => (parents.polls.get(vote.parent_guid.as_str()), "Poll"),
    };
    let parent = parent.ok_or(FindingCode::ParentMissing)?;
    if whose != Whose::Own && !parent.own {
        return Err(FindingCode::ParentNotOwn);
    }
    match row {
        Some(row) if own => match decide(Some(row), account) {
            Decision::Present | Decision::Write => return Ok(Step::Present),
            Decision::Adopt(id) => return Ok(Step::Adopt(id)),
            Decision::Taken => return Err(FindingCode::GuidTaken),
        },
        Some(row) if row.author == author => return Ok(Step::Present),
        Some(_) => return Err(FindingCode::GuidTaken),
        None => {}
    }
    if !parent.visible {
        return Err(FindingCode::ParentNotVisible);
    }
    let answer = match &record.entity {
        RelayableEntity::PollParticipation(vote) => match parents.answers.get(vote.poll_answer_guid.as_str())
        {
            Some((poll, answer)) if *poll == parent.id => *answer,
            _ => return Err(FindingCode::ParentMissing),
        },
        _ => 0,
    };
    Ok(Step::Write(Box::new(New { record, author, parent: parent.id, class, answer })))
}

fn row(new: &New, now: Timestamp) -> Vec<Value> {
    let guid: Value = new.record.entity.guid().as_str().into();
    match &new.record.entity {
        RelayableEntity::Comment(comment) => vec![
            guid,
            new.author.into(),
            new.parent.into(),
            new.class.into(),
            comment.text.as_str().into(),
            comment.created_at.into(),
            comment.created_at.into(),
        ],
        RelayableEntity::Like(like) => vec![
            guid,
            new.author.into(),
            new.parent.into(),
            new.class.into(),
            like.positive.into(),
            now.into(),
            now.into(),
        ],
        RelayableEntity::PollParticipation(_) => {
            vec![guid, new.author.into(), new.parent.into(), new.answer.into(), now.into(), now.into()]
        }
    }
}

/// Values that are signed and have no column, as the YAML hash that Rails reads. `edited_at` is a point in time
/// there.
fn additional_data(entity: &RelayableEntity) -> Option<String> {
    let mut yaml = String::new();
    let mut line = |name: &str, value: &str| _ = writeln!(yaml, "{name}: {value}");
    if let RelayableEntity::Comment(comment) = entity
        && let Some(edited) = &comment.edited_at
    {
        match chrono::NaiveDateTime::parse_from_str(edited, "%Y-%m-%d %H:%M:%S UTC")
            .or_else(|_| chrono::NaiveDateTime::parse_from_str(edited, "%Y-%m-%dT%H:%M:%SZ"))
        {
            Ok(time) => line("edited_at", &time.format("%Y-%m-%d %H:%M:%S.000000000 Z").to_string()),
            Err(_) => line("edited_at", &quoted(edited)),
        }
    }
    for (name, value) in entity.additional() {
        let text = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        line(&quoted(name), &quoted(&text));
    }
    (!yaml.is_empty()).then(|| format!("---\n{yaml}"))
}

/// A text in YAML's quotes. Ruby's parser refuses some characters and takes others for line ends (YAML 1.1), so
/// whatever is not plainly printable is escaped.
fn quoted(text: &str) -> String {
    let mut yaml = String::with_capacity(text.len() + 2);
    yaml.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => yaml.extend(['\\', c]),
            ' '..='\u{7E}'
            | '\u{A0}'..='\u{2027}'
            | '\u{202A}'..='\u{D7FF}'
            | '\u{E000}'..='\u{FEFE}'
            | '\u{FF00}'..='\u{FFFD}'
            | '\u{10000}'.. => yaml.push(c),
            c => _ = write!(yaml, "\\u{:04X}", u32::from(c)),
        }
    }
    yaml.push('"');
    yaml
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn ruby_reads_what_is_quoted() {
        assert_eq!(quoted("a\"b\\ü🎉"), "\"a\\\"b\\\\ü🎉\"");
        assert_eq!(quoted("\n\u{7F}\u{85}\u{2028}\u{FEFF}"), r#""\u000A\u007F\u0085\u2028\uFEFF""#);
    }
}
