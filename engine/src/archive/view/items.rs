//! The data for the templates of single records.

use askama::Template;

use super::inline::is_web_address;
use super::markdown::{Excerpt, Markdown};
use super::words::{Count, Day, Encoded, Moment, birthday, plain};
use super::{Audience, Reply};
use crate::domain::{
    Comment, CommentedPost, Contact, Conversation, Message, Omission, OwnPost, Photo, Poll, Post, Profile,
    RecordKind, Timestamp,
};

/// The profile, on the first page.
#[derive(Template)]
#[template(path = "view/profile.html")]
pub(super) struct ProfileItem<'a> {
    pub(super) lang: &'a str,
    pub(super) name: &'a str,
    pub(super) avatar: Option<Encoded<'a>>,
    pub(super) bio: Markdown<'a>,
    pub(super) birthday: Option<String>,
    pub(super) gender: Option<&'a str>,
    pub(super) location: Option<&'a str>,
    pub(super) tags: Option<&'a str>,
}

impl<'a> ProfileItem<'a> {
    pub(super) fn new(lang: &'a str, name: &'a str, profile: &'a Profile, avatar: Option<&'a str>) -> Self {
        let filled =
            |text: &'a Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        Self {
            lang,
            name,
            avatar: avatar.map(Encoded),
            bio: Markdown(profile.bio.as_deref().unwrap_or_default()),
            birthday: filled(&profile.birthday).map(birthday),
            gender: filled(&profile.gender),
            location: filled(&profile.location),
            tags: filled(&profile.tag_string),
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
    pub(super) contact: &'a Contact,
}

/// A post with its comments and likes.
#[derive(Template)]
#[template(path = "view/post.html")]
pub(super) struct PostItem<'a> {
    pub(super) lang: &'a str,
    pub(super) account: &'a str,
    pub(super) post: &'a Post,
    pub(super) guid: &'a str,
    pub(super) created_at: Moment,
    pub(super) audience: &'a Audience,
    pub(super) text: Markdown<'a>,
    pub(super) photos: Vec<PhotoItem<'a>>,
    pub(super) poll: Option<&'a Poll>,
    pub(super) place: Option<&'a str>,
    pub(super) client: Option<&'a str>,
    pub(super) likes: u64,
    pub(super) replies: Vec<ReplyItem<'a>>,
}

impl<'a> PostItem<'a> {
    pub(super) fn new(
        lang: &'a str,
        account: &'a str,
        own: &'a OwnPost,
        audience: &'a Audience,
        likes: u64,
        replies: &'a [Reply],
    ) -> Self {
        let message = match &own.post {
            Post::StatusMessage(message) => Some(message),
            Post::Reshare(_) => None,
        };
        let filled = |text: &&'a str| !text.trim().is_empty();
        Self {
            lang,
            account,
            post: &own.post,
            guid: own.post.guid().as_str(),
            created_at: Moment(created_at(&own.post)),
            audience,
            text: Markdown(message.map_or("", |message| &message.text)),
            photos: message.map_or_else(Vec::new, |message| {
                let all = message.photos.len();
                message.photos.iter().zip(1..).map(|(photo, n)| PhotoItem::new(&photo.0, n, all)).collect()
            }),
            poll: message.and_then(|message| message.poll.as_ref()).map(|poll| &poll.0),
            place: message
                .and_then(|m| m.location.as_ref())
                .map(|place| place.0.address.as_str())
                .filter(filled),
            client: message.and_then(|message| message.provider_display_name.as_deref()).filter(filled),
            likes,
            replies: replies.iter().map(ReplyItem::new).collect(),
        }
    }

