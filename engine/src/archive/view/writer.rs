//! Takes the records of an account as they are read, and makes pages of them.

use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};

use askama::Template as _;
use chrono::Datelike as _;

use super::chapter::{Chapter, Section};
use super::items::{
    CommentItem, ContactItem, ConversationItem, LoosePhotoItem, MessageItem, OmissionItem, PostItem,
    ProfileItem, created_at,
};
use super::pages::{CountRow, Frame, Index, STYLE, YearRow, render};
use super::spool::Spool;
use super::words::{Count, Moment};
use super::{FinishedView, ViewError};
use crate::archive::manifest::CountKind;
use crate::archive::names;
use crate::domain::{
    Contact, Conversation, DiasporaId, LoosePhoto, Omission, OmissionCode, OwnPost, Profile, Relayable,
    RelayableEntity, Timestamp,
};

/// So many omissions are listed on the first page; more get pages of their own.
const FEW_OMISSIONS: usize = 20;
/// So many messages of a conversation are on a page at most.
const MESSAGES_PER_PAGE: usize = 500;

/// What every page says about the archive.
pub struct ViewHeader {
    /// Whose account it is.
    pub account: DiasporaId,
    /// The display name.
    pub name: String,
    /// Base address of the pod it lived on.
    pub pod_url: String,
    /// When the archive is made.
    pub created_at: Timestamp,
    /// The user's language, such as `en` or `pt-BR`: the best guess for the language of their texts.
    pub language: Option<String>,
}

/// Who could see a post.
pub enum Audience {
    /// Everyone.
    Public,
    /// The people in these aspects; none are named when they are gone.
    Limited(Vec<String>),
}

/// A comment under one of the account's posts.
pub struct Reply {
    /// diaspora* ID of its author.
    pub author_id: String,
    /// Display name of its author.
    pub author_name: String,
    /// When it was written.
    pub created_at: Option<Timestamp>,
    /// Markdown.
    pub text: String,
}

/// Where the posts of a year begin.
struct Year {
    page: u32,
    posts: u64,
}

/// The pages of an archive, being made. Records of each kind appear in the order they are given.
pub struct View<W: Write + Seek> {
    spool: Spool<W>,
    frame: Frame,
    profile: String,
    posts: Chapter,
    contacts: Chapter,
    comments: Chapter,
    conversations: Chapter,
    photos: Chapter,
    omissions: Chapter,
    years: BTreeMap<i32, Year>,
    last_year: Option<i32>,
    reasons: BTreeMap<OmissionCode, u64>,
    few_omissions: Vec<OmissionItem>,
    /// How many omissions are counted only.
    unlisted: u64,
}

impl<W: Write + Seek> View<W> {
    /// Begins with the sheet of styles. `spool` is an empty file that nobody else sees.
    ///
    /// # Errors
    /// [`ViewError`], as from every other function here.
    pub fn begin(spool: W, header: ViewHeader) -> Result<Self, ViewError> {
        let mut spool = Spool::begin(spool, header.created_at);
        spool.file("view/style.css", STYLE.as_bytes())?;
        Ok(Self {
            spool,
            frame: header.into(),
            profile: String::new(),
            posts: Chapter::new(Section::Posts),
            contacts: Chapter::new(Section::Contacts),
            comments: Chapter::new(Section::Comments),
            conversations: Chapter::new(Section::Conversations),
            photos: Chapter::new(Section::Photos),
            omissions: Chapter::new(Section::Omissions),
            years: BTreeMap::new(),
            last_year: None,
            reasons: BTreeMap::new(),
            few_omissions: Vec::new(),
            unlisted: 0,
        })
    }

