//! Archives that want to do harm, made at random: the same seed gives the same ones.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::innocent::Choices;

/// What hostile archives are made of.
pub struct Hostile {
    vectors: Vec<Vec<u8>>,
    /// Archives as they should be.
    whole: Vec<Vec<u8>>,
    /// Documents as they should be.
    documents: Vec<Value>,
}

/// An upload.
pub struct Upload {
    /// What it is, in words.
    pub kind: &'static str,
    /// The archive.
    pub archive: Vec<u8>,
    /// The ZIP of photos beside it.
    pub photos: Option<Vec<u8>>,
}

impl Hostile {
    /// From a folder of vectors, and from archives and documents that are all right.
    ///
    /// # Errors
    /// When the vectors cannot be read.
    pub fn new(vectors: &Path, whole: Vec<Vec<u8>>, documents: Vec<Value>) -> std::io::Result<Self> {
        let mut paths: Vec<_> = std::fs::read_dir(vectors)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.sort();
        let vectors =
            paths.iter().filter(|path| path.is_file()).map(std::fs::read).collect::<Result<_, _>>()?;
        Ok(Self { vectors, whole, documents })
    }

    /// The upload of a number.
    ///
    /// # Errors
    /// When something cannot be packed.
    pub fn upload(&self, seed: u64) -> std::io::Result<Upload> {
        let mut choices = Choices::new(seed);
        let photos = (choices.below(6) == 0).then(|| Self::photos(&mut choices)).transpose()?;
        let (kind, archive) = match choices.below(12) {
            0..=2 => ("a vector", pick(&self.vectors, &mut choices).clone()),
            3 | 4 => ("a vector with wrong bytes", {
                let vector = pick(&self.vectors, &mut choices);
                damaged(vector, &mut choices)
            }),
            5 | 6 => ("an archive with wrong bytes", {
                let archive = pick(&self.whole, &mut choices);
                damaged(archive, &mut choices)
            }),
            7..=9 => ("a document with odd values", self.odd_document(&mut choices)?),
            10 => self.too_much(&mut choices)?,
            _ => ("random bytes", (0..choices.below(100_000)).map(|_| byte(&mut choices)).collect()),
        };
        Ok(Upload { kind, archive, photos })
    }

    fn odd_document(&self, choices: &mut Choices) -> std::io::Result<Vec<u8>> {
        let mut document = pick(&self.documents, choices).clone();
        for _ in 0..=choices.below(20) {
            let depth = 2 + choices.below(6);
            make_odd(&mut document, depth, choices);
        }
        packed(document.to_string().as_bytes())
    }

    /// Honest forms in numbers that nobody has.
    fn too_much(&self, choices: &mut Choices) -> std::io::Result<(&'static str, Vec<u8>)> {
        let mut document = pick(&self.documents, choices).clone();
        let (list, one, kind) = match choices.below(5) {
            0 => ("posts", "{}".to_owned(), "posts that are none"),
            1 => ("contact_groups", r#"{"name":"x"}"#.to_owned(), "aspects without end"),
            2 => ("contacts", r#"{"account_id":"a@b.example"}"#.to_owned(), "contacts that are none"),
            3 => ("blocks", r#""a@b.example""#.to_owned(), "blocks without end"),
            _ => {
                let text = "all work and no play ".repeat(choices.below(700_000));
                let post = json!({
                    "entity_type": "status_message",
                    "entity_data": {
                        "author": document["user"]["profile"]["entity_data"]["author"],
                        "guid": "0123456789abcdef0123456789abcdef", "created_at": "2024-01-01T00:00:00Z",
                        "public": true, "text": text, "photos": [],
                    },
                });
                ("posts", post.to_string(), "long posts")
            }
        };
        document["user"][list] = json!(["HERE"]);
        let text = document.to_string();
        let (before, after) = text.split_once("\"HERE\"").unwrap_or((&text, ""));
        let count = (8 << 20) / one.len().max(1);
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(before.as_bytes())?;
        for number in 0..=choices.below(count) {
            out.write_all(if number == 0 { b"" } else { b"," })?;
            out.write_all(one.as_bytes())?;
        }
        out.write_all(after.as_bytes())?;
        Ok((kind, out.finish()?))
    }

    /// A ZIP of pictures with wrong bytes under odd names.
    fn photos(choices: &mut Choices) -> std::io::Result<Vec<u8>> {
        const NAMES: [&str; 8] = [
            "evil.html",
            "../up.jpg",
            "a/b/c.png",
            ".htaccess",
            "x.gif\u{202e}",
            "con.webp",
            "ä.jpg",
            "a.jpg",
        ];
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for number in 0..choices.below(6) {
            let mut picture = std::io::Cursor::new(Vec::new());
            let side = 1 + u32::try_from(choices.below(60)).unwrap_or(1);
            let format = [image::ImageFormat::Png, image::ImageFormat::Jpeg, image::ImageFormat::Gif]
                [choices.below(3)];
            let drawn = image::DynamicImage::new_rgb8(side, side).write_to(&mut picture, format);
            drawn.map_err(std::io::Error::other)?;
            let bytes = picture.into_inner();
            let bytes = if choices.below(2) == 0 { bytes } else { damaged(&bytes, choices) };
            let name = format!("{number}{}", pick(&NAMES, choices));
            zip.start_file(name, zip::write::SimpleFileOptions::default())?;
            zip.write_all(&bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

fn pick<'a, T>(all: &'a [T], choices: &mut Choices) -> &'a T {
    &all[choices.below(all.len())]
}

fn byte(choices: &mut Choices) -> u8 {
    u8::try_from(choices.below(256)).unwrap_or_default()
}

fn packed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes)?;
    out.finish()
}

/// Bytes changed, taken out, put in, doubled; or the end cut off.
fn damaged(bytes: &[u8], choices: &mut Choices) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=choices.below(8) {
        let at = choices.below(bytes.len());
        let to = (at + choices.below(200)).min(bytes.len());
        match choices.below(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => bytes.insert(at, byte(choices)),
            3 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                if let Some(one) = bytes.get_mut(at) {
                    *one = byte(choices);
                }
            }
        }
    }
    bytes
}

/// Puts something odd somewhere into a document.
fn make_odd(value: &mut Value, depth: usize, choices: &mut Choices) {
    let inside = match value {
        Value::Object(fields) if depth > 0 && !fields.is_empty() => {
            let at = choices.below(fields.len());
            fields.values_mut().nth(at)
        }
        Value::Array(list) if depth > 0 && !list.is_empty() => {
            let at = choices.below(list.len());
            if choices.below(4) == 0 {
                let again = list[at].clone();
                list.extend(std::iter::repeat_n(again, choices.below(50)));
            }
            list.get_mut(at)
        }
        _ => None,
    };
    match inside {
        Some(inside) => make_odd(inside, depth - 1, choices),
        None => *value = odd(choices),
    }
}

fn odd(choices: &mut Choices) -> Value {
    match choices.below(14) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(1e308),
        4 => json!([]),
        5 => json!({}),
        6 => json!("\u{0}"),
        7 => json!("\u{feff}\u{202e}🌼"),
        8 => json!("x".repeat(choices.below(300_000))),
        9 => json!("0000-00-00T00:00:00Z"),
        10 => json!("9999999-12-31T23:59:60Z"),
        11 => json!("javascript:alert(1)"),
        12 => json!("'; DROP TABLE users; --"),
        _ => (0..choices.below(31)).fold(json!(true), |inner, _| json!([inner])),
    }
}
