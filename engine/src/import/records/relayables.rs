//! Comments, likes and votes: the account's own, and other people's with their signatures.

use std::collections::HashSet;

use crate::domain::{CountKind, Guid, Relayable, RelayableEntity};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal};
use crate::import::report::FindingCode;
use crate::import::scan::people::People;
use crate::import::scan::relayable_parents::Parents;
use crate::import::target::{Decision, ExistingRow, NewAccount, PlannedRow, Target, decide};
use crate::pod::database::Cell as _;
use crate::validate::SignatureCheck;

/// The authorship of a batch's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authorship {
    Own,
    Others,
    LikesOnComments,
}

/// The three kinds of relayable and their tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::import) enum Table {
    Comments,
    Likes,
    PollParticipations,
}

impl Table {
    pub(in crate::import) const ALL: [Self; 3] = [Self::Comments, Self::Likes, Self::PollParticipations];

    pub(in crate::import) fn of(entity: &RelayableEntity) -> Self {
        match entity {
            RelayableEntity::Comment(_) => Self::Comments,
            RelayableEntity::Like(_) => Self::Likes,
            RelayableEntity::PollParticipation(_) => Self::PollParticipations,
        }
    }

    pub(in crate::import) fn name(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Likes => "likes",
            Self::PollParticipations => "poll_participations",
        }
    }

    pub(in crate::import) fn signatures(self) -> (&'static str, &'static str) {
        match self {
            Self::Comments => ("comment_signatures", "comment_id"),
            Self::Likes => ("like_signatures", "like_id"),
            Self::PollParticipations => ("poll_participation_signatures", "poll_participation_id"),
        }
    }

    fn kind(self, whose: Authorship) -> CountKind {
        match (self, whose) {
            (_, Authorship::LikesOnComments) => CountKind::LikesOnComments,
            (Self::Comments, Authorship::Own) => CountKind::OwnComments,
            (Self::Comments, Authorship::Others) => CountKind::OthersComments,
            (Self::Likes, Authorship::Own) => CountKind::OwnLikes,
            (Self::Likes, Authorship::Others) => CountKind::OthersLikes,
            (Self::PollParticipations, Authorship::Own) => CountKind::OwnPollParticipations,
            (Self::PollParticipations, Authorship::Others) => CountKind::OthersPollParticipations,
        }
    }
}

/// A batch, sorted by what is to be done.
#[derive(Default)]
struct Sorted {
    new: Vec<New>,
    adopted: Vec<(Table, i64)>,
    /// Existing records, whose signature may be missing there.
    present: Vec<(Table, i64, Relayable)>,
    intents: Vec<Intent>,
}

/// A record to be imported.
pub(in crate::import) struct New {
    pub(in crate::import) record: Relayable,
    pub(in crate::import) author: i64,
    /// The author's own row here, if imported but not announced yet.
    also: Option<i64>,
    pub(in crate::import) parent: i64,
    pub(in crate::import) class: &'static str,
    pub(in crate::import) answer: i64,
}

impl Target {
    /// Imports the account's own comments, likes and votes. The account's own key, which signed the archive, proves
    /// them, and they are stored without signatures, as diaspora* does for its own people.
    pub(in crate::import) async fn import_own_relayables(
        &mut self,
        account: &NewAccount,
        people: &People,
        records: Vec<Relayable>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        // Comments first: the account may like its own.
        let is_comment = |record: &Relayable| matches!(record.entity, RelayableEntity::Comment(_));
        let (comments, others): (Vec<_>, Vec<_>) = records.into_iter().partition(is_comment);
        for records in [comments, others] {
            let records = records.into_iter().map(|record| (record, SignatureCheck::NotNeeded)).collect();
            self.import_relayables(Authorship::Own, account, people, records, journal).await?;
        }
        Ok(())
    }

    /// Imports other people's relayables on the account's posts, as far as their authors signed them.
    pub(in crate::import) async fn import_others_relayables(
        &mut self,
        account: &NewAccount,
        people: &People,
        records: Vec<(Relayable, SignatureCheck)>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        self.import_relayables(Authorship::Others, account, people, records, journal).await
    }

    /// Imports other people's likes of comments.
    pub(in crate::import) async fn import_likes_on_comments(
        &mut self,
        account: &NewAccount,
        people: &People,
        records: Vec<(Relayable, SignatureCheck)>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        self.import_relayables(Authorship::LikesOnComments, account, people, records, journal).await
    }

