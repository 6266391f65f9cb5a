//! Small texts: guids, hashes of passwords, YAML, and what diaspora* finds in what people write.

use bcrypt::Version;
use sha2::{Digest, Sha256};

use super::{PASSWORD, PEPPER, SampleError};

/// bcrypt's lowest cost: the hashes protect nothing.
const COST: u32 = 4;

/// The guid of something in the sample: kind is `person`, `post`, `photo`, `poll`, `answer`,
/// `comment`, `like`, `vote`, `conversation`, `message`; key its name in the tables of data.
pub fn guid(kind: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{kind}:{key}"));
    let bytes: Vec<String> = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    bytes.concat()
}

/// What Devise stores for a password; the salt comes from the name, so that it is always the same.
pub(super) fn password_hash(name: &str, password: &str) -> Result<String, SampleError> {
    let digest = Sha256::digest(format!("salt:{name}"));
    let mut salt = [0; 16];
    for (byte, from) in salt.iter_mut().zip(digest) {
        *byte = from;
    }
    let parts = bcrypt::hash_with_salt(format!("{password}{PEPPER}"), COST, salt)?;
    Ok(parts.format_for_version(Version::TwoA))
}

/// Everybody's password, hashed for somebody.
pub(crate) fn usual_password(name: &str) -> Result<String, SampleError> {
    password_hash(name, PASSWORD)
}

/// The ten codes jonas wrote down.
pub fn backup_codes() -> Vec<String> {
    (0..10).map(|number| guid("backup code", &number.to_string()).chars().take(16).collect()).collect()
}

/// The hashes of those codes as Rails serialises them.
pub(super) fn backup_hashes() -> Result<String, SampleError> {
    let lines: Result<Vec<String>, SampleError> =
        backup_codes().iter().map(|code| Ok(format!("- \"{}\"\n", password_hash(code, code)?))).collect();
    Ok(format!("---\n{}", lines?.concat()))
}

/// The diaspora* IDs mentioned in a text, `@{Name ; id}` or `@{id}`.
pub(super) fn mentions(text: &str) -> Vec<String> {
    let inside = text.split("@{").skip(1).filter_map(|rest| rest.split_once('}').map(|(inside, _)| inside));
    inside.filter_map(|inside| inside.rsplit(';').next()).map(|id| id.trim().to_owned()).collect()
}

/// The hashtags of a text, lower case, each once.
pub(super) fn hashtags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let Some(rest) = word.strip_prefix('#') else { continue };
        let tag: String = rest
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_' || *letter == '-')
            .collect();
        let tag = tag.to_lowercase();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// The guids of posts linked to as `diaspora://id/post/guid`.
pub(super) fn linked_posts(text: &str) -> Vec<String> {
    let links = text.split("diaspora://").skip(1);
    links
        .filter_map(|rest| rest.split_once("/post/"))
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect()
}

/// Replaces `{guid:KEY}` by the guid of that post.
pub(super) fn expand(text: &str) -> String {
    let mut parts = text.split("{guid:");
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (key, rest) = part.split_once('}').unwrap_or((part, ""));
        expanded.push_str(&guid("post", key));
        expanded.push_str(rest);
    }
    expanded
}

/// Seconds since 1970 as the federation writes them.
pub(super) fn wire_time(seconds: i64) -> String {
    let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_diaspora_reads_them() {
        assert_eq!(
            mentions("a @{Ida; B ; ida@x.example} @{b@y.example:30} @{"),
            ["ida@x.example", "b@y.example:30"]
        );
        assert_eq!(hashtags("#Ünïcode, # no #{x} a#b #x_1-2 #ünïcode"), ["ünïcode", "x_1-2"]);
        assert_eq!(expand("a {guid:k} b"), format!("a {} b", guid("post", "k")));
        assert_eq!(linked_posts("see diaspora://a@b.example/post/0123abc, or"), ["0123abc"]);
        assert_eq!(wire_time(1_455_847_421), "2016-02-19T02:03:41Z");
    }

    #[test]
    fn passwords_are_pepperred_and_repeatable() {
        let hash = usual_password("ida").unwrap();
        assert_eq!(hash, usual_password("ida").unwrap());
        assert!(hash.starts_with("$2a$04$"));
        assert!(bcrypt::verify(format!("{PASSWORD}{PEPPER}"), &hash).unwrap());
    }
}
