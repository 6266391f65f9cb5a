//! Lives that once came out different.

use pappus_tests::generated_account::{Comment, Life, Message, Person, Piece, Post, Talk, Tie, Under, Who};

fn person(home: usize, names: [&str; 2], tie: Tie) -> Person {
    Person { home, names: names.map(|name| Some(name.to_owned())), tie, before: None }
}

fn said(words: &str) -> Vec<Piece> {
    vec![Piece::Words(words.to_owned())]
}

fn message(words: &str) -> Post {
    Post::Message(Box::new(Message {
        text: said(words),
        aspects: None,
        client: None,
        photos: Vec::new(),
        place: None,
        poll: None,
    }))
}

fn comment(author: Who, extra: Vec<(&'static str, Option<String>)>) -> Comment {
    Comment {
        under: Under::Own(0),
        author,
        text: said("So"),
        edited: false,
        extra,
        turn: 0,
        likes: Vec::new(),
    }
}

/// What each life is about, and the life.
pub(crate) fn lives() -> Vec<(&'static str, Life)> {
    let friend = Tie::Contact(true, true, 0);
    let ann = || person(1, ["Ann", "B"], friend);
    let silent = || person(1, ["Nobody", "Knows"], Tie::None);
    let talk = |author, unread| Talk {
        author,
        people: vec![0, 1],
        subject: None,
        messages: vec![(2, "from somebody nobody knows".to_owned())],
        unread,
    };
    let odd = "\u{85}a\u{2028}b\u{2029}c\u{FEFF}d\u{7F}e\u{9F}\"\\\n: {}";
    vec![
        ("an account with nothing at all", Life::default()),
        (
            "a display name of more than 32 characters",
            Life {
                people: vec![person(1, ["Anneliese-Margarethe", "von Hohenstaufen zu L"], friend)],
                ..Life::default()
            },
        ),
        (
            "more unread messages than come along, and a member who does not",
            Life { people: vec![ann(), silent()], talks: vec![talk(Who::Own, 1)], ..Life::default() },
        ),
        (
            "signed values that Ruby's YAML would read differently",
            Life {
                people: vec![ann()],
                posts: vec![message("Hello")],
                comments: vec![
                    comment(Who::Other(0, false), vec![("media_type", Some(odd.to_owned())), ("x-y", None)]),
                    Comment { edited: true, turn: 4, ..comment(Who::Other(0, false), Vec::new()) },
                ],
                ..Life::default()
            },
        ),
        (
            "a like of which the pod has no signature, and a hidden post that stays behind",
            Life {
                people: vec![ann()],
                comments: vec![Comment {
                    under: Under::Public(0),
                    likes: vec![Who::Other(0, false)],
                    ..comment(Who::Own, Vec::new())
                }],
                hidden: vec![Under::Public(0)],
                ..Life::default()
            },
        ),
        (
            "tags behind white space that is none to Ruby",
            Life { posts: vec![message("\u{A0}#none \u{85}#none\n#some")], ..Life::default() },
        ),
    ]
}
