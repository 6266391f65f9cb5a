//! What people posted. Authors are named as they were called when they wrote; who moved later is
//! stored under the new person. `{guid:KEY}` in a text becomes the guid of that post.

/// Who sees a post.
#[derive(Clone, Copy, Debug)]
pub(super) enum Audience {
    Everybody,
    /// Those in these aspects of the author.
    Aspects(&'static [&'static str]),
    /// A limited post from elsewhere, which these people here received.
    Received(&'static [&'static str]),
}

/// What a post is.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Says(&'static str),
    Reshares(&'static str),
    /// A reshare whose root was deleted.
    ResharesNothing,
}

/// A post.
pub(super) struct Post {
    pub(super) key: &'static str,
    pub(super) author: &'static str,
    /// Day of the pod's life.
    pub(super) day: i64,
    pub(super) what: What,
    pub(super) audience: Audience,
    /// Question and answers.
    pub(super) poll: Option<(&'static str, &'static [&'static str])>,
    /// Address, latitude, longitude.
    pub(super) place: Option<(&'static str, &'static str, &'static str)>,
    pub(super) app: Option<&'static str>,
}

const fn says(key: &'static str, author: &'static str, day: i64, text: &'static str) -> Post {
    let (what, audience) = (What::Says(text), Audience::Everybody);
    Post { key, author, day, what, audience, poll: None, place: None, app: None }
}

const fn reshares(key: &'static str, author: &'static str, day: i64, what: What) -> Post {
    Post { key, author, day, what, audience: Audience::Everybody, poll: None, place: None, app: None }
}

const fn shown(
    key: &'static str,
    author: &'static str,
    day: i64,
    aspects: &'static [&'static str],
    text: &'static str,
) -> Post {
    let (what, audience) = (What::Says(text), Audience::Aspects(aspects));
    Post { key, author, day, what, audience, poll: None, place: None, app: None }
}

const fn received(
    key: &'static str,
    author: &'static str,
    day: i64,
    people: &'static [&'static str],
    text: &'static str,
) -> Post {
    let (what, audience) = (What::Says(text), Audience::Received(people));
    Post { key, author, day, what, audience, poll: None, place: None, app: None }
}

pub(super) static POSTS: &[Post] = &[
    says("greta-welcome", "greta", 0, "Welcome to closing.example! #diaspora #newhere"),
    says(
        "ida-hello",
        "ida",
        2,
        "Hello everybody, I am #newhere and like #garden, #photography and #ünïcode.",
    ),
    says("paula-first", "paula", 3, "Greetings from the other pod. #linux"),
    Post {
        app: Some("Twidere"),
        ..says(
            "ida-mentions",
            "ida",
            9,
            "Thanks @{Paula Petersen ; paula@contacts.example} and @{jonas@closing.example}! See diaspora://paula@contacts.example/post/{guid:paula-first}",
        )
    },
    Post {
        poll: Some(("Which tree shall we plant?", &["Apple", "Pear, of course; or “quince”", "None 🌵"])),
        ..says("ida-poll", "ida", 30, "A question about the #garden.")
    },
    Post {
        poll: Some(("Tea?", &["yes", "no"])),
        ..shown("ida-family-poll", "ida", 31, &["Family"], "Only for you.")
    },
    Post {
        place: Some(("Bürkliplatz, Zürich, Switzerland", "47.36630", "8.541")),
        ..says("ida-photos", "ida", 45, "Three pictures from the lake #photography #garden")
    },
    says("ida-only-photo", "ida", 46, ""),
    shown(
        "ida-friends",
        "ida",
        60,
        &["Friends"],
        "For my friends alone: ![a picture](https://pictures.example/1.png)",
    ),
    shown(
        "ida-two-aspects",
        "ida",
        61,
        &["Family", "Zürich \"locals\""],
        "For two circles. @{jonas@closing.example}",
    ),
    shown("ida-friends-photo", "ida", 62, &["Friends", "New faces"], "A picture for few."),
    says("ida-lost-photo", "ida", 63, "The file of this picture is gone from the disk."),
    says(
        "jonas-markdown",
        "jonas",
        70,
        "# Heading\n\n```rust\nfn main() { println!(\"<&>\"); }\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n#linux",
    ),
    says(
        "yasmin-poem",
        "yasmin",
        80,
        "قفا نبكِ من ذكرى حبيبٍ ومنزلِ 🏜\u{fe0f}\n#شعر 👩\u{200d}👩\u{200d}👧 \u{202e}txet desrever\u{202c}",
    ),
    says("yasmin-emoji", "yasmin", 81, "🎉🎉🎉 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 outside the first plane 🇱🇧 e\u{301} \u{feff}"),
    says(
        "oskar-escapes",
        "oskar",
        90,
        "quotes ' \" ` and \\n is not a newline; a semicolon; {braces} &amp; &#39; %s ${x} #{y}\ttab",
    ),
    shown("berta-friends", "berta", 95, &["Amigos"], "Só para amigos."),
    Post {
        place: Some(("Praça da Sé", "-23.55038", "-46.633")),
        ..says("berta-place", "berta", 96, "Olá! #nsfw #jardim")
    },
    shown("nils-family", "nils", 100, &["Familj"], "Bara för familjen."),
    shown("nils-two", "nils", 101, &["Familj", "Vänner"], "För familj och vänner."),
    shown("nils-all", "nils", 102, &["Familj", "Vänner", "Jobb"], "För alla jag känner."),
    shown("nils-jobb", "nils", 103, &["Jobb"], "Bara jobb, och ingen här."),
    says("lotte-last", "lotte", 110, "My last post before they locked me out."),
    says("moritz-goodbye", "moritz", 120, "I am moving, find me at target.example."),
    says("viktor-once", "viktor", 130, "I try this once."),
    says("rosa-old", "rosa", 140, "Written on the old pod. #garden"),
    says("stefan-public", "stefan", 150, "Stefan speaks to all."),
    received("stefan-limited", "stefan", 151, &["ida", "nils"], "Stefan speaks to two people here."),
    says("uma-public", "uma", 160, "Uma has a picture #photography"),
    Post {
        poll: Some(("Remote poll?", &["I see it", "I do not"])),
        ..says("paula-poll", "paula", 165, "A poll from the other pod.")
    },
    received("paula-limited", "paula", 166, &["greta", "ida", "jonas"], "A secret of three."),
    says("theo-article", "theo", 170, "**An article**\n\nfrom another network"),
    says("xenia-last", "xenia", 3990, "Our pod has trouble with its disk."),
    reshares("ida-reshares-paula", "ida", 200, What::Reshares("paula-first")),
    reshares("ida-reshares-jonas", "ida", 201, What::Reshares("jonas-markdown")),
    reshares("ida-reshares-nothing", "ida", 202, What::ResharesNothing),
    reshares("jonas-reshares-ida", "jonas", 203, What::Reshares("ida-hello")),
    reshares("paula-reshares-ida", "paula", 204, What::Reshares("ida-photos")),
    reshares("greta-reshares-moritz", "greta", 205, What::Reshares("moritz-goodbye")),
    reshares("moritz-reshares-ida", "moritz", 206, What::Reshares("ida-poll")),
    says("rosa-new-public", "rosa-new", 4100, "Written on the new pod."),
    says(
        "ida-goodbye",
        "ida",
        4700,
        "This pod closes. I shall be elsewhere. https://diasporafoundation.org/ #diaspora",
    ),
    says(
        "greta-closing",
        "greta",
        4701,
        "closing.example closes at the end of the year. Take your archives with you.",
    ),
];

/// A picture somebody uploaded here, or one from elsewhere.
pub(super) struct Photo {
    pub(super) key: &'static str,
    pub(super) author: &'static str,
    pub(super) extension: &'static str,
    pub(super) size: (u32, u32),
    pub(super) caption: Option<&'static str>,
    /// The post it belongs to.
    pub(super) post: Option<&'static str>,
    /// Whether everybody may see it, when it is in no post.
    pub(super) public: bool,
    pub(super) fate: Fate,
}

/// What became of a picture's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Lost,
    Avatar,
    /// Uploaded, and the post never sent.
    Pending,
}

