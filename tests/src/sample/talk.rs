//! What people said to each other. As in the posts, authors are named as they were called then.

/// A comment.
pub(super) struct Comment {
    pub(super) key: &'static str,
    pub(super) author: &'static str,
    pub(super) post: &'static str,
    pub(super) text: &'static str,
    /// Which of [`ORDERS`] its signature follows.
    pub(super) order: usize,
    /// Properties diaspora* does not know: name, value as signed, value as Ruby writes it in YAML.
    pub(super) extra: &'static [(&'static str, &'static str, &'static str)],
}

const fn comment(key: &'static str, author: &'static str, post: &'static str, text: &'static str) -> Comment {
    Comment { key, author, post, text, order: COMMENT, extra: &[] }
}

/// The orders of signed properties this pod has met, in the order of `signature_orders.id`.
pub(super) static ORDERS: [&str; 7] = [
    "author guid parent_guid text created_at",
    "guid author text created_at parent_guid",
    "author guid parent_guid thread_parent_guid text created_at",
    "author guid parent_guid text created_at media_type foo",
    "author guid parent_guid text created_at edited_at",
    "author guid parent_guid parent_type positive",
    "author guid parent_guid poll_answer_guid",
];
pub(super) const COMMENT: usize = 0;
pub(super) const LIKE: usize = 5;
pub(super) const VOTE: usize = 6;

pub(super) static COMMENTS: &[Comment] = &[
    comment("jonas-on-hello", "jonas", "ida-hello", "Welcome, @{Ida Brandt ; ida@closing.example}!"),
    comment("paula-on-hello", "paula", "ida-hello", "Welcome; from contacts.example: naïve “quotes” & 🎉"),
    comment(
        "ida-on-hello",
        "ida",
        "ida-hello",
        "Thank you all, and see diaspora://ida@closing.example/post/{guid:ida-poll}",
    ),
    comment("clara-on-hello", "clara", "ida-hello", "I may not stay."),
    comment("moritz-on-hello", "moritz", "ida-hello", "Written before I moved."),
    comment("rosa-on-hello", "rosa", "ida-hello", "Signed with the key of my old pod."),
    comment("rosa-new-on-hello", "rosa-new", "ida-hello", "Signed with the key of my new pod."),
    comment("greta-on-hello", "greta", "ida-hello", "Nice to have you here. #newhere"),
    Comment {
        order: 1,
        ..comment("quentin-on-poll", "quentin", "ida-poll", "Two lines;\n\nsigned in an older order")
    },
    Comment {
        order: 2,
        extra: &[(
            "thread_parent_guid",
            "08ebb385531f93e895af7a5f31605e5d",
            "'08ebb385531f93e895af7a5f31605e5d'",
        )],
        ..comment("theo-on-oskar", "theo", "oskar-escapes", "A reply inside of a thread")
    },
    Comment {
        order: 3,
        extra: &[("media_type", "text/markdown", "text/markdown"), ("foo", "ünï;semi", "ünï;semi")],
        ..comment("theo-on-oskar-2", "theo", "oskar-escapes", "With *more* than diaspora\\* knows")
    },
    Comment {
        order: 4,
        extra: &[("edited_at", "2026-11-22T02:35:30Z", "2026-11-22 02:35:30.000000000 Z")],
        ..comment("quentin-on-photos", "quentin", "ida-photos", "Edited once")
    },
    comment("paula-on-photos", "paula", "ida-photos", "Where is this?"),
    comment("ida-on-photos", "ida", "ida-photos", "In Zürich."),
    comment("paula-on-limited", "paula", "ida-friends", "I can see it."),
    comment("xenia-on-two", "xenia", "ida-two-aspects", "Our pod will not live long."),
    comment("ida-on-paula", "ida", "paula-first", "Hello @{paula@contacts.example}, good to see you there."),
    comment("paula-on-paula", "paula", "paula-first", "The author needs no signature here."),
    comment("jonas-on-paula", "jonas", "paula-first", "+1"),
    comment("ida-on-paula-limited", "ida", "paula-limited", "I tell nobody."),
    comment("ida-on-stefan", "ida", "stefan-limited", "Received, thanks."),
    comment("ida-on-rosa", "ida", "rosa-old", "A comment on the post of somebody who moved."),
    comment("ida-on-xenia", "ida", "xenia-last", "Good luck!"),
    comment("ida-on-moritz", "ida", "moritz-goodbye", "Farewell, and welcome there."),
    comment("paula-on-moritz", "paula", "moritz-goodbye", "See you!"),
    comment("jonas-on-moritz", "jonas", "moritz-goodbye", "We shall miss you."),
    comment("yasmin-on-poem", "yasmin", "yasmin-poem", "وهذا تعليق 💬"),
    comment("uma-on-poem", "uma", "yasmin-poem", "جميل جدا"),
    comment("quentin-on-lotte", "quentin", "lotte-last", "What happened?"),
    comment("ida-on-nils", "ida", "nils-family", "Hej!"),
    comment("jonas-on-ida-jonas", "jonas", "ida-reshares-jonas", "Thanks for the reshare."),
    comment("greta-on-greta", "greta", "greta-closing", "Ask me when something does not work."),
    comment("stefan-on-closing", "stefan", "greta-closing", "Thank you for all the years."),
    comment("viktor-on-theo", "viktor", "theo-article", "Interesting."),
];

