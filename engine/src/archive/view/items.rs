//! The data for the templates of single records.

use std::fmt::Display;

use askama::Template;
use askama::filters::Safe;

use super::inline::is_linkable;
use super::markdown::{Excerpt, Markdown};
use super::pages::{Frame, person_mark};
use super::words::{Day, Encoded, Moment, plain};
use super::{Audience, Reply};
use crate::domain::{
    Comment, CommentedPost, Contact, Conversation, Message, Omission, OwnPost, Photo, Poll, Post, Profile,
    Timestamp,
};

/// The profile, on the first page.
#[derive(Template)]
#[template(path = "view/profile.html")]
pub(super) struct ProfileItem<'a> {
    pub(super) frame: &'a Frame,
    pub(super) name: &'a str,
    pub(super) avatar: Option<Encoded<'a>>,
    pub(super) bio: Markdown<'a>,
    pub(super) birthday: Option<String>,
    pub(super) gender: Option<&'a str>,
    pub(super) location: Option<&'a str>,
    pub(super) tags: Option<&'a str>,
}

impl<'a> ProfileItem<'a> {
    pub(super) fn new(frame: &'a Frame, profile: &'a Profile, avatar: Option<&'a str>) -> Self {
        let non_empty =
            |text: &'a Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        Self {
            frame,
            name: &frame.name,
            avatar: avatar.map(Encoded),
            bio: Markdown(profile.bio.as_deref().unwrap_or_default()),
            birthday: non_empty(&profile.birthday).map(|birthday| frame.words.birthday(birthday)),
            gender: non_empty(&profile.gender),
            location: non_empty(&profile.location),
            tags: non_empty(&profile.tag_string),
        }
    }

    fn has_facts(&self) -> bool {
        self.birthday.is_some() || self.gender.is_some() || self.location.is_some() || self.tags.is_some()
    }
}

/// A contact.
#[derive(Template)]
#[template(path = "view/contact.html")]
pub(super) struct ContactItem<'a> {
    pub(super) frame: &'a Frame,
    pub(super) contact: &'a Contact,
}

/// A post with its comments and likes.
#[derive(Template)]
#[template(path = "view/post.html")]
pub(super) struct PostItem<'a> {
    pub(super) frame: &'a Frame,
    pub(super) post: &'a Post,
    pub(super) guid: &'a str,
    pub(super) created_at: Moment<'a>,
    pub(super) audience: &'a Audience,
    pub(super) text: Markdown<'a>,
    pub(super) photos: Vec<PhotoItem<'a>>,
    pub(super) poll: Option<&'a Poll>,
    pub(super) location: Option<&'a str>,
    pub(super) client: Option<&'a str>,
    pub(super) likes: u64,
    pub(super) replies: Vec<ReplyItem<'a>>,
}

impl<'a> PostItem<'a> {
    pub(super) fn new(
        frame: &'a Frame,
        own: &'a OwnPost,
        audience: &'a Audience,
        likes: u64,
        replies: &'a [Reply],
    ) -> Self {
        let message = match &own.post {
            Post::StatusMessage(message) => Some(message),
            Post::Reshare(_) => None,
        };
        let non_empty = |text: &&'a str| !text.trim().is_empty();
        Self {
            frame,
            post: &own.post,
            guid: own.post.guid().as_str(),
            created_at: frame.words.moment(created_at(&own.post)),
            audience,
            text: Markdown(message.map_or("", |message| &message.text)),
            photos: message.map_or_else(Vec::new, |message| {
                let all = message.photos.len();
                message.photos.iter().zip(1..).map(|(photo, n)| PhotoItem::new(&photo.0, n, all)).collect()
            }),
            poll: message.and_then(|message| message.poll.as_ref()).map(|poll| &poll.0),
            location: message
                .and_then(|m| m.location.as_ref())
                .map(|location| location.0.address.as_str())
                .filter(non_empty),
            client: message.and_then(|message| message.provider_display_name.as_deref()).filter(non_empty),
            likes,
            replies: replies.iter().map(|reply| ReplyItem::new(frame, reply)).collect(),
        }
    }

    fn like_count(&self) -> String {
        self.frame.words.counted("view-like-count", self.likes)
    }

    fn reply_count(&self) -> String {
        self.frame.words.counted("view-comment-count", self.replies.len() as u64)
    }
}

