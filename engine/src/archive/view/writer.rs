//! Writes the pages from the records of an account as they are read.

use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};

use askama::Template as _;
use tempfile::SpooledTempFile;

use super::assembly::{PageAssembler, year_row};
use super::chapter::Section;
use super::drafts::{Drafts, Scratch, Spans, UNSORTED, hash, sort_key};
use super::items::{
    CommentItem, ContactItem, ConversationItem, LikeItem, LoosePhotoItem, MessageItem, OmissionItem,
    ParentItem, PersonName, PostItem, ProfileItem, created_at,
};
use super::marks::{Marks, Resolver};
use super::pages::{CountRow, Frame, Index, STYLE, UNPACKED_STYLE, render, style_hash};
use super::spool::Spool;
use super::words::Encoded;
use super::{FinishedView, ViewError};
use crate::archive::manifest::CountKind;
use crate::archive::names;
use crate::domain::{
    CommentedPost, Contact, Conversation, DiasporaId, LoosePhoto, Omission, OmissionCode, OwnPost, Profile,
    Relayable, RelayableEntity, Timestamp,
};

/// The most omissions listed on the first page; more get separate pages.
const MAX_OMISSIONS_ON_INDEX: usize = 20;
/// The most messages of a conversation on a page.
const MESSAGES_PER_PAGE: usize = 500;

/// The data of the archive shown on every page.
pub struct ViewHeader {
    /// The account.
    pub account: DiasporaId,
    /// The display name.
    pub name: String,
    /// Base address of the account's pod.
    pub pod_url: String,
    /// The time at which the archive is created.
    pub created_at: Timestamp,
    /// The user's language, such as `en` or `pt-BR`: the best guess for the language of their texts.
    pub language: Option<String>,
}

/// The audience of a post.
pub enum Audience {
    /// Everyone.
    Public,
    /// The people in these aspects; empty if the aspects were deleted.
    Limited(Vec<String>),
}

/// A comment under one of the account's posts.
pub struct Reply {
    /// diaspora* ID of its author.
    pub author_id: String,
    /// Display name of its author.
    pub author_name: String,
    /// The time at which it was written.
    pub created_at: Option<Timestamp>,
    /// The text, in Markdown.
    pub text: String,
}

/// The pages of an archive being created. Posts, comments, conversations and photos are sorted by date; contacts and
/// omissions keep the order in which they are added.
pub struct View<W: Write + Seek> {
    spool: Spool<W>,
    scratch: Scratch,
    frame: Frame,
    profile: String,
    posts: Drafts,
    contacts: Drafts,
    comments: Drafts,
    likes: Drafts,
    /// The number of the account's likes on comments. These are only counted: archives do not name the comments' posts.
    likes_on_comments: u64,
    conversations: Drafts,
    photos: Drafts,
    omissions: Drafts,
    marks: Marks,
    reasons: BTreeMap<OmissionCode, u64>,
    few_omissions: Vec<OmissionItem>,
    /// The number of omissions that are counted only.
    unlisted: u64,
}

