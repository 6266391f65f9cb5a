//! The people of the sample pod. All of them are invented.

use super::keys::Key;
use super::sheet::{Cell, Value, text};

/// 2013-05-01 08:00:00 UTC, when the sample pod opened.
pub(super) const OPENING: i64 = 1_367_395_200;

/// Seconds since 1970 of a day of the pod's life.
pub(super) const fn day(number: i64) -> i64 {
    OPENING + number * 86_400
}

/// Where somebody lives: this pod, or an index into [`PODS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    Here,
    Pod(usize),
}

/// A pod this one knows.
pub(super) struct RemotePod {
    pub(super) host: &'static str,
    pub(super) cells: &'static [Cell],
}

pub(super) const CONTACTS: Home = Home::Pod(0);
pub(super) const TARGET: Home = Home::Pod(1);
pub(super) const GONE: Home = Home::Pod(2);

/// Status 1 is "no errors", 2 "DNS failed", as diaspora* counts them.
pub(super) static PODS: [RemotePod; 3] = [
    RemotePod {
        host: "contacts.example",
        cells: &[("status", Value::Number(1)), ("software", text("diaspora 0.9.1.0"))],
    },
    RemotePod {
        host: "target.example",
        cells: &[("status", Value::Number(1)), ("software", text("diaspora 0.9.1.0"))],
    },
    RemotePod {
        host: "gone.example",
        cells: &[
            ("status", Value::Number(2)),
            ("offline_since", Value::Time(day(4000))),
            ("error", text("FederationError: couldnt_resolve_host")),
        ],
    },
];

/// Somebody. Whoever lives here has a row in `users` too.
pub(super) struct Human {
    /// How the other tables of this module call them.
    pub(super) name: &'static str,
    /// The part of the diaspora* ID before the @.
    pub(super) handle: &'static str,
    pub(super) home: Home,
    pub(super) key: Key,
    /// What they are in the sample for.
    pub(super) about: &'static str,
    pub(super) first: Option<&'static str>,
    pub(super) last: Option<&'static str>,
    /// Tags of the profile.
    pub(super) tags: &'static [&'static str],
    pub(super) person: &'static [Cell],
    pub(super) profile: &'static [Cell],
    pub(super) user: &'static [Cell],
}

const NOBODY: Human = Human {
    name: "",
    handle: "",
    home: Home::Here,
    key: Key::Usual(0),
    about: "",
    first: None,
    last: None,
    tags: &[],
    person: &[],
    profile: &[],
    user: &[],
};

/// What is left of a person and profile that closed or moved away.
const TOMB_PERSON: &[Cell] = &[("closed_account", Value::Flag(true))];
const TOMB_PROFILE: &[Cell] =
    &[("searchable", Value::Flag(false)), ("nsfw", Value::Null), ("public_details", Value::Null)];
const TOMB_USER: &[Cell] = &[
    ("disable_mail", Value::Flag(true)),
    ("show_community_spotlight_in_stream", Value::Flag(false)),
    ("language", Value::Null),
    ("color_theme", Value::Null),
    ("sign_in_count", Value::Null),
    ("auto_follow_back", Value::Null),
    ("last_seen", Value::Null),
    ("locked_at", Value::Time(day(4200))),
];