/// Returns the time at which a post was created.
pub(super) fn created_at(post: &Post) -> Timestamp {
    match post {
        Post::StatusMessage(message) => message.created_at,
        Post::Reshare(reshare) => reshare.created_at,
    }
}

/// A comment under a post.
pub(super) struct ReplyItem<'a> {
    id: &'a str,
    name: &'a str,
    created_at: Option<Moment<'a>>,
    text: Markdown<'a>,
}

impl<'a> ReplyItem<'a> {
    fn new(frame: &'a Frame, reply: &'a Reply) -> Self {
        let name = reply.author_name.trim();
        Self {
            id: &reply.author_id,
            name: if name.is_empty() { &reply.author_id } else { name },
            created_at: reply.created_at.map(|time| frame.words.moment(time)),
            text: Markdown(&reply.text),
        }
    }
}

/// A photo of a post.
pub(super) struct PhotoItem<'a> {
    file: Encoded<'a>,
    caption: Option<String>,
    /// The name shown if its file is missing: the caption, or the file name.
    name: String,
    number: usize,
    total: usize,
    size: Option<(i64, i64)>,
}

impl<'a> PhotoItem<'a> {
    fn new(photo: &'a Photo, number: usize, total: usize) -> Self {
        let caption = photo.text.as_deref().map(plain).filter(|caption| !caption.is_empty());
        let size = photo.width.zip(photo.height).filter(|&(width, height)| width > 0 && height > 0);
        // A mark ends at the first "-->", which escaping removes from the name.
        let name = caption.clone().unwrap_or_else(|| plain(&photo.remote_photo_name));
        Self { file: Encoded(&photo.remote_photo_name), caption, name, number, total, size }
    }

    /// Returns the number of a photo without a description among those of its post.
    fn position(&self, frame: &Frame) -> Safe<String> {
        frame.words.html("view-photo-of", &[("number", &self.number), ("total", &self.total)])
    }
}

/// A photo outside posts.
#[derive(Template)]
#[template(path = "view/photo.html")]
pub(super) struct LoosePhotoItem<'a> {
    pub(super) frame: &'a Frame,
    pub(super) photo: PhotoItem<'a>,
    pub(super) created_on: Day<'a>,
    pub(super) avatar: bool,
}

impl<'a> LoosePhotoItem<'a> {
    pub(super) fn new(frame: &'a Frame, photo: &'a Photo, avatar: bool) -> Self {
        Self {
            frame,
            photo: PhotoItem::new(photo, 1, 1),
            created_on: frame.words.day(photo.created_at),
            avatar,
        }
    }
}

/// One of the account's own comments.
#[derive(Template)]
#[template(path = "view/comment.html")]
pub(super) struct CommentItem<'a> {
    frame: &'a Frame,
    guid: &'a str,
    parent: &'a str,
    created_at: Moment<'a>,
    text: Markdown<'a>,
}

impl<'a> CommentItem<'a> {
    pub(super) fn new(frame: &'a Frame, comment: &'a Comment) -> Self {
        let (guid, parent) = (comment.guid.as_str(), comment.parent_guid.as_str());
        let created_at = frame.words.moment(comment.created_at);
        Self { frame, guid, parent, created_at, text: Markdown(&comment.text) }
    }

    fn parent_line(&self) -> Safe<String> {
        self.frame.words.html("view-comment-on", &[("post", &parent_mark(self.parent))])
    }
}

/// Returns the mark that [`super::marks`] replaces with the description of a post. GUIDs need no escaping.
fn parent_mark(guid: &str) -> String {
    format!("<!--parent {guid}-->")
}

/// One of the account's own likes on a post.
#[derive(Template)]
#[template(source = "<li>{{ self.parent_line() }}</li>\n", ext = "html")]
pub(super) struct LikeItem<'a> {
    pub(super) frame: &'a Frame,
    pub(super) parent: &'a str,
}

impl LikeItem<'_> {
    fn parent_line(&self) -> Safe<String> {
        self.frame.words.html("view-liked", &[("post", &parent_mark(self.parent))])
    }

    /// Returns the entry for likes on comments, which are only counted; empty if there are none.
    pub(super) fn on_comments(frame: &Frame, count: u64) -> String {
        match count {
            0 => String::new(),
            _ => format!("<li>{}</li>\n", frame.words.counted("view-liked-comments", count)),
        }
    }
}

/// A person's display name.
#[derive(Template)]
#[template(source = "{{ name }}", ext = "html")]
pub(super) struct PersonName<'a> {
    pub(super) name: &'a str,
}