impl<W: Write + Seek> View<W> {
    /// Starts with the style sheet. `spool` and `scratch` are empty private files.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn begin(spool: W, scratch: SpooledTempFile, header: ViewHeader) -> Result<Self, ViewError> {
        let mut spool = Spool::begin(spool, header.created_at);
        spool.file("view/style.css", format!("{STYLE}{UNPACKED_STYLE}").as_bytes())?;
        let frame = Frame::from(header);
        let mut view = Self {
            spool,
            profile: String::new(),
            scratch: Scratch::new(scratch),
            posts: Drafts::default(),
            contacts: Drafts::default(),
            comments: Drafts::default(),
            likes: Drafts::default(),
            likes_on_comments: 0,
            conversations: Drafts::default(),
            photos: Drafts::default(),
            omissions: Drafts::default(),
            marks: Marks::default(),
            reasons: BTreeMap::new(),
            few_omissions: Vec::new(),
            unlisted: 0,
            frame,
        };
        add_person_name(&mut view.scratch, &mut view.marks.people, &view.frame.account, &view.frame.name)?;
        Ok(view)
    }

    /// Sets the profile, with the file name of its picture in `photos/`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn profile(&mut self, profile: &Profile, avatar_file: Option<&str>) -> Result<(), ViewError> {
        self.profile = ProfileItem::new(&self.frame, profile, avatar_file).render()?;
        Ok(())
    }

    /// Adds a contact.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn contact(&mut self, contact: &Contact) -> Result<(), ViewError> {
        add_person_name(
            &mut self.scratch,
            &mut self.marks.people,
            contact.account_id.as_str(),
            &contact.person_name,
        )?;
        let item = ContactItem { frame: &self.frame, contact };
        self.contacts.add(&mut self.scratch, &item, UNSORTED, contact.account_id.as_str())
    }

    /// Adds one of the account's posts.
    ///
    /// # Errors
    /// [`ViewError`].
    #[expect(clippy::needless_pass_by_value, reason = "the exporter does not need them afterwards")]
    pub fn post(
        &mut self,
        post: &OwnPost,
        audience: Audience,
        likes: u64,
        replies: Vec<Reply>,
    ) -> Result<(), ViewError> {
        let item = PostItem::new(&self.frame, post, &audience, likes, &replies);
        let time = sort_key(created_at(&post.post));
        self.posts.add(&mut self.scratch, &item, time, post.post.guid().as_str())?;
        let parent = self.scratch.add(&ParentItem::own(&self.frame, &post.post))?;
        self.marks.parents.insert(hash(post.post.guid().as_str()), parent);
        for reply in &replies {
            add_person_name(&mut self.scratch, &mut self.marks.people, &reply.author_id, &reply.author_name)?;
        }
        Ok(())
    }

    /// Adds another person's post, as the context of the account's comments and likes.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn commented_post(&mut self, post: &CommentedPost) -> Result<(), ViewError> {
        let parent = self.scratch.add(&ParentItem::of(&self.frame, post))?;
        self.marks.parents.insert(hash(post.guid.as_str()), parent);
        Ok(())
    }

    /// Adds one of the account's own comments, likes or votes.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn own_relayable(&mut self, relayable: &Relayable) -> Result<(), ViewError> {
        match &relayable.entity {
            RelayableEntity::Comment(comment) => {
                let item = CommentItem::new(&self.frame, comment);
                let time = sort_key(comment.created_at);
                self.comments.add(&mut self.scratch, &item, time, comment.guid.as_str())?;
            }
            // Likes have no date, so they keep their order.
            RelayableEntity::Like(like) if like.parent_type == "Post" => {
                let item = LikeItem { frame: &self.frame, parent: like.parent_guid.as_str() };
                self.likes.add(&mut self.scratch, &item, UNSORTED, like.guid.as_str())?;
            }
            RelayableEntity::Like(_) => self.likes_on_comments += 1,
            RelayableEntity::PollParticipation(vote) => self.vote(vote.poll_answer_guid.as_str()),
        }
        Ok(())
    }

    /// Counts a vote for a poll answer.
    pub fn vote(&mut self, answer: &str) {
        *self.marks.votes.entry(hash(answer)).or_default() += 1;
    }

    /// Registers a photo file in the archive, by its name in `photos/`. All others are shown as missing.
    pub fn photo_file(&mut self, name: &str) {
        self.marks.photos.insert(Encoded(name).to_string());
    }

    /// Adds a private conversation, with all its messages.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn conversation(&mut self, conversation: &Conversation) -> Result<(), ViewError> {
        let frame = &self.frame;
        let mut rest = conversation.messages.as_slice();
        let mut continued = conversation.continued;
        loop {
            let (messages, remaining) = rest.split_at(rest.len().min(MESSAGES_PER_PAGE));
            let item = ConversationItem {
                frame,
                conversation,
                continued,
                messages: messages.iter().map(|message| MessageItem::new(frame, message)).collect(),
            };
            let time = sort_key(conversation.created_at);
            self.conversations.add(&mut self.scratch, &item, time, conversation.guid.as_str())?;
            (rest, continued) = (remaining, true);
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Adds a photo that belongs to no post.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn loose_photo(&mut self, photo: &LoosePhoto) -> Result<(), ViewError> {
        let item = LoosePhotoItem::new(&self.frame, &photo.photo, photo.avatar);
        self.photos.add(&mut self.scratch, &item, sort_key(photo.photo.created_at), photo.photo.guid.as_str())
    }

    /// Adds an omission.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn omission(&mut self, omission: &Omission) -> Result<(), ViewError> {
        *self.reasons.entry(omission.code).or_default() += 1;
        let item = OmissionItem::new(&self.frame, omission);
        self.omissions.add(&mut self.scratch, &item, UNSORTED, "")?;
        if self.few_omissions.len() <= MAX_OMISSIONS_ON_INDEX {
            self.few_omissions.push(item);
        }
        Ok(())
    }

    /// Adds omissions that are counted only.
    pub fn more_omissions(&mut self, counts: &BTreeMap<OmissionCode, u64>) {
        for (code, count) in counts {
            *self.reasons.entry(*code).or_default() += count;
            self.unlisted += count;
        }
    }
}