/// In the order of `people.id`; strangers stand between so that user and person ids differ.
pub(super) static PEOPLE: &[Human] = &[
    Human {
        name: "greta",
        handle: "greta",
        key: Key::Large(0, 0),
        about: "the podmin (role admin), with a service and an invitation code",
        first: Some("Greta"),
        last: Some("Sommer"),
        profile: &[("bio", text("I keep this pod running.")), ("public_details", Value::Flag(true))],
        user: &[("language", text("de")), ("sign_in_count", Value::Number(912))],
        ..NOBODY
    },
    Human {
        name: "paula",
        handle: "paula",
        home: CONTACTS,
        key: Key::Large(1, 1),
        about: "remote, mutual contact of many, comments, likes and votes with real signatures",
        first: Some("Paula"),
        last: Some("Petersen"),
        profile: &[
            (
                "image_url",
                text("https://contacts.example/uploads/images/thumb_large_0f1e2d3c4b5a69788796.jpg"),
            ),
            (
                "image_url_medium",
                text("https://contacts.example/uploads/images/thumb_medium_0f1e2d3c4b5a69788796.jpg"),
            ),
            (
                "image_url_small",
                text("https://contacts.example/uploads/images/thumb_small_0f1e2d3c4b5a69788796.jpg"),
            ),
        ],
        ..NOBODY
    },
    Human {
        name: "quentin",
        handle: "quentin",
        home: CONTACTS,
        key: Key::Usual(2),
        about: "remote, signs in an unusual order and with an edit",
        first: Some("Quentin"),
        ..NOBODY
    },
    Human {
        name: "ida",
        handle: "ida",
        key: Key::Large(2, 3),
        about: "uses everything: polls, photos, avatar, places, mentions, tags, aspects, conversations, blocks, \
                hidden posts, mail preferences, following back",
        first: Some("Ida"),
        last: Some("Brandt"),
        tags: &["garden", "photography", "diaspora"],
        profile: &[
            (
                "bio",
                text(
                    "Long time *diaspora\\** user\n\n- likes \"quotes\" & <b>markup</b>\n- and back\\slashes",
                ),
            ),
            ("birthday", Value::Day("1980-02-29")),
            ("gender", text("she")),
            ("location", text("Zürich")),
            ("public_details", Value::Flag(true)),
        ],
        user: &[
            ("auto_follow_back", Value::Flag(true)),
            ("sign_in_count", Value::Number(4711)),
            ("current_sign_in_ip", text("192.0.2.17")),
            ("current_sign_in_at", Value::Time(day(4600))),
            ("post_default_public", Value::Flag(true)),
        ],
        ..NOBODY
    },
    Human {
        name: "jonas",
        handle: "jonas",
        key: Key::Usual(4),
        about: "two-factor sign-in with backup codes, invited by greta, comments and likes a lot",
        first: Some("Jonas"),
        last: Some("Weber"),
        user: &[
            ("otp_required_for_login", Value::Flag(true)),
            ("plain_otp_secret", text(super::OTP_SECRET)),
            ("consumed_timestep", Value::Number(50_000_000)),
            ("invited_by_id", Value::Number(1)),
        ],
        ..NOBODY
    },
    Human {
        name: "yasmin",
        handle: "yasmin",
        key: Key::Usual(5),
        about: "writes from right to left and with emoji",
        first: Some("ياسمين"),
        last: Some("🌸"),
        tags: &["شعر"],
        profile: &[
            ("bio", text("أكتب من اليمين إلى اليسار 🖋\u{fe0f} \u{202b}ثم\u{202c} left to right")),
            ("location", text("بيروت")),
        ],
        user: &[("language", text("ar"))],
        ..NOBODY
    },
    Human {
        name: "emil",
        handle: "emil",
        key: Key::Usual(6),
        about: "the empty account: signed up and never came back",
        user: &[("getting_started", Value::Flag(true)), ("sign_in_count", Value::Number(1))],
        ..NOBODY
    },
    Human {
        name: "clara",
        handle: "clara",
        key: Key::Usual(7),
        about: "closed her account; her comments are still there",
        person: TOMB_PERSON,
        profile: TOMB_PROFILE,
        user: TOMB_USER,
        ..NOBODY
    },
    Human {
        name: "lotte",
        handle: "lotte",
        key: Key::Usual(8),
        about: "locked by the podmin, with posts",
        first: Some("Lotte"),
        user: &[("locked_at", Value::Time(day(4300)))],
        ..NOBODY
    },
    Human {
        name: "moritz",
        handle: "moritz",
        key: Key::Usual(9),
        about: "moved away to target.example: tombstone here, everything now belongs to the new person",
        person: TOMB_PERSON,
        profile: TOMB_PROFILE,
        user: TOMB_USER,
        ..NOBODY
    },
    Human {
        name: "oskar",
        handle: "oskar_1",
        key: Key::Old(0),
        about: "an account of the first days: 1024-bit key, no mails, names that need escaping",
        first: Some("O'skar \"Ösi\""),
        last: Some("<Müller> & \\Söhne; {x}"),
        profile: &[("gender", text("n/a; see bio")), ("bio", text(""))],
        user: &[
            ("disable_mail", Value::Flag(true)),
            ("show_community_spotlight_in_stream", Value::Flag(false)),
            ("auto_follow_back", Value::Null),
            ("color_theme", Value::Null),
        ],
        ..NOBODY
    },
    Human {
        name: "berta",
        handle: "berta",
        key: Key::Usual(10),
        about: "Portuguese of Brazil, not searchable, nsfw, birthday without a year",
        first: Some("Berta"),
        last: Some("de São João"),
        profile: &[
            ("searchable", Value::Flag(false)),
            ("nsfw", Value::Flag(true)),
            ("birthday", Value::Day("1004-12-24")),
        ],
        user: &[("language", text("pt-BR"))],
        ..NOBODY
    },
    Human {
        name: "nils",
        handle: "nils",
        key: Key::Usual(11),
        about: "only limited posts, to one and to several aspects; one-sided contacts both ways",
        first: Some("Nils"),
        last: Some("Holm"),
        user: &[("language", text("sv"))],
        ..NOBODY
    },
    Human {
        name: "ruth",
        handle: "ruth",
        key: Key::Usual(12),
        about: "never posts: blocks, reports, subscriptions, likes",
        first: Some("Ruth"),
        ..NOBODY
    },
    Human {
        name: "viktor",
        handle: "viktor",
        key: Key::Usual(13),
        about: "unconfirmed new address, about to be removed for inactivity",
        first: Some("Viktor"),
        user: &[
            ("unconfirmed_email", text("viktor.new@mail.example")),
            ("confirm_email_token", text("0123456789abcdef0123456789abcd")),
            ("remove_after", Value::Time(day(4950))),
            ("last_seen", Value::Time(day(3900))),
        ],
        ..NOBODY
    },
    Human {
        name: "rosa",
        handle: "rosa",
        home: CONTACTS,
        key: Key::Usual(14),
        about: "remote, moved from contacts.example to target.example: signatures by the old key",
        person: TOMB_PERSON,
        profile: TOMB_PROFILE,
        ..NOBODY
    },
    Human {
        name: "stefan",
        handle: "stefan",
        home: CONTACTS,
        key: Key::Usual(15),
        about: "remote, shares with people here who do not share back; posts to aspects",
        first: Some("Stefan"),
        ..NOBODY
    },
    Human {
        name: "theo",
        handle: "theo",
        home: CONTACTS,
        key: Key::Old(1),
        about: "remote, 1024-bit key, software that signs properties diaspora* does not know",
        first: Some("Theo"),
        last: Some("of another network"),
        ..NOBODY
    },
    Human {
        name: "uma",
        handle: "uma",
        home: TARGET,
        key: Key::Usual(16),
        about: "remote, on the pod people will move to",
        first: Some("Uma"),
        ..NOBODY
    },
    Human {
        name: "walter",
        handle: "walter",
        home: TARGET,
        key: Key::Usual(17),
        about: "remote, closed his account; still a contact of some",
        person: TOMB_PERSON,
        profile: TOMB_PROFILE,
        ..NOBODY
    },
    Human {
        name: "rosa-new",
        handle: "rosa",
        home: TARGET,
        key: Key::Usual(18),
        about: "rosa after her move",
        first: Some("Rosa"),
        last: Some("Roth"),
        ..NOBODY
    },
    Human {
        name: "moritz-new",
        handle: "moritz.neu",
        home: TARGET,
        key: Key::Usual(19),
        about: "moritz after his move",
        first: Some("Moritz"),
        last: Some("Neumann"),
        ..NOBODY
    },
    Human {
        name: "xenia",
        handle: "xenia",
        home: GONE,
        key: Key::Usual(20),
        about: "remote, on a pod that is dead",
        first: Some("Xenia"),
        ..NOBODY
    },
];

/// Somebody who moved: everything by `old` is stored under `new`.
pub(super) struct Move {
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    pub(super) photos: Option<&'static str>,
}

pub(super) static MOVES: [Move; 2] = [
    Move { old: "rosa", new: "rosa-new", photos: None },
    Move { old: "moritz", new: "moritz-new", photos: Some("https://target.example/uploads/images/") },
];

/// Accounts that were closed for good.
pub(super) static CLOSED: [&str; 2] = ["clara", "walter"];
