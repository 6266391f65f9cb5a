//! An invented pod whose people use everything diaspora* has.
//!
//! The people, posts and words stand in tables of data ([`cast`], [`circles`], [`posts`],
//! [`talk`]); [`build`] turns them into rows, the same on every database: guids are digests of
//! the names used in those tables, times count from the day the pod opened, keys come from
//! `fixtures/keys`. What diaspora* derives is derived here too: mentions and tags from the text,
//! counters, subscriptions, notifications, visibilities, and the signatures it stores for
//! relayables by people from elsewhere on posts by people from here.

mod build_circles;
mod build_people;
mod build_photos;
mod build_posts;
mod build_talk;
mod circles;
mod damage;
mod keys;
mod people;
mod pod_directory;
mod posts;
pub(crate) mod sheet;
mod story;
mod talk;
mod words;

use std::path::Path;

pub use damage::{Damage, damage};
pub use keys::{KeyPair, KeySize, PAIRS_1024, PAIRS_2048, PAIRS_4096, Signer, sign};
pub use pod_directory::write_pod_directory;
pub use words::backup_codes;
pub use words::guid;
pub(crate) use words::usual_password;

use crate::schema::{Pool, SchemaError};
use story::Story;

/// Where the sample pod claims to be.
pub const POD_URL: &str = "https://closing.example/";
/// The part of its diaspora* IDs behind the @.
pub const POD_HOST: &str = "closing.example";
/// Everybody's password.
pub const PASSWORD: &str = "bluepin7";
/// What diaspora* appends to passwords before it hashes them; public, and the same on every pod.
pub const PEPPER: &str = "065eb8798b181ff0ea2c5c16aee0ff8b70e04e2ee6bd6e08b49da46924223e39127d5335e466207d42bf2a045c12be5f90e92012a4f05f7fc6d9f3c875f4c95b";
/// The secret of jonas's one-time codes, base32.
pub const OTP_SECRET: &str = "KVKFKRCPNZQUYMLXOVYDSQKJKZDTSRLD";

/// What can go wrong while the sample pod is made or damaged.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The tables of data name something that is not there.
    #[error("the sample has no {kind} {name}")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A value does not fit its column.
    #[error("a value of the sample does not fit into {column}")]
    Unfit {
        /// Table and column.
        column: String,
    },
    /// A key could not be used.
    #[error("could not sign with a key of the sample: {0}")]
    Key(String),
    /// A password could not be hashed.
    #[error("could not hash a password: {0}")]
    Password(#[from] bcrypt::BcryptError),
    /// A picture could not be drawn or written.
    #[error("could not draw {name}: {source}")]
    Picture {
        /// The file.
        name: String,
        /// What went wrong.
        source: image::ImageError,
    },
    /// A file or folder could not be written.
    #[error("could not write {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address of a database cannot be put into `database.yml`.
    #[error("not an address for database.yml: {0}")]
    Address(String),
    /// This database cannot hold such a defect.
    #[error("{database} cannot hold {damage}")]
    Impossible {
        /// Which database.
        database: &'static str,
        /// Which defect.
        damage: &'static str,
    },
    /// The database refused.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database refused.
    #[error("the database refused the sample: {0}")]
    Database(#[from] sqlx::Error),
}

/// Somebody in the sample pod.
#[derive(Clone, Debug)]
pub struct SamplePerson {
    /// What the sample calls them; the user name for people from here.
    pub name: &'static str,
    /// What they are in the sample for.
    pub about: &'static str,
    /// `people.id`.
    pub person_id: i64,
    /// `users.id`, for people from here.
    pub user_id: Option<i64>,
    /// user@host.
    pub diaspora_id: String,
    /// `people.guid`.
    pub guid: String,
    /// Their keys; the private ones of remote people too, so that tests can speak for them.
    pub keys: KeyPair,
}

/// The sample pod as built.
#[derive(Clone, Debug)]
pub struct SamplePod {
    /// Everybody, by `people.id`.
    pub people: Vec<SamplePerson>,
    /// The names of the original pictures that are under `uploads/images`.
    pub photos: Vec<String>,
    /// Codes that replace jonas's one-time code, once each.
    pub backup_codes: Vec<String>,
    /// How many rows all tables have, without `schema_migrations`.
    pub rows: usize,
}

impl SamplePod {
    /// Somebody by their name in the sample.
    pub fn person(&self, name: &str) -> Option<&SamplePerson> {
        self.people.iter().find(|person| person.name == name)
    }
}

/// Makes the tables in an empty database, fills them, and writes the pictures to
/// `uploads/images`; `uploads` is what diaspora* has as `public/uploads`.
///
/// # Errors
/// When the database is not empty, refuses something, or a picture cannot be written.
pub async fn build(target: &Pool, uploads: &Path, keys: KeySize) -> Result<SamplePod, SampleError> {
    crate::schema::create(target).await?;
    let mut story = Story::new(keys);
    story.add_people()?;
    story.add_circles()?;
    story.add_posts()?;
    let photos = story.add_photos(uploads)?;
    story.add_talk()?;
    story.count()?;
    story.sheet.write(target).await?;
    Ok(SamplePod {
        people: story.sample_people(),
        photos,
        backup_codes: words::backup_codes(),
        rows: story.sheet.len(),
    })
}
