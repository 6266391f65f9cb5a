//! Comments, likes and votes: the account's own, and other people's with their signatures.

use std::collections::{HashMap, HashSet};

use super::ImportError;
use super::journal::{Intent, Journal};
use super::people::People;
use super::relayable_parents::Parents;
use super::report::FindingCode;
use super::target::{Decision, NewAccount, PlannedRow, Target, There, decide};
use crate::archive::manifest::CountKind;
use crate::domain::{Guid, Relayable, RelayableEntity};
use crate::pod::database::Cell as _;
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
pub(super) enum Table {
    Comments,
    Likes,
    PollParticipations,
}

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Comments, Self::Likes, Self::PollParticipations];

    pub(super) fn of(entity: &RelayableEntity) -> Self {
        match entity {
            RelayableEntity::Comment(_) => Self::Comments,
            RelayableEntity::Like(_) => Self::Likes,
            RelayableEntity::PollParticipation(_) => Self::PollParticipations,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Likes => "likes",
            Self::PollParticipations => "poll_participations",
        }
    }

    pub(super) fn signatures(self) -> (&'static str, &'static str) {
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
pub(super) struct New {
    pub(super) record: Relayable,
    pub(super) author: i64,
    pub(super) parent: i64,
    pub(super) class: &'static str,
    pub(super) answer: i64,
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
        let has_written = |table: Table, guid: &str| {
            journal.as_ref().is_some_and(|journal| journal.has_written(table.name(), guid))
        };
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
                    let (guid, previous) = (guid.to_string(), account.old_person.map(|old| old.to_string()));
                    sorted.intents.push(Intent { kind: table.name(), guid, previous });
                    self.report.adopted(kind);
                }
                Ok(Step::Present) => {
                    sorted.present.extend(signed);
                    self.report.came_in(kind, !has_written(table, guid.as_str()));
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
}

/// What this pod's own people say is signed anew when it is sent, unless its signature is known. One from before
/// they came here would no longer fit their name and key.
pub(super) fn keeps_signature(people: &People, entity: &RelayableEntity) -> bool {
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