/// The description of a post within the account's comments and likes.
#[derive(Template)]
#[template(path = "view/parent.html")]
pub(super) struct ParentItem<'a> {
    frame: &'a Frame,
    /// The language of the text, if known.
    lang: &'a str,
    guid: &'a str,
    /// ID and host of the author, and the address of the post, unless it is the account's own post.
    others: Option<(&'a str, &'a str, &'a str)>,
    created_on: Day<'a>,
    text: Excerpt<'a>,
}

impl<'a> ParentItem<'a> {
    /// Describes one of the account's own posts.
    pub(super) fn own(frame: &'a Frame, post: &'a Post) -> Self {
        let text = match post {
            Post::StatusMessage(message) => message.text.as_str(),
            Post::Reshare(_) => "",
        };
        let created_on = frame.words.day(created_at(post));
        let (lang, guid) = (frame.lang.as_str(), post.guid().as_str());
        Self { frame, lang, guid, others: None, created_on, text: Excerpt(text) }
    }

    /// Describes another person's post.
    pub(super) fn of(frame: &'a Frame, post: &'a CommentedPost) -> Self {
        let url = if is_linkable(&post.url) { post.url.as_str() } else { "" };
        Self {
            frame,
            lang: "",
            guid: post.guid.as_str(),
            others: Some((post.author.as_str(), post.author.host(), url)),
            created_on: frame.words.day(post.created_at),
            text: Excerpt(&post.text),
        }
    }

    fn others_post(&self, author: &str) -> Safe<String> {
        let values: [(_, &dyn Display); 2] = [("author", &person_mark(author)), ("day", &self.created_on)];
        self.frame.words.html("view-post-by", &values)
    }

    fn own_post(&self) -> Safe<String> {
        self.frame.words.html("view-own-post", &[("day", &self.created_on)])
    }

    fn quote(&self) -> Safe<String> {
        let text = format!("<bdi lang=\"{}\">{}</bdi>", self.lang, self.text);
        self.frame.words.html("view-quote", &[("text", &text)])
    }
}

/// A part of a conversation, of at most one page.
#[derive(Template)]
#[template(path = "view/conversation.html")]
pub(super) struct ConversationItem<'a> {
    pub(super) frame: &'a Frame,
    pub(super) conversation: &'a Conversation,
    pub(super) continued: bool,
    pub(super) messages: Vec<MessageItem<'a>>,
}

impl ConversationItem<'_> {
    fn participants(&self) -> Safe<String> {
        let people = self.conversation.participants.iter().map(|person| person_mark(person.as_str()));
        let people = people.collect::<Vec<_>>().join(", ");
        let time = self.frame.words.moment(self.conversation.created_at);
        self.frame.words.html("view-between", &[("people", &people), ("time", &time)])
    }
}

/// A message in a conversation.
pub(super) struct MessageItem<'a> {
    author: &'a str,
    /// The language, known only for the account's own messages.
    lang: &'a str,
    is_own: bool,
    created_at: Moment<'a>,
    text: Markdown<'a>,
}

impl<'a> MessageItem<'a> {
    pub(super) fn new(frame: &'a Frame, message: &'a Message) -> Self {
        let author = message.author.as_str();
        let is_own = author == frame.account;
        let lang = if is_own { frame.lang.as_str() } else { "" };
        let created_at = frame.words.moment(message.created_at);
        Self { author, lang, is_own, created_at, text: Markdown(&message.text) }
    }
}

/// An omission.
#[derive(Template)]
#[template(path = "view/omission.html")]
pub(super) struct OmissionItem {
    kind: String,
    name: String,
    reason: String,
}

impl OmissionItem {
    /// Describes an omission. The omission's own, more precise reason is in English; other languages have one text for
    /// each code.
    pub(super) fn new(frame: &Frame, omission: &Omission) -> Self {
        let (record, words) = (&omission.record, &frame.words);
        let name = match (&record.name, record.id) {
            (Some(name), _) => plain(name),
            (None, Some(id)) => words.html("view-row", &[("number", &id)]).0,
            (None, None) => String::new(),
        };
        let kind = words.text(&format!("record-{}", record.kind.as_str().replace('_', "-"))).into_owned();
        let reason = if words.code() == "en" { plain(&omission.reason) } else { frame.reason(omission.code) };
        Self { kind, name, reason }
    }
}
