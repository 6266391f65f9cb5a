//! Plans a batch of records, and carries the plan out: a dry run reports it, an import also notes it in the journal and
//! writes its rows.

use super::ImportError;
use super::decide::relayables::Authorship;
use super::decide::{self, BatchPlan, Context, aspects, subscriptions};
use super::journal::notes::Journal;
use super::report::FindingCode;
use super::scan::source::Batch;
use super::target::{Planned, Target};
use crate::domain::{Conversation, CountKind, Photo, Relayable, RelayableEntity};
use crate::validate::SignatureCheck;

/// The rows that a plan writes.
pub(super) trait BatchRows {
    /// Remembers in a dry run the rows that later records belong to.
    fn remember(&self, _planned: &mut Planned) {}

    /// Writes the rows, inside a transaction.
    async fn write(&self, target: &mut Target) -> Result<(), ImportError>;
}

impl Target {
    /// Plans one batch of records, and carries the plan out.
    pub(super) async fn import_batch(
        &mut self,
        context: &Context<'_>,
        batch: Batch,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let account = context.account;
        let batch = self.clamp_times(batch);
        match self.fit_batch(batch, context.files).await? {
            Batch::Contacts(contacts) => {
                let existing = self.existing_contacts(account.user, &contacts, journal).await?;
                self.apply(decide::contacts::contacts(context, &existing, &contacts), journal).await
            }
            Batch::Tags(names) => {
                let existing = self.existing_tags(account.user, &names, journal).await?;
                self.apply(decide::followed_tags::followed_tags(account.user, &existing), journal).await
            }
            Batch::Posts(posts) => {
                let existing = self.existing_posts(account, &posts, journal).await?;
                let plan = decide::posts::posts(*context, existing, &mut self.reshared, posts);
                self.apply(plan, journal).await
            }
            Batch::LoosePhotos(photos) => {
                let photos: Vec<Photo> = photos.into_iter().map(|photo| photo.photo).collect();
                let existing = self.existing_photos(photos.iter(), journal).await?;
                self.apply(decide::photos::standalone_photos(*context, &existing, photos), journal).await
            }
            Batch::Audiences(audiences) => {
                let existing = self.existing_audiences(&audiences, journal).await?;
                self.apply(aspects::audiences(account, &existing, &audiences), journal).await
            }
            Batch::OwnRelayables(records) => self.import_own_relayables(context, records, journal).await,
            Batch::OthersRelayables(records) => {
                self.import_relayables(context, Authorship::Others, records, journal).await
            }
            Batch::LikesOnComments(records) => {
                self.import_relayables(context, Authorship::LikesOnComments, records, journal).await
            }
            Batch::UnsignedRelayables(records) => {
                self.report_unsigned(&records);
                Ok(())
            }
            Batch::Subscriptions(posts) => {
                let existing = self.existing_subscriptions(account, &posts, journal).await?;
                self.apply(subscriptions::subscriptions(account, &existing, &posts), journal).await
            }
            Batch::Conversations(conversations) => {
                self.import_conversations(context, conversations, journal).await
            }
            Batch::HiddenPosts(posts) => {
                let existing = self.existing_hidden_posts(account, &posts, journal).await?;
                let plan = subscriptions::hidden_posts(account.user, &existing, &posts);
                self.apply(plan, journal).await
            }
            Batch::Unreadable(kind, json_path) => {
                self.report.left_out(kind, FindingCode::Unreadable, &json_path);
                Ok(())
            }
            Batch::ValueLeftOut(kind, json_path) => {
                self.report.note(kind, FindingCode::ValueLeftOut, &json_path);
                Ok(())
            }
        }
    }

    async fn import_conversations(
        &mut self,
        context: &Context<'_>,
        conversations: Vec<Conversation>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let existing = self.existing_conversations(context.account, &conversations, journal).await?;
        let last_conversation = &mut self.last_conversation;
        let plan = decide::conversations::conversations(context, existing, last_conversation, conversations);
        self.apply(plan, journal).await
    }

    fn report_unsigned(&mut self, records: &[Relayable]) {
        for record in records {
            let guid = record.entity.guid();
            self.report.left_out(CountKind::UnsignedRelayables, FindingCode::Unsigned, &guid);
        }
    }

    /// Imports the account's own comments, likes and votes. Its key, which signed the archive, proves them, and they
    /// are stored without signatures, as diaspora* does for its own people.
    async fn import_own_relayables(
        &mut self,
        context: &Context<'_>,
        records: Vec<Relayable>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        // Comments first, since the account may like its own comments.
        let is_comment = |record: &Relayable| matches!(record.entity, RelayableEntity::Comment(_));
        let (comments, likes_and_votes): (Vec<_>, Vec<_>) = records.into_iter().partition(is_comment);
        for records in [comments, likes_and_votes] {
            let records = records.into_iter().map(|record| (record, SignatureCheck::NotNeeded)).collect();
            self.import_relayables(context, Authorship::Own, records, journal).await?;
        }
        Ok(())
    }

    async fn import_relayables(
        &mut self,
        context: &Context<'_>,
        authorship: Authorship,
        records: Vec<(Relayable, SignatureCheck)>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let existing = self.existing_relayables(context.account, &records, journal).await?;
        self.apply(decide::relayables::relayables(context, authorship, existing, records), journal).await
    }

    /// Reports a plan and, unless this is a dry run, carries it out in one transaction.
    pub(super) async fn apply<R: BatchRows>(
        &mut self,
        plan: BatchPlan<R>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        plan.report(&mut self.report);
        let BatchPlan { intents, rows, .. } = plan;
        if let Some(planned) = &mut self.planned {
            rows.remember(planned);
            return Ok(());
        }
        if intents.is_empty() {
            return Ok(());
        }
        self.pod.begin().await?;
        // The journal must contain the rows before the transaction commits.
        let noting = async { journal.note(intents).await.map_err(ImportError::from) };
        tokio::try_join!(noting, rows.write(self))?;
        Ok(self.commit_batch(journal).await?)
    }
}
