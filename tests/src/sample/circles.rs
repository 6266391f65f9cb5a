//! Who knows whom: aspects, contacts, blocks, followed tags, preferences and roles.

/// An aspect of somebody here; the order of the table is the order on their page.
pub(super) struct Aspect {
    pub(super) owner: &'static str,
    pub(super) name: &'static str,
    pub(super) post_default: bool,
}

const fn aspect(owner: &'static str, name: &'static str) -> Aspect {
    Aspect { owner, name, post_default: true }
}

pub(super) static ASPECTS: &[Aspect] = &[
    aspect("greta", "Family"),
    aspect("greta", "Acquaintances"),
    aspect("ida", "Family"),
    aspect("ida", "Friends"),
    aspect("ida", "Zürich \"locals\""),
    aspect("ida", "New faces"),
    Aspect { owner: "ida", name: "Nobody in here", post_default: false },
    aspect("jonas", "Friends"),
    aspect("yasmin", "العائلة 👪"),
    aspect("emil", "Family"),
    aspect("emil", "Friends"),
    aspect("lotte", "Friends"),
    aspect("oskar", "alte \\ Bekannte"),
    aspect("berta", "Amigos"),
    aspect("nils", "Familj"),
    aspect("nils", "Vänner"),
    aspect("nils", "Jobb"),
    aspect("ruth", "Friends"),
    aspect("viktor", "Friends"),
];

/// Where people land whom ida follows back.
pub(super) const FOLLOW_BACK: (&str, &str) = ("ida", "New faces");

/// A contact of somebody here.
pub(super) struct Contact {
    pub(super) owner: &'static str,
    pub(super) person: &'static str,
    /// The other one shares with the owner.
    pub(super) sharing: bool,
    /// The owner shares with the other one.
    pub(super) receiving: bool,
    pub(super) aspects: &'static [&'static str],
}

const fn mutual(owner: &'static str, person: &'static str, aspects: &'static [&'static str]) -> Contact {
    Contact { owner, person, sharing: true, receiving: true, aspects }
}

const fn shares_with(owner: &'static str, person: &'static str, aspects: &'static [&'static str]) -> Contact {
    Contact { owner, person, sharing: false, receiving: true, aspects }
}

const fn followed_by(owner: &'static str, person: &'static str) -> Contact {
    Contact { owner, person, sharing: true, receiving: false, aspects: &[] }
}

pub(super) static CIRCLES: &[Contact] = &[
    mutual("greta", "ida", &["Acquaintances"]),
    mutual("greta", "paula", &["Family", "Acquaintances"]),
    mutual("ida", "greta", &["Friends"]),
    mutual("ida", "jonas", &["Family", "Friends"]),
    mutual("ida", "paula", &["Friends"]),
    mutual("ida", "quentin", &["Zürich \"locals\""]),
    shares_with("ida", "yasmin", &["Friends"]),
    shares_with("ida", "rosa-new", &["Friends"]),
    mutual("ida", "moritz-new", &["Family"]),
    shares_with("ida", "walter", &["Friends"]),
    mutual("ida", "xenia", &["Zürich \"locals\""]),
    followed_by("ida", "stefan"),
    mutual("ida", "nils", &["New faces"]),
    mutual("jonas", "ida", &["Friends"]),
    mutual("jonas", "paula", &["Friends"]),
    mutual("jonas", "moritz-new", &["Friends"]),
    followed_by("yasmin", "ida"),
    shares_with("yasmin", "uma", &["العائلة 👪"]),
    mutual("lotte", "quentin", &["Friends"]),
    mutual("oskar", "theo", &["alte \\ Bekannte"]),
    mutual("berta", "rosa-new", &["Amigos"]),
    mutual("nils", "ida", &["Familj", "Vänner"]),
    shares_with("nils", "jonas", &["Vänner"]),
    shares_with("nils", "uma", &["Jobb"]),
    followed_by("nils", "stefan"),
    followed_by("nils", "paula"),
    followed_by("jonas", "nils"),
    followed_by("ruth", "greta"),
    shares_with("viktor", "paula", &["Friends"]),
];

/// Who ignores whom.
pub(super) static BLOCKS: &[(&str, &str)] =
    &[("ida", "ruth"), ("ida", "theo"), ("ruth", "quentin"), ("ruth", "oskar")];

/// Who follows which tag.
pub(super) static FOLLOWED: &[(&str, &str)] = &[
    ("ida", "garden"),
    ("ida", "linux"),
    ("ida", "ünïcode"),
    ("jonas", "linux"),
    ("yasmin", "شعر"),
    ("ruth", "newhere"),
];

/// Mails people do not want.
pub(super) static PREFERENCES: &[(&str, &str)] = &[
    ("ida", "liked"),
    ("ida", "also_commented"),
    ("ida", "contacts_birthday"),
    ("berta", "private_message"),
    ("ruth", "someone_reported"),
];

/// What people may do on this pod.
pub(super) static ROLES: &[(&str, &str)] =
    &[("greta", "admin"), ("jonas", "moderator"), ("ida", "spotlight")];