    async fn import_relayables(
        &mut self,
        whose: Authorship,
        account: &NewAccount,
        people: &People,
        records: Vec<(Relayable, SignatureCheck)>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let parents = self.parents(account, &records).await?;
        let known = self.known_relayables(&parents, &records, journal).await?;
        let mut sorted = Sorted::default();
        let mut seen: HashSet<(Table, Guid)> = HashSet::new();
        for (record, verdict) in records {
            let table = Table::of(&record.entity);
            let (kind, guid) = (table.kind(whose), record.entity.guid().clone());
            if !seen.insert((table, guid.clone())) {
                self.report.left_out(kind, FindingCode::Duplicate, &guid);
                continue;
            }
            let noted = known.noted(table, &guid);
            let row = known.row(table, &guid);
            if let Some(code) = known.omission_reason(table, &guid) {
                self.report.left_out(kind, code, &guid);
                continue;
            }
            let is_kept = verdict == SignatureCheck::Good && keeps_signature(people, &record.entity, row);
            let signed = row.filter(|_| is_kept).map(|row| (table, row.id, record.clone()));
            match judge(whose, account, people, &parents, record, verdict, row) {
                Err(code) => self.report.left_out(kind, code, &guid),
                Ok(Step::Adopt(id)) => {
                    sorted.adopted.push((table, id));
                    sorted.intents.push(Intent::adopt(table.name(), &guid, account.old_person));
                    self.report.adopted(kind);
                }
                Ok(Step::Present) => {
                    sorted.present.extend(signed);
                    if noted.is_none() {
                        sorted.intents.push(Intent::found(table.name(), &guid));
                    }
                    self.report.is_here(kind, noted);
                }
                Ok(Step::Write(record)) => sorted.new.push(*record),
            }
        }
        self.drop_duplicate_reactions(whose, &mut sorted).await?;
        for record in &sorted.new {
            self.count_new(whose, record, &mut sorted.intents);
        }
        self.write_sorted(account, people, sorted, journal).await
    }