    fn like_count(&self) -> Count {
        Count(self.likes)
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
    created_at: Option<Moment>,
    text: Markdown<'a>,
}

impl<'a> ReplyItem<'a> {
    fn new(reply: &'a Reply) -> Self {
        let name = reply.author_name.trim();
        Self {
            id: &reply.author_id,
            name: if name.is_empty() { &reply.author_id } else { name },
            created_at: reply.created_at.map(Moment),
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
    of: usize,
    size: Option<(i64, i64)>,
}

impl<'a> PhotoItem<'a> {
    fn new(photo: &'a Photo, number: usize, of: usize) -> Self {
        let caption = photo.text.as_deref().map(plain).filter(|caption| !caption.is_empty());
        let size = photo.width.zip(photo.height).filter(|&(width, height)| width > 0 && height > 0);
        // A mark ends at the first "-->", which escaping removes from the name.
        let name = caption.clone().unwrap_or_else(|| plain(&photo.remote_photo_name));
        Self { file: Encoded(&photo.remote_photo_name), caption, name, number, of, size }
    }
}

/// A photo outside posts.
#[derive(Template)]
#[template(path = "view/photo.html")]
pub(super) struct LoosePhotoItem<'a> {
    pub(super) lang: &'a str,
    pub(super) photo: PhotoItem<'a>,
    pub(super) created_on: Day,
    pub(super) avatar: bool,
}

impl<'a> LoosePhotoItem<'a> {
    pub(super) fn new(lang: &'a str, photo: &'a Photo, avatar: bool) -> Self {
        Self { lang, photo: PhotoItem::new(photo, 1, 1), created_on: Day(photo.created_at), avatar }
    }
}

/// One of the account's own comments.
#[derive(Template)]
#[template(path = "view/comment.html")]
pub(super) struct CommentItem<'a> {
    pub(super) lang: &'a str,
    pub(super) guid: &'a str,
    pub(super) parent: &'a str,
    pub(super) created_at: Moment,
    pub(super) text: Markdown<'a>,
}

impl<'a> CommentItem<'a> {
    pub(super) fn new(lang: &'a str, comment: &'a Comment) -> Self {
        let (guid, parent) = (comment.guid.as_str(), comment.parent_guid.as_str());
        Self { lang, guid, parent, created_at: Moment(comment.created_at), text: Markdown(&comment.text) }
    }
}

/// One of the account's own likes on a post.
#[derive(Template)]
#[template(source = "<li>Liked <!--parent {{ parent }}--></li>\n", ext = "html")]
pub(super) struct LikeItem<'a> {
    pub(super) parent: &'a str,
}

impl LikeItem<'_> {
    /// Returns the entry for likes on comments, which are counted only; empty if there are none.
    pub(super) fn on_comments(count: u64) -> String {
        match count {
            0 => String::new(),
            1 => "<li>Liked a comment, which has no page of its own</li>\n".to_owned(),
            _ => format!("<li>Liked {} comments, which have no pages of their own</li>\n", Count(count)),
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
    lang: &'a str,
    guid: &'a str,
    /// ID and host of the author, and the address of the post, unless it is the account's own post.
    others: Option<(&'a str, &'a str, &'a str)>,
    created_on: Day,
    text: Excerpt<'a>,
}

impl<'a> ParentItem<'a> {
    /// Describes one of the account's own posts.
    pub(super) fn own(lang: &'a str, post: &'a Post) -> Self {
        let text = match post {
            Post::StatusMessage(message) => message.text.as_str(),
            Post::Reshare(_) => "",
        };
        let created_on = Day(created_at(post));
        Self { lang, guid: post.guid().as_str(), others: None, created_on, text: Excerpt(text) }
    }

    /// Describes somebody else's post.
    pub(super) fn of(post: &'a CommentedPost) -> Self {
        let url = if is_web_address(&post.url) { post.url.as_str() } else { "" };
        Self {
            lang: "",
            guid: post.guid.as_str(),
            others: Some((post.author.as_str(), post.author.host(), url)),
            created_on: Day(post.created_at),
            text: Excerpt(&post.text),
        }
    }
}

/// A part of a conversation, of at most one page.
#[derive(Template)]
#[template(path = "view/conversation.html")]
pub(super) struct ConversationItem<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) created_at: Moment,
    pub(super) continued: bool,
    pub(super) messages: Vec<MessageItem<'a>>,
}

/// A message in a conversation.
pub(super) struct MessageItem<'a> {
    author: &'a str,
    /// The language, known only for the account's own messages.
    lang: &'a str,
    own: bool,
    created_at: Moment,
    text: Markdown<'a>,
}

impl<'a> MessageItem<'a> {
    pub(super) fn new(lang: &'a str, account: &str, message: &'a Message) -> Self {
        let author = message.author.as_str();
        let own = author == account;
        let lang = if own { lang } else { "" };
        Self { author, lang, own, created_at: Moment(message.created_at), text: Markdown(&message.text) }
    }
}

/// An omission.
#[derive(Template)]
#[template(path = "view/omission.html")]
pub(super) struct OmissionItem {
    kind: RecordKind,
    name: String,
    reason: String,
}

impl OmissionItem {
    pub(super) fn new(omission: &Omission) -> Self {
        let record = &omission.record;
        let name = match (&record.name, record.id) {
            (Some(name), _) => plain(name),
            (None, Some(id)) => format!("no. {id}"),
            (None, None) => String::new(),
        };
        Self { kind: record.kind, name, reason: plain(&omission.reason) }
    }
}