    /// What the person says about themselves, with the name of their picture under `photos/`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn profile(&mut self, profile: &Profile, avatar_file: Option<&str>) -> Result<(), ViewError> {
        self.profile = ProfileItem::new(&self.frame.lang, &self.frame.name, profile, avatar_file).render()?;
        Ok(())
    }

    /// Somebody the account knows.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn contact(&mut self, contact: &Contact) -> Result<(), ViewError> {
        self.contacts.make_room(&mut self.spool, &self.frame)?;
        self.contacts.add(&ContactItem { contact })
    }

    /// One of the account's posts; the oldest comes first.
    ///
    /// # Errors
    /// [`ViewError`].
    #[expect(clippy::needless_pass_by_value, reason = "the exporter has no more use for them")]
    pub fn post(
        &mut self,
        post: &OwnPost,
        audience: Audience,
        likes: u64,
        replies: Vec<Reply>,
    ) -> Result<(), ViewError> {
        self.posts.make_room(&mut self.spool, &self.frame)?;
        let year = created_at(&post.post).to_utc().year();
        let page = self.posts.page();
        let known = self.years.entry(year).or_insert(Year { page, posts: 0 });
        known.posts += 1;
        let mut item = PostItem::new(&self.frame.lang, &self.frame.account, post, &audience, likes, &replies);
        item.begins_year = known.posts == 1;
        item.year = (self.posts.is_fresh() || self.last_year != Some(year)).then_some(year);
        self.last_year = Some(year);
        self.posts.add(&item)
    }

    /// One of the account's own comments. Likes and votes are only counted, see [`View::finish`].
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn own_relayable(&mut self, relayable: &Relayable) -> Result<(), ViewError> {
        let RelayableEntity::Comment(comment) = &relayable.entity else { return Ok(()) };
        self.comments.make_room(&mut self.spool, &self.frame)?;
        self.comments.add(&CommentItem::new(&self.frame.lang, comment))
    }

    /// A private conversation, with all its messages.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn conversation(&mut self, conversation: &Conversation) -> Result<(), ViewError> {
        let Frame { account, lang, .. } = &self.frame;
        let mut rest = conversation.messages.as_slice();
        let mut continued = conversation.continued;
        loop {
            let (messages, later) = rest.split_at(rest.len().min(MESSAGES_PER_PAGE));
            self.conversations.make_room(&mut self.spool, &self.frame)?;
            self.conversations.add(&ConversationItem {
                conversation,
                created_at: Moment(conversation.created_at),
                continued,
                messages: messages.iter().map(|message| MessageItem::new(lang, account, message)).collect(),
            })?;
            (rest, continued) = (later, true);
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// A photo that belongs to no post.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn loose_photo(&mut self, photo: &LoosePhoto) -> Result<(), ViewError> {
        self.photos.make_room(&mut self.spool, &self.frame)?;
        self.photos.add(&LoosePhotoItem::new(&self.frame.lang, &photo.photo, photo.avatar))
    }

    /// Something that was left out.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn omission(&mut self, omission: &Omission) -> Result<(), ViewError> {
        *self.reasons.entry(omission.code).or_default() += 1;
        let item = OmissionItem::new(omission);
        self.omissions.make_room(&mut self.spool, &self.frame)?;
        self.omissions.add(&item)?;
        if self.few_omissions.len() <= FEW_OMISSIONS {
            self.few_omissions.push(item);
        }
        Ok(())
    }

    /// Things that were left out and are counted only.
    pub fn more_omissions(&mut self, counts: &BTreeMap<OmissionCode, u64>) {
        for (code, number) in counts {
            *self.reasons.entry(*code).or_default() += number;
            self.unlisted += number;
        }
    }
}

impl<W: Read + Write + Seek> View<W> {
    /// Writes the open pages and, last, `index.html`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn finish(self, counts: &BTreeMap<CountKind, u64>) -> Result<FinishedView<W>, ViewError> {
        let Self { mut spool, frame, .. } = self;
        let few = self.few_omissions.len() <= FEW_OMISSIONS;
        let last_posts = self.posts.page();
        for chapter in [self.posts, self.contacts, self.comments, self.conversations, self.photos] {
            chapter.finish(&mut spool, &frame)?;
        }
        let few_omissions = if few { Some(render(&self.few_omissions)?) } else { None };
        if !few {
            self.omissions.finish(&mut spool, &frame)?;
        }
        let index = Index {
            frame: &frame,
            root: "",
            section: None,
            profile: &self.profile,
            counts: counts
                .iter()
                .filter(|(_, n)| **n > 0)
                .map(|(kind, n)| CountRow::new(*kind, *n))
                .collect(),
            years: self.years.iter().map(|(year, posts)| year_row(*year, posts)).collect(),
            last_posts: Section::Posts.path(last_posts),
            omissions: Count(self.reasons.values().sum()),
            reasons: self.reasons.iter().map(|(code, n)| (*code, Count(*n))).collect(),
            few_omissions: few_omissions.as_deref(),
            unlisted: Count(self.unlisted),
        };
        spool.page(names::INDEX, &index)?;
        spool.finish()
    }
}

fn year_row(year: i32, posts: &Year) -> YearRow {
    let link = format!("{}#y{year}", Section::Posts.path(posts.page));
    YearRow { year, posts: Count(posts.posts), link }
}
