//! What diaspora*'s models require of rows beyond what its database declares (`app/models`, 0.9).

/// A column that names a row of another table.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The table that refers.
    pub table: &'static str,
    /// Its column.
    pub column: &'static str,
    /// The table it refers to, by `id`.
    pub to: &'static str,
    /// Whether the model wants the column filled, although the database takes NULL.
    pub required: bool,
}

const fn needs(table: &'static str, column: &'static str, to: &'static str) -> Reference {
    Reference { table, column, to, required: true }
}

const fn may(table: &'static str, column: &'static str, to: &'static str) -> Reference {
    Reference { table, column, to, required: false }
}

/// References that only the models know; those of the database are in [`super::Table::links`].
pub static REFERENCES: &[Reference] = &[
    may("users", "invited_by_id", "users"),
    may("users", "auto_follow_back_aspect_id", "aspects"),
    may("people", "owner_id", "users"),
    needs("aspects", "user_id", "users"),
    needs("contacts", "user_id", "users"),
    needs("blocks", "user_id", "users"),
    needs("blocks", "person_id", "people"),
    needs("roles", "person_id", "people"),
    needs("user_preferences", "user_id", "users"),
    needs("invitation_codes", "user_id", "users"),
    needs("account_deletions", "person_id", "people"),
    may("posts", "o_embed_cache_id", "o_embed_caches"),
    may("posts", "open_graph_cache_id", "open_graph_caches"),
    needs("photos", "author_id", "people"),
    needs("locations", "status_message_id", "posts"),
    needs("polls", "status_message_id", "posts"),
    needs("poll_answers", "poll_id", "polls"),
    needs("mentions", "person_id", "people"),
    needs("taggings", "tag_id", "tags"),
    needs("tag_followings", "tag_id", "tags"),
    needs("tag_followings", "user_id", "users"),
    needs("participations", "author_id", "people"),
    needs("likes", "author_id", "people"),
    needs("poll_participations", "poll_id", "polls"),
    needs("poll_participations", "poll_answer_id", "poll_answers"),
    needs("poll_participations", "author_id", "people"),
    needs("notifications", "recipient_id", "users"),
    needs("notification_actors", "person_id", "people"),
    needs("reports", "user_id", "users"),
];

/// A pair of columns that names a row of one of several tables.
#[derive(Clone, Copy, Debug)]
pub struct Polymorphic {
    /// The table that refers.
    pub table: &'static str,
    /// The column with the row's number.
    pub id: &'static str,
    /// The column with the class; always the class the table is named for, `Post` and never `StatusMessage`.
    pub class: &'static str,
    /// Classes that may stand there.
    pub classes: &'static [&'static str],
}

const fn any(
    table: &'static str,
    id: &'static str,
    class: &'static str,
    classes: &'static [&'static str],
) -> Polymorphic {
    Polymorphic { table, id, class, classes }
}

/// References to rows of several tables.
pub static POLYMORPHIC: &[Polymorphic] = &[
    any("aspect_visibilities", "shareable_id", "shareable_type", &["Post", "Photo"]),
    any("share_visibilities", "shareable_id", "shareable_type", &["Post", "Photo"]),
    any("mentions", "mentions_container_id", "mentions_container_type", &["Post", "Comment"]),
    any("references", "source_id", "source_type", &["Post", "Comment", "Message"]),
    any("references", "target_id", "target_type", &["Post"]),
    any("taggings", "taggable_id", "taggable_type", &["Post", "Comment", "Profile"]),
    any("participations", "target_id", "target_type", &["Post"]),
    any("comments", "commentable_id", "commentable_type", &["Post"]),
    any("likes", "target_id", "target_type", &["Post", "Comment"]),
    any("reports", "item_id", "item_type", &["Post", "Comment"]),
];

/// The table of a class.
pub fn table_of(class: &str) -> &'static str {
    match class {
        "Post" => "posts",
        "Photo" => "photos",
        "Comment" => "comments",
        "Message" => "messages",
        "Profile" => "profiles",
        _ => "",
    }
}

/// What must be different in each row of a table, beyond its unique indexes. Rows with a NULL do not count.
pub static UNIQUE: &[(&str, &[&str])] = &[
    ("profiles", &["person_id"]),
    ("locations", &["status_message_id"]),
    ("polls", &["status_message_id"]),
    ("participations", &["guid"]),
    ("user_preferences", &["user_id", "email_type"]),
    ("aspects", &["user_id", "order_id"]),
    ("reports", &["item_id", "item_type", "user_id"]),
];

/// Unique without regard to case.
pub static UNIQUE_WORDS: &[(&str, &[&str])] = &[
    ("users", &["username"]),
    ("users", &["email"]),
    ("people", &["diaspora_handle"]),
    ("aspects", &["user_id", "name"]),
    ("tags", &["name"]),
];