    fn count_new(&mut self, whose: Authorship, new: &New, intents: &mut Vec<Intent>) {
        let table = Table::of(&new.record.entity);
        self.report.imported(table.kind(whose));
        intents.push(Intent::write(table.name(), new.record.entity.guid()));
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
        if !self.writes() {
            return Ok(());
        }
        let unsigned = self.without_signature(present, journal).await?;
        intents.extend(
            unsigned
                .iter()
                .map(|(table, _, record)| Intent::write(table.signatures().0, record.entity.guid())),
        );
        if intents.is_empty() {
            return Ok(());
        }
        self.pod.begin().await?;
        // The journal must know the rows before the transaction commits.
        let noting = async { journal.note(intents).await.map_err(ImportError::from) };
        tokio::try_join!(noting, self.write_rows(account, people, &new, &adopted, &unsigned))?;
        Ok(self.commit_batch(journal).await?)
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

    /// Leaves out repeated reactions: one person likes a thing once and votes in a poll once.
    async fn drop_duplicate_reactions(
        &mut self,
        whose: Authorship,
        sorted: &mut Sorted,
    ) -> Result<(), ImportError> {
        let Sorted { new, intents, .. } = sorted;
        let mut taken: HashSet<(Table, &'static str, i64, i64)> = HashSet::new();
        let likes =
            |class| format!("target_id, author_id FROM likes WHERE target_type = '{class}' AND target_id");
        for (table, class, columns) in [
            (Table::Likes, "Post", likes("Post")),
            (Table::Likes, "Comment", likes("Comment")),
            (
                Table::PollParticipations,
                "Poll",
                "poll_id, author_id FROM poll_participations WHERE poll_id".into(),
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
                for row in self.pod.rows(table.name(), format!("SELECT {columns} IN ({list})"), &[]).await? {
                    if let (Some(parent), Some(author)) = (row.integer(0), row.integer(1)) {
                        taken.insert((table, class, parent, author));
                    }
                }
            }
        }
        let report = &mut self.report;
        new.retain(|new| {
            let table = Table::of(&new.record.entity);
            let voice = |author| (table, new.class, new.parent, author);
            let first = table == Table::Comments
                || !new.also.is_some_and(|also| taken.contains(&voice(also)))
                    && taken.insert(voice(new.author));
            if !first {
                let guid = new.record.entity.guid();
                intents.push(Intent::duplicate(table.name(), guid));
                report.left_out(table.kind(whose), FindingCode::Duplicate, guid);
            }
            first
        });
        Ok(())
    }

    /// Returns the records that this pod has without their signature: it discards signatures of records under posts
    /// of authors on other pods, and needs them from now on.
    async fn without_signature(
        &mut self,
        mut present: Vec<(Table, i64, Relayable)>,
        journal: &Journal,
    ) -> Result<Vec<(Table, i64, Relayable)>, ImportError> {
        let mut signed: HashSet<(Table, i64)> = HashSet::new();
        for table in Table::ALL {
            let of_table = present.iter().filter(|(of, ..)| *of == table);
            let guids: Vec<&str> = of_table.map(|(.., record)| record.entity.guid().as_str()).collect();
            let noted = journal.noted(table.signatures().0, &guids).await?;
            present.retain(|(of, _, record)| {
                *of != table || noted.get(record.entity.guid().as_str()).is_none_or(|noted| !noted.certain)
            });
            let ids: Vec<i64> =
                present.iter().filter(|(of, ..)| *of == table).map(|(_, id, _)| *id).collect();
            let (signatures, key) = table.signatures();
            for chunk in ids.chunks(1000) {
                let list = crate::import::records::counters::list(chunk);
                let sql = format!("SELECT {key} FROM {signatures} WHERE {key} IN ({list})");
                let rows = self.pod.rows("signatures", sql, &[]).await?;
                signed.extend(rows.iter().filter_map(|row| Some((table, row.integer(0)?))));
            }
        }
        Ok(present.into_iter().filter(|(table, id, _)| !signed.contains(&(*table, *id))).collect())
    }
}

/// Returns whether a signature is stored. Records of this pod's own people are signed anew when sent, unless theirs
/// is known. One from before their move here no longer fits their name and key, even before the announcement.
pub(in crate::import) fn keeps_signature(
    people: &People,
    entity: &RelayableEntity,
    row: Option<&ExistingRow>,
) -> bool {
    people.get(entity.author()).is_none_or(|author| {
        (author.user.is_none() || !author.has_moved) && row.is_none_or(|row| Some(row.author) != author.also)
    })
}

/// The action for one record.
enum Step {
    Write(Box<New>),
    Adopt(i64),
    Present,
}

fn judge(
    whose: Authorship,
    account: &NewAccount,
    people: &People,
    parents: &Parents,
    record: Relayable,
    verdict: SignatureCheck,
    row: Option<&ExistingRow>,
) -> Result<Step, FindingCode> {
    match verdict {
        SignatureCheck::Good | SignatureCheck::NotNeeded => {}
        SignatureCheck::Bad => return Err(FindingCode::SignatureBad),
        SignatureCheck::Incomplete => return Err(FindingCode::SignatureIncomplete),
        SignatureCheck::UnknownKey => return Err(FindingCode::KeyUnknown),
        SignatureCheck::Unsigned => return Err(FindingCode::Unsigned),
        SignatureCheck::Unreadable => return Err(FindingCode::Unreadable),
    }
    // Other people's lists contain the account's records under its own posts, too.
    let own = verdict == SignatureCheck::NotNeeded;
    let (author, also) = if own {
        (account.person, None)
    } else {
        let person = people.get(record.entity.author()).ok_or(FindingCode::PersonUnknown)?;
        (person.id, person.also)
    };
    let (parent, class) = parents.of(&record.entity).ok_or(FindingCode::ParentMissing)?;
    let parent = parent.ok_or(FindingCode::ParentMissing)?;
    if whose != Authorship::Own && !parent.own {
        return Err(FindingCode::ParentNotOwn);
    }
    match row {
        Some(row) if own => match decide(Some(row), None, account) {
            Decision::Present | Decision::Write | Decision::Deleted => return Ok(Step::Present),
            Decision::Adopt(id) => return Ok(Step::Adopt(id)),
            Decision::Taken => return Err(FindingCode::GuidTaken),
        },
        Some(row) if row.author == author || Some(row.author) == also => return Ok(Step::Present),
        Some(_) => return Err(FindingCode::GuidTaken),
        None => {}
    }
    if !parent.visible {
        return Err(FindingCode::ParentNotVisible);
    }
    if parents.ignores(parent, author) || also.is_some_and(|also| parents.ignores(parent, also)) {
        return Err(FindingCode::AuthorIgnored);
    }
    let answer = match &record.entity {
        RelayableEntity::PollParticipation(vote) => match parents.answers.get(vote.poll_answer_guid.as_str())
        {
            Some((poll, answer)) if *poll == parent.id => *answer,
            _ => return Err(FindingCode::ParentMissing),
        },
        _ => 0,
    };
    Ok(Step::Write(Box::new(New { record, author, also, parent: parent.id, class, answer })))
}