const fn photo(key: &'static str, author: &'static str, extension: &'static str, size: (u32, u32)) -> Photo {
    Photo { key, author, extension, size, caption: None, post: None, public: true, fate: Fate::Kept }
}

pub(super) static PHOTOS: &[Photo] = &[
    Photo { fate: Fate::Avatar, ..photo("ida-avatar", "ida", "png", (320, 320)) },
    Photo {
        post: Some("ida-photos"),
        caption: Some("the lake; \"in\" <spring>"),
        ..photo("lake-1", "ida", "jpg", (800, 600))
    },
    Photo { post: Some("ida-photos"), ..photo("lake-2", "ida", "jpg", (600, 800)) },
    Photo { post: Some("ida-photos"), ..photo("lake-3", "ida", "png", (120, 40)) },
    Photo { post: Some("ida-only-photo"), ..photo("cat", "ida", "png", (64, 64)) },
    Photo { post: Some("ida-friends-photo"), ..photo("party", "ida", "jpg", (400, 300)) },
    Photo { post: Some("ida-lost-photo"), fate: Fate::Lost, ..photo("lost", "ida", "jpg", (640, 480)) },
    Photo { caption: Some("in no post"), ..photo("loose", "ida", "png", (200, 100)) },
    Photo { public: false, ..photo("loose-private", "ida", "png", (100, 200)) },
    Photo { public: false, fate: Fate::Pending, ..photo("pending", "ida", "png", (50, 50)) },
    Photo { fate: Fate::Avatar, ..photo("yasmin-avatar", "yasmin", "jpg", (400, 400)) },
    Photo {
        post: Some("yasmin-emoji"),
        caption: Some("زهرة 🌸"),
        ..photo("flower", "yasmin", "png", (90, 90))
    },
    Photo { post: Some("moritz-goodbye"), ..photo("suitcase", "moritz", "png", (70, 70)) },
    Photo { post: Some("uma-public"), ..photo("uma-picture", "uma", "jpg", (1024, 768)) },
];