/// Columns that may be NULL in the database and not in the model, or not blank.
pub static PRESENT: &[(&str, &str)] = &[
    ("users", "username"),
    ("users", "email"),
    ("users", "serialized_private_key"),
    ("people", "serialized_public_key"),
    ("pods", "host"),
    ("aspects", "name"),
    ("aspects", "order_id"),
    ("photos", "created_at"),
    ("photos", "updated_at"),
    ("photos", "remote_photo_path"),
    ("photos", "remote_photo_name"),
    ("locations", "lat"),
    ("locations", "lng"),
    ("polls", "guid"),
    ("polls", "question"),
    ("poll_answers", "guid"),
    ("poll_answers", "answer"),
    ("poll_participations", "guid"),
    ("poll_participations", "created_at"),
    ("participations", "guid"),
    ("comments", "text"),
    ("messages", "text"),
    ("tags", "name"),
    ("signature_orders", "order"),
    ("comment_signatures", "author_signature"),
    ("like_signatures", "author_signature"),
    ("poll_participation_signatures", "author_signature"),
    ("posts", "interacted_at"),
];

/// Longest texts in characters, where the model says less than the column's type.
pub static LENGTHS: &[(&str, &str, usize)] = &[
    ("users", "username", 32),
    ("aspects", "name", 20),
    ("profiles", "first_name", 32),
    ("profiles", "last_name", 32),
    ("profiles", "location", 255),
    ("profiles", "gender", 255),
    ("posts", "text", 65_535),
    ("comments", "text", 65_535),
];

/// A column that counts rows of another table.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// The table and its column.
    pub counts: (&'static str, &'static str),
    /// The table that is counted.
    pub rows: &'static str,
    /// The column there that refers, and the one here it refers to.
    pub by: (&'static str, &'static str),
    /// What else must hold there: a column and its value.
    pub only: &'static [(&'static str, &'static str)],
}

/// All counters of a pod.
pub static COUNTERS: &[Counter] = &[
    Counter {
        counts: ("posts", "comments_count"),
        rows: "comments",
        by: ("commentable_id", "id"),
        only: &[("commentable_type", "Post")],
    },
    Counter {
        counts: ("posts", "likes_count"),
        rows: "likes",
        by: ("target_id", "id"),
        only: &[("target_type", "Post"), ("positive", "1")],
    },
    Counter { counts: ("posts", "reshares_count"), rows: "posts", by: ("root_guid", "guid"), only: &[] },
    Counter {
        counts: ("comments", "likes_count"),
        rows: "likes",
        by: ("target_id", "id"),
        only: &[("target_type", "Comment"), ("positive", "1")],
    },
    Counter {
        counts: ("poll_answers", "vote_count"),
        rows: "poll_participations",
        by: ("poll_answer_id", "id"),
        only: &[],
    },
    Counter { counts: ("tags", "taggings_count"), rows: "taggings", by: ("tag_id", "id"), only: &[] },
];

/// Columns that hold one of a few words; NULL passes where the column takes it.
pub static WORDS: &[(&str, &str, &[&str])] = &[
    ("posts", "type", &["StatusMessage", "Reshare"]),
    (
        "user_preferences",
        "email_type",
        &[
            "someone_reported",
            "mentioned",
            "mentioned_in_comment",
            "comment_on_post",
            "private_message",
            "started_sharing",
            "also_commented",
            "liked",
            "liked_comment",
            "reshared",
            "contacts_birthday",
        ],
    ),
    (
        "users",
        "color_theme",
        &["original", "original_white", "dark_green", "magenta", "egyptian_blue", "dark"],
    ),
    ("roles", "name", &["admin", "moderator", "spotlight"]),
    ("pods", "status", &["0", "1", "2", "3", "4", "5", "6", "7"]),
    ("taggings", "context", &["tags"]),
];

/// Languages a pod offers (`config/locale_settings.yml`); a user must have one of them.
pub static LANGUAGES: &[&str] = &[
    "ar",
    "art-nvi",
    "bg",
    "br",
    "bs",
    "ca",
    "cs",
    "cy",
    "da",
    "de",
    "de_formal",
    "de_moo",
    "de-CH",
    "el",
    "en",
    "en_1337",
    "en_pirate",
    "en_shaw",
    "en_valspeak",
    "eo",
    "es",
    "es-AR",
    "es-CL",
    "es-CO",
    "es-VE",
    "es-MX",
    "et",
    "eu",
    "fi",
    "fil",
    "fr",
    "fy",
    "ga",
    "gd",
    "gl",
    "he",
    "hu",
    "hye",
    "hye-classical",
    "hyw",
    "ia",
    "id",
    "is",
    "it",
    "ja",
    "ja-KS",
    "ka",
    "ko",
    "lt",
    "mk",
    "ml",
    "ms",
    "nb",
    "nds",
    "nl",
    "nn",
    "oc",
    "pa",
    "pl",
    "pt-PT",
    "pt-BR",
    "ro",
    "ru",
    "sc",
    "si",
    "sk",
    "sl",
    "sq",
    "sr",
    "sv",
    "te",
    "tr",
    "uk",
    "ur-PK",
    "vi",
    "wo",
    "zh-CN",
    "zh-TW",
];

/// Tables whose rows have a name in the network.
pub static NAMED: &[&str] = &[
    "people",
    "posts",
    "photos",
    "polls",
    "poll_answers",
    "comments",
    "likes",
    "poll_participations",
    "participations",
    "conversations",
    "messages",
    "notifications",
];
