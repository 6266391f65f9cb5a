//! Lives as they come.

use pappus_tests::generated_account::{
    Aspect, Comment, Life, Message, Person, Photo, Piece, Post, Profile, Settings, Talk, Text, Tie, Under,
    Who,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};

/// What people write, good and bad.
const SNIPPETS: &[&str] = &[
    "Hello",
    " and ",
    "\n\n",
    "**bold** _words_ `code`",
    "# Title\n",
    "[a link](https://web.example/?a=1&b=%20)",
    "🎉👩‍👩‍👧🏳️‍🌈",
    "مرحبا بالعالم",
    "\u{202E}turned\u{202C}",
    " #tag ",
    " #ÜNÏ_x-1 ",
    "\n#привет, ",
    " #<3 ",
    "a#none",
    "\u{A0}#none ",
    "<b>&amp;</b>",
    "'; DROP TABLE posts; --",
    "\\",
    "\t|",
    " \u{2028}\u{85}\u{FEFF}",
    "日本語",
    "e\u{301}",
    "https://web.example/#anchor",
];

const MAIL: &[&str] =
    &["someone_reported", "mentioned", "comment_on_post", "private_message", "liked", "contacts_birthday"];
const LANGUAGES: &[&str] = &["en", "de", "pt-BR", "ar", "en_pirate", "art-nvi"];
const THEMES: &[&str] = &["original", "dark", "egyptian_blue"];
const TAGS: &[&str] = &["garten", "ünïcode", "<3", "привет", "a-b_c", "2026", "日本"];
const DAYS: &[&str] = &["1004-05-06", "1983-02-28", "2000-02-29", "1900-01-01"];

/// Characters that XML cannot carry, which nobody's pod sends.
fn can_travel(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Any characters but those that begin a tag or a mention.
fn letters(most: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..most)
        .prop_map(|letters| letters.into_iter().filter(|c| !matches!(c, '#' | '@')).collect())
}

/// A short text that is not blank: something to read, and no white space around it.
fn line(most: usize) -> impl Strategy<Value = String> {
    let word = select(vec!["Ann", "Groß Ø", "x", "يا", "🌻 b", "O'Neil \"Q\"", "名前"]);
    (word, letters(most / 2)).prop_map(move |(word, more)| {
        let more: String = more.chars().filter(|c| can_travel(*c) && !c.is_control() && *c != ';').collect();
        let line: String = format!("{word}{more}").chars().take(most).collect();
        line.trim().to_owned()
    })
}

/// What the account writes; control characters came in from clients.
fn own_text() -> impl Strategy<Value = Text> {
    let piece = prop_oneof![
        6 => select(SNIPPETS).prop_map(|words| Piece::Words(words.to_owned())),
        2 => letters(12).prop_map(Piece::Words),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(who, named)| Piece::Mention(who, named)),
    ];
    vec(piece, 0..6)
}

/// What others write, and what they sign.
fn others_text() -> impl Strategy<Value = Text> {
    own_text().prop_map(|text| {
        let mut pieces = vec![Piece::Words("So".to_owned())];
        pieces.extend(text.into_iter().map(|piece| match piece {
            Piece::Words(words) => Piece::Words(words.chars().filter(|c| can_travel(*c)).collect()),
            mention @ Piece::Mention(..) => mention,
        }));
        pieces
    })
}

fn under() -> impl Strategy<Value = Under> {
    prop_oneof![
        5 => any::<usize>().prop_map(Under::Own),
        1 => any::<usize>().prop_map(Under::Public),
        1 => any::<usize>().prop_map(Under::Limited),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        1 => Just(Who::Own),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(who, early)| Who::Other(who, early)),
    ]
}

fn photo() -> impl Strategy<Value = Photo> {
    let rarely = || (0..8_u8).prop_map(|number| number == 0);
    (0..7_usize, any::<bool>(), option::of(letters(8)), rarely(), rarely()).prop_map(
        |(picture, public, caption, lost, unmeasured)| Photo {
            // The last one is no picture, and rarer than the others.
            picture: if picture == 6 { 0 } else { picture },
            public,
            caption,
            lost,
            measured: !unmeasured,
        },
    )
}

fn person() -> impl Strategy<Value = Person> {
    let tie = prop_oneof![
        4 => (0..3_u8, any::<u8>()).prop_map(|(way, aspects)| Tie::Contact(way != 0, way != 1, aspects)),
        1 => Just(Tie::Blocked),
        2 => Just(Tie::None),
    ];
    (0..4_usize, option::of(line(32)), option::of(line(32)), tie, option::weighted(0.3, any::<usize>()))
        .prop_map(|(home, first, last, tie, before)| Person { home, names: [first, last], tie, before })
}