/// A like.
pub(super) struct Like {
    pub(super) author: &'static str,
    /// A post, or a comment when `comment` says so.
    pub(super) target: &'static str,
    pub(super) comment: bool,
}

const fn likes(author: &'static str, target: &'static str) -> Like {
    Like { author, target, comment: false }
}

const fn likes_comment(author: &'static str, target: &'static str) -> Like {
    Like { author, target, comment: true }
}

pub(super) static LIKES: &[Like] = &[
    likes("jonas", "ida-hello"),
    likes("paula", "ida-hello"),
    likes("rosa", "ida-hello"),
    likes("moritz", "ida-hello"),
    likes("clara", "ida-hello"),
    likes("ruth", "greta-welcome"),
    likes("ida", "greta-welcome"),
    likes("ida", "paula-first"),
    likes("ruth", "paula-first"),
    likes("ida", "stefan-limited"),
    likes("ida", "xenia-last"),
    likes("quentin", "ida-poll"),
    likes("theo", "ida-photos"),
    likes("uma", "yasmin-poem"),
    likes("yasmin", "uma-public"),
    likes("paula", "moritz-goodbye"),
    likes("paula", "ida-reshares-paula"),
    likes("jonas", "yasmin-emoji"),
    likes("berta", "rosa-new-public"),
    likes_comment("ida", "paula-on-hello"),
    likes_comment("paula", "ida-on-hello"),
    likes_comment("jonas", "jonas-on-hello"),
    likes_comment("ruth", "ida-on-paula"),
    likes_comment("ida", "jonas-on-paula"),
    likes_comment("rosa", "greta-on-hello"),
    likes_comment("walter", "ida-on-photos"),
];

/// Votes: who, in the poll of which post, for which answer.
pub(super) static VOTES: &[(&str, &str, usize)] = &[
    ("ida", "ida-poll", 0),
    ("jonas", "ida-poll", 1),
    ("paula", "ida-poll", 1),
    ("quentin", "ida-poll", 2),
    ("rosa", "ida-poll", 0),
    ("moritz", "ida-poll", 0),
    ("jonas", "ida-family-poll", 0),
    ("ida", "paula-poll", 0),
    ("greta", "paula-poll", 1),
    ("stefan", "paula-poll", 0),
];

/// People who follow a thread without having said anything.
pub(super) static SUBSCRIBERS: &[(&str, &str)] = &[
    ("ruth", "ida-hello"),
    ("ruth", "paula-first"),
    ("ruth", "stefan-public"),
    ("nils", "stefan-limited"),
    ("uma", "ida-hello"),
    ("rosa-new", "ida-photos"),
];

/// A conversation.
pub(super) struct Conversation {
    pub(super) key: &'static str,
    pub(super) author: &'static str,
    pub(super) subject: Option<&'static str>,
    /// Everybody in it, with their number of unread messages.
    pub(super) people: &'static [(&'static str, i64)],
    pub(super) messages: &'static [(&'static str, &'static str)],
}

pub(super) static CONVERSATIONS: &[Conversation] = &[
    Conversation {
        key: "plans",
        author: "ida",
        subject: Some("Plans for the summer; «private»"),
        people: &[("ida", 0), ("jonas", 1), ("paula", 0)],
        messages: &[("ida", "Shall we meet?"), ("paula", "Yes, with **pleasure**."), ("jonas", "I bring 🍰")],
    },
    Conversation {
        key: "farewell",
        author: "moritz",
        subject: Some("My new address"),
        people: &[("moritz", 0), ("ida", 2)],
        messages: &[
            ("moritz", "From tomorrow I am moritz.neu@target.example"),
            ("moritz", "Write to me there"),
        ],
    },
    Conversation {
        key: "arabic",
        author: "uma",
        subject: Some("مرحبا"),
        people: &[("yasmin", 0), ("uma", 0)],
        messages: &[("uma", "كيف حالك؟"), ("yasmin", "بخير 🌷")],
    },
    Conversation {
        key: "no-subject",
        author: "clara",
        subject: None,
        people: &[("ida", 0), ("oskar", 0)],
        messages: &[("clara", "I close my account tonight."), ("oskar", "'; DROP TABLE messages; --")],
    },
];

/// What was reported to the podmin: by whom, kind, which post or comment, why.
pub(super) static REPORTS: &[(&str, &str, &str, &str)] = &[
    ("ruth", "Post", "theo-article", "spam?"),
    ("ruth", "Comment", "theo-on-oskar-2", "strange characters"),
];
