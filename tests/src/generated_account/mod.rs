//! Accounts that nobody thought up: plain data for a generator to fill, and how it becomes a pod.
//!
//! Numbers that name somebody or something may be any: they are taken modulo of what there is.

mod circle;
mod pictures;
mod posts;
mod talk;
mod writing;

use std::path::Path;

use crate::sample::SampleError;
use crate::sample::sheet::Sheet;
use crate::schema::Pool;

/// The account's username.
pub const NAME: &str = "vita";

/// One account with everything it has, and the people around it.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Its settings.
    pub settings: Settings,
    /// Its profile.
    pub profile: Profile,
    /// Its aspects.
    pub aspects: Vec<Aspect>,
    /// Everybody else.
    pub people: Vec<Person>,
    /// Its posts, oldest first.
    pub posts: Vec<Post>,
    /// Its photos outside posts.
    pub photos: Vec<Photo>,
    /// Comments, by anybody.
    pub comments: Vec<Comment>,
    /// Likes of posts: whose post, and who likes it.
    pub likes: Vec<(Under, Who)>,
    /// Votes: which own post, who, which answer.
    pub votes: Vec<(usize, Who, usize)>,
    /// Posts the account wants to hear about.
    pub subscriptions: Vec<Under>,
    /// Posts of others it does not want to see, and own ones.
    pub hidden: Vec<Under>,
    /// Tags it follows.
    pub tags: Vec<String>,
    /// Its conversations.
    pub talks: Vec<Talk>,
}

/// What the user chose.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Code of a language.
    pub language: Option<&'static str>,
    /// Name of a colour theme.
    pub theme: Option<&'static str>,
    /// No mail, spotlight, follow back, posts are public.
    pub flags: [bool; 4],
    /// The aspect for those who are followed back.
    pub back: Option<usize>,
    /// Mail the user does not want.
    pub mail: Vec<&'static str>,
}

/// What the person says.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// First and last name.
    pub names: [Option<String>; 2],
    /// Bio, gender, location.
    pub words: [Option<String>; 3],
    /// A day.
    pub birthday: Option<&'static str>,
    /// Can be searched, public details, not safe for work.
    pub flags: [bool; 3],
    /// Its tags.
    pub tags: Vec<String>,
    /// A photo outside posts, or an address elsewhere.
    pub picture: Option<Result<usize, String>>,
}

/// A group of contacts.
#[derive(Clone, Debug)]
pub struct Aspect {
    /// Its name.
    pub name: String,
    /// Its place, as odd as it may be.
    pub order: Option<i64>,
    /// Whether new posts go there.
    pub chosen: bool,
}

/// Somebody else.
#[derive(Clone, Debug)]
pub struct Person {
    /// The pod: 0 is the account's own.
    pub home: usize,
    /// Names.
    pub names: [Option<String>; 2],
    /// What the account has with them.
    pub tie: Tie,
    /// Where they lived before.
    pub before: Option<usize>,
}

/// What an account has with somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// A contact: sharing, receiving, and a bit for each aspect.
    Contact(bool, bool, u8),
    /// Ignored.
    Blocked,
    /// Nothing.
    None,
}

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The account.
    Own,
    /// Somebody else; whether under the name they had before they moved.
    Other(usize, bool),
}

/// A post of the account, or the public or the limited post of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// An own one.
    Own(usize),
    /// Somebody's public one.
    Public(usize),
    /// Somebody's limited one, which the account may see.
    Limited(usize),
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub enum Piece {
    /// These words.
    Words(String),
    /// Somebody is mentioned, with or without a name.
    Mention(usize, bool),
}

/// A text.
pub type Text = Vec<Piece>;

/// A post of the account.
#[derive(Clone, Debug)]
pub enum Post {
    /// Something it wrote.
    Message(Box<Message>),
    /// Somebody's public post, passed on; of nobody when it is gone.
    Reshare(Option<usize>),
}

/// Something the account wrote.
#[derive(Clone, Debug)]
pub struct Message {
    /// The words.
    pub text: Text,
    /// None for everybody, else a bit for each aspect.
    pub aspects: Option<u8>,
    /// The client.
    pub client: Option<&'static str>,
    /// Photos.
    pub photos: Vec<Photo>,
    /// Address, latitude, longitude.
    pub place: Option<(Option<String>, &'static str, &'static str)>,
    /// Question and answers.
    pub poll: Option<(String, Vec<String>)>,
}

/// A photo.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Which picture; see [`pictures`].
    pub picture: usize,
    /// Whether everybody may see it, outside posts.
    pub public: bool,
    /// What stands below.
    pub caption: Option<String>,
    /// Whether its file is gone.
    pub lost: bool,
    /// Whether width and height are known.
    pub measured: bool,
}

/// A comment with its likes.
#[derive(Clone, Debug)]
pub struct Comment {
    /// Where.
    pub under: Under,
    /// By whom.
    pub author: Who,
    /// The words.
    pub text: Text,
    /// When it was changed.
    pub edited: bool,
    /// Values that other software signs; nothing for a name without value.
    pub extra: Vec<(&'static str, Option<String>)>,
    /// By how much the order of the signed values is turned.
    pub turn: usize,
    /// Who likes it.
    pub likes: Vec<Who>,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Talk {
    /// Who began it.
    pub author: Who,
    /// Who else takes part.
    pub people: Vec<usize>,
    /// What it is about.
    pub subject: Option<String>,
    /// Who says what; the number names one of those who take part.
    pub messages: Vec<(usize, String)>,
    /// How many of them are unread.
    pub unread: usize,
}

impl Life {
    /// Makes the pod this account lives on, in an empty database and an empty folder.
    ///
    /// # Errors
    /// When the database refuses something or a picture cannot be written.
    pub async fn write(&self, pool: &Pool, uploads: &Path) -> Result<(), SampleError> {
        crate::schema::create(pool).await?;
        let mut writing = writing::Writing { life: self, sheet: Sheet::default(), ..Default::default() };
        writing.add_people()?;
        writing.add_account()?;
        writing.add_ties()?;
        writing.add_foreign_posts()?;
        writing.add_posts(uploads)?;
        writing.add_talk()?;
        writing.sheet.write(pool).await
    }
}