fn post() -> impl Strategy<Value = Post> {
    let place = (option::of(line(40)), select(vec!["47.37", "-0.000001"]), select(vec!["8.54", "180"]));
    let poll = (line(40), vec(line(20), 2..5));
    let message = (
        own_text(),
        option::of(any::<u8>()),
        option::weighted(0.2, select(vec!["mobile", "Диаспора"])),
        vec(photo(), 0..3),
        option::weighted(0.3, place),
        option::weighted(0.3, poll),
    )
        .prop_map(|(text, aspects, client, photos, place, poll)| {
            Post::Message(Box::new(Message { text, aspects, client, photos, place, poll }))
        });
    prop_oneof![5 => message, 1 => option::weighted(0.8, any::<usize>()).prop_map(Post::Reshare)]
}

fn comment() -> impl Strategy<Value = Comment> {
    let value = letters(10).prop_map(|value| value.chars().filter(|c| can_travel(*c)).collect::<String>());
    let names = subsequence(vec!["thread_parent_guid", "media_type", "yes", "x-y"], 0..4);
    let extra = (names, vec(option::of(value), 4))
        .prop_map(|(names, values)| names.into_iter().zip(values).collect());
    let rarely = (0..6_u8).prop_map(|number| number == 0);
    let extra = prop_oneof![2 => Just(Vec::new()), 1 => extra];
    let turn = prop_oneof![2 => Just(0_usize), 1 => any::<usize>()];
    (under(), who(), others_text(), rarely, extra, turn, vec(who(), 0..3)).prop_map(
        |(under, author, text, edited, extra, turn, likes)| Comment {
            under,
            author,
            text,
            edited,
            extra,
            turn,
            likes,
        },
    )
}

fn talk() -> impl Strategy<Value = Talk> {
    let words = (line(20), letters(20)).prop_map(|(line, more)| line + &more);
    (who(), vec(any::<usize>(), 0..3), option::of(line(40)), vec((any::<usize>(), words), 0..4), 0..4_usize)
        .prop_map(|(author, people, subject, messages, unread)| Talk {
            author,
            people,
            subject,
            messages,
            unread,
        })
}

fn profile() -> impl Strategy<Value = Profile> {
    let picture = prop_oneof![
        2 => any::<usize>().prop_map(Ok),
        1 => Just(Err("https://pictures.example/".to_owned())),
    ];
    (
        [option::of(line(32)), option::of(line(32))],
        (option::of(letters(60)), option::of(line(30)), option::of(line(30))),
        option::of(select(DAYS)),
        any::<[bool; 3]>(),
        subsequence(TAGS, 0..6),
        option::of(picture),
    )
        .prop_map(|(names, (bio, gender, location), birthday, flags, tags, picture)| Profile {
            names,
            words: [bio, gender, location],
            birthday,
            flags,
            tags: tags.into_iter().map(str::to_owned).collect(),
            picture,
        })
}

fn settings() -> impl Strategy<Value = Settings> {
    (
        option::of(select(LANGUAGES)),
        option::of(select(THEMES)),
        any::<[bool; 4]>(),
        option::of(any::<usize>()),
        subsequence(MAIL, 0..=MAIL.len()),
    )
        .prop_map(|(language, theme, flags, back, mail)| Settings { language, theme, flags, back, mail })
}

fn aspects() -> impl Strategy<Value = Vec<Aspect>> {
    let aspect = (line(20), option::of(-3..9_i64), any::<bool>());
    vec(aspect, 0..6).prop_map(|aspects| {
        let mut names = std::collections::BTreeSet::new();
        let aspects = aspects.into_iter().filter(|(name, ..)| names.insert(name.to_lowercase()));
        aspects.map(|(name, order, chosen)| Aspect { name, order, chosen }).collect()
    })
}

/// Any life.
pub(crate) fn life() -> impl Strategy<Value = Life> {
    let account = (settings(), profile(), aspects(), vec(person(), 0..9));
    let posts = (vec(post(), 0..9), vec(photo(), 0..4));
    let talk = (
        vec(comment(), 0..14),
        vec((under(), who()), 0..10),
        vec((any::<usize>(), who(), any::<usize>()), 0..8),
        vec(talk(), 0..3),
    );
    let rest = (vec(under(), 0..6), vec(under(), 0..4), btree_set(select(TAGS), 0..4));
    (account, posts, talk, rest).prop_map(|(account, (posts, photos), talk, rest)| {
        let ((settings, profile, aspects, people), (comments, likes, votes, talks)) = (account, talk);
        let (subscriptions, hidden, tags) = rest;
        let tags = tags.into_iter().map(str::to_owned).collect();
        Life {
            settings,
            profile,
            aspects,
            people,
            posts,
            photos,
            comments,
            likes,
            votes,
            subscriptions,
            hidden,
            tags,
            talks,
        }
    })
}