impl<W: Read + Write + Seek> View<W> {
    /// Writes the open pages and, last, `index.html`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn finish(self, counts: &BTreeMap<CountKind, u64>) -> Result<FinishedView<W>, ViewError> {
        let Self { mut spool, mut frame, mut marks, scratch, .. } = self;
        let scratch = scratch.finish()?;
        let are_few = self.few_omissions.len() <= MAX_OMISSIONS_ON_INDEX;
        let [mut posts, mut comments, likes, mut conversations, mut photos] =
            [self.posts, self.comments, self.likes, self.conversations, self.photos];
        for drafts in [&mut posts, &mut comments, &mut conversations, &mut photos] {
            drafts.sort();
        }
        let pages = Section::Posts.page_numbers(posts.lengths().map(|(length, _)| length));
        marks.posts = posts.lengths().map(|(_, guid)| guid).zip(pages).collect();
        let likes_on_comments = LikeItem::on_comments(&frame, self.likes_on_comments);
        let chapters = [
            (Section::Posts, &posts, ""),
            (Section::Contacts, &self.contacts, ""),
            (Section::Comments, &comments, ""),
            (Section::Likes, &likes, likes_on_comments.as_str()),
            (Section::Conversations, &conversations, ""),
            (Section::Photos, &photos, ""),
        ];
        // Every page links to the kinds of pages that there are.
        let shown = chapters.iter().filter(|(_, drafts, end)| !drafts.is_empty() || !end.is_empty());
        frame.sections = shown.map(|(section, ..)| *section).collect();
        let resolver = Resolver { marks: &marks, scratch: &scratch, frame: &frame, root: "" };
        let mut assembler = PageAssembler { spool: &mut spool, frame: &frame, resolver };
        let (years, last_posts) = assembler.posts(&posts)?;
        for (section, drafts, end) in chapters.into_iter().skip(1) {
            assembler.chapter(section, drafts, end)?;
        }
        let mut profile = String::new();
        Resolver { root: "view/", ..resolver }.resolve(&mut profile, &self.profile)?;
        let few_omissions = if are_few { Some(render(&self.few_omissions)?) } else { None };
        if !are_few {
            assembler.chapter(Section::Omissions, &self.omissions, "")?;
        }
        let index = Index {
            frame: &frame,
            root: "",
            section: None,
            style: STYLE,
            style_hash: style_hash(),
            profile: &profile,
            counts: counts
                .iter()
                .filter(|(_, n)| **n > 0)
                .map(|(kind, n)| CountRow::new(&frame, *kind, *n))
                .collect(),
            years: years.iter().map(|(year, posts)| year_row(&frame, *year, posts)).collect(),
            last_posts: Section::Posts.path(last_posts),
            omissions: self.reasons.values().sum(),
            reasons: self
                .reasons
                .iter()
                .map(|(code, n)| (frame.reason(*code), frame.words.number(*n)))
                .collect(),
            few_omissions: few_omissions.as_deref(),
            unlisted: self.unlisted,
        };
        spool.page(names::INDEX, &index)?;
        spool.finish()
    }
}

/// Registers a person's name, unless one is registered already.
fn add_person_name(scratch: &mut Scratch, people: &mut Spans, id: &str, name: &str) -> Result<(), ViewError> {
    let name = name.trim();
    if !name.is_empty() && name != id && !people.contains_key(&hash(id)) {
        people.insert(hash(id), scratch.add(&PersonName { name })?);
    }
    Ok(())
}
