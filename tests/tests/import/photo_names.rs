//! What an archive calls its photos decides neither where they lie nor as what they are served.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::support::target::Target;
use crate::support::{Pod, json, names};
use serde_json::{Value, json as value};

const SCRIPT: &[u8] = b"<script>alert(document.domain)</script>";

/// Names that somebody may give a photo, each with what is in the file: its kind, and whether it is a picture.
pub(crate) fn odd_names() -> Vec<(String, &'static str)> {
    let mut names: Vec<(String, &'static str)> = [
        ("evil.html", "gif"),
        ("x.htm", "png"),
        ("a.js", "jpg"),
        ("index.html", "webp"),
        (".htaccess", "png"),
        ("a.svg", "gif"),
        ("a.png.php", "png"),
        ("a.jpg", "png"),
        ("photo of a cat.JPG", "jpg"),
        ("Grüße aus Köln.jpeg", "jpg"),
        ("con", "gif"),
        ("scaled_full_victim.png", "png"),
        ("thumb_small_0123456789abcdef0123.png", "png"),
        ("0123456789abcdef0123.html", "gif"),
        ("0123456789abcdef0123.PNG", "png"),
        ("FEDCBA98765432100123.png", "png"),
        ("0123456789abcdef012.png", "png"),
        ("0123456789abcdef01234.png", "png"),
        ("%2e%2e%2fx.png", "png"),
        ("a\u{202e}gpj.png", "png"),
        ("-rf", "png"),
        ("~", "png"),
        ("a b\u{a0}c.gif", "gif"),
    ]
    .map(|(name, kind)| (name.to_owned(), kind))
    .to_vec();
    names.push(("x".repeat(251) + ".png", "png"));
    names.push(("ü".repeat(125) + ".png", "png"));
    let mut letters = 7_u32;
    let mut random = || {
        letters = letters.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        letters >> 16
    };
    for kind in ["gif", "jpg", "png", "webp"].into_iter().cycle().take(40) {
        let signs: Vec<char> = "abcdef0123456789.-_ ()&;'\"<>#?%=+@ÄßЖ漢🌻".chars().collect();
        let length = 1 + random() as usize % 30;
        let name: String = (0..length).map(|_| signs[random() as usize % signs.len()]).collect();
        if !name.trim().is_empty() && name != "." && name != ".." {
            names.push((name, kind));
        }
    }
    names
}

/// A picture of two colours with words in it, in a comment or behind its end.
pub(crate) fn picture(kind: &str) -> Vec<u8> {
    if kind == "svg" {
        return format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\">{}</svg>",
            String::from_utf8_lossy(SCRIPT)
        )
        .into();
    }
    let format = image::ImageFormat::from_extension(kind).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(40, 20, |x, _| image::Rgb([if x < 20 { 250 } else { 0 }, 90, 20]));
    image::DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    let mut bytes = bytes.into_inner();
    if kind == "gif" {
        let end = bytes.len() - 1;
        let length = u8::try_from(SCRIPT.len()).unwrap();
        bytes.splice(end..end, [b"\x21\xFE".as_slice(), &[length], SCRIPT, &[0]].concat());
    }
    bytes.extend_from_slice(SCRIPT);
    bytes
}

/// An archive as a stock pod would write it, and its photos, with a post for each of these names.
pub(crate) struct Hostile {
    pub(crate) archive: PathBuf,
    pub(crate) photos: PathBuf,
}

pub(crate) fn hostile(folder: &Path, document: &Value, photos: &[(String, &str)]) -> Hostile {
    let mut document = document.clone();
    let posts = document["user"]["posts"].as_array_mut().unwrap();
    let post = posts
        .iter()
        .find(|post| post["entity_data"]["photos"].as_array().is_some_and(|photos| !photos.is_empty()))
        .unwrap()
        .clone();
    for (number, (name, _)) in photos.iter().enumerate() {
        let mut post = post.clone();
        let photo = &mut post["entity_data"]["photos"][0];
        photo["entity_data"]["guid"] = value!(format!("{number:032x}"));
        photo["entity_data"]["remote_photo_name"] = value!(name);
        photo["entity_data"]["status_message_guid"] = value!(format!("{:032x}", number + 1000));
        post["entity_data"]["photos"] = value!([photo.clone()]);
        post["entity_data"]["guid"] = value!(format!("{:032x}", number + 1000));
        post["entity_data"].as_object_mut().unwrap().remove("poll");
        posts.push(post);
    }
    let made = Hostile { archive: folder.join("archive.json"), photos: folder.join("photos.zip") };
    std::fs::write(&made.archive, document.to_string()).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&made.photos).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, kind) in photos {
        zip.start_file(name.as_str(), stored).unwrap();
        zip.write_all(&picture(kind)).unwrap();
    }
    zip.finish().unwrap();
    made
}

/// Whether a pod would call a file so; with the ending.
pub(crate) fn is_ours(name: &str) -> Option<&str> {
    let sizes = ["thumb_small_", "thumb_medium_", "thumb_large_", "scaled_full_"];
    let name = sizes.iter().find_map(|size| name.strip_prefix(size)).unwrap_or(name);
    let (random, extension) = name.split_once('.')?;
    let is_random = random.len() == 20 && random.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    (is_random && ["jpg", "png", "gif", "webp"].contains(&extension)).then_some(extension)
}

fn contents(images: &Path) -> BTreeMap<String, Vec<u8>> {
    names(images).into_iter().map(|name| (name.clone(), std::fs::read(images.join(&name)).unwrap())).collect()
}

#[tokio::test]
async fn whatever_a_photo_is_called_its_name_is_ours() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let document = json(&source.archive("out", "ida"), "diaspora.json");
    target.introduce(&document).await;
    let images = target.folder.path().join("uploads/images");
    // Another user's photo with its sizes.
    for name in ["victim.png", "scaled_full_victim.png", "thumb_small_victim.png", "index.html"] {
        std::fs::write(images.join(name), name).unwrap();
    }
    let before = contents(&images);
    let (photos, folder) = (odd_names(), tempfile::tempdir().unwrap());
    let hostile = hostile(folder.path(), &document, &photos);
    let (archive, zip) = (hostile.archive.display().to_string(), hostile.photos.display().to_string());
    let command = ["import", &archive, "--photos", &zip, "--as", "ida", "--offline", "--hold"];
    let ended = target.run(&command);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();

    let mut after = contents(&images);
    for (name, bytes) in &before {
        assert!(after.remove(name).as_ref() == Some(bytes), "{name} was written over");
    }
    for (name, bytes) in &after {
        let extension = is_ours(name).unwrap_or_else(|| panic!("{name} is no name of ours"));
        let kind = image::guess_format(bytes).unwrap();
        assert_eq!(Some(kind), image::ImageFormat::from_extension(extension), "{name}");
        assert!(!bytes.windows(6).any(|part| part == b"script"), "{name} carries words along");
    }
    // Every row shows a file that is there, and all sizes of it.
    let rows = target
        .pool
        .texts("SELECT remote_photo_name FROM photos WHERE processed_image IS NOT NULL AND processed_image = remote_photo_name AND unprocessed_image = remote_photo_name")
        .await
        .unwrap();
    let shown: BTreeSet<&String> = rows.iter().collect();
    let files = &report["kinds"]["photo_files"];
    assert_eq!(files["imported"], files["in_archive"], "{report}");
    assert!(shown.len() > 50, "{} of {}", shown.len(), photos.len());
    assert_eq!(files["imported"], shown.len(), "every file belongs to a photo");
    for name in &shown {
        for size in ["", "thumb_small_", "thumb_medium_", "thumb_large_", "scaled_full_"] {
            assert!(after.contains_key(&format!("{size}{name}")), "{size}{name}");
        }
    }
    assert_eq!(after.len(), 5 * shown.len());

    // Twice is as once, and taken back nothing is left but what was there.
    let again = target.run(&command);
    assert_eq!(again.code, ended.code, "{again:?}");
    assert_eq!(contents(&images).len(), before.len() + after.len());
    let undone = target.run(&["undo", report["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert!(contents(&images) == before);
}

#[tokio::test]
async fn a_name_that_other_pods_know_stays_unless_it_is_taken() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let document = json(&source.archive("out", "ida"), "diaspora.json");
    target.introduce(&document).await;
    let images = target.folder.path().join("uploads/images");
    let (free, taken) = ("00112233445566778899.png".to_owned(), "99887766554433221100.png".to_owned());
    std::fs::write(images.join(&taken), "somebody else's").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hostile = hostile(folder.path(), &document, &[(free.clone(), "png"), (taken.clone(), "png")]);
    let (archive, zip) = (hostile.archive.display().to_string(), hostile.photos.display().to_string());
    let ended = target.run(&["import", &archive, "--photos", &zip, "--as", "ida", "--offline", "--hold"]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let name = async |guid: u32| {
        let sql = format!("SELECT remote_photo_name FROM photos WHERE guid = '{guid:032x}'");
        target.pool.texts(&sql).await.unwrap().remove(0)
    };
    assert_eq!(name(0).await, free);
    let other = name(1).await;
    assert!(other != taken && is_ours(&other) == Some("png"), "{other}");
    assert_eq!(std::fs::read(images.join(&taken)).unwrap(), b"somebody else's");
    assert!(images.join(&other).is_file());
    // Other pods would show somebody else's picture under the name they know: they are not sent here.
    let announced = target.announce(&archive, &[]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    let sql = "SELECT COUNT(*) FROM account_migrations WHERE remote_photo_path IS NOT NULL";
    assert_eq!(target.pool.number(sql).await.unwrap(), 0);
}

#[tokio::test]
async fn addresses_that_no_browser_should_load_stay_out() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let mut document = json(&archive, "diaspora.json");
    target.introduce(&document).await;
    let addresses = [
        "javascript:alert(1)//",
        "data:text/html,",
        "file:///etc/",
        "//evil.example/",
        "",
        "ftp://a.example/",
    ];
    let profile = &mut document["user"]["profile"]["entity_data"];
    for name in ["image_url", "image_url_medium", "image_url_small"] {
        profile[name] = value!("javascript:alert(1)//.png");
    }
    let mut bad = BTreeSet::new();
    let photos = document["user"]["posts"].as_array_mut().unwrap().iter_mut();
    let photos = photos.filter_map(|post| post["entity_data"]["photos"].as_array_mut()).flatten();
    for (photo, address) in photos.zip(addresses) {
        photo["entity_data"]["remote_photo_path"] = value!(address);
        if !address.is_empty() {
            bad.insert(photo["entity_data"]["guid"].as_str().unwrap().to_owned());
        }
    }
    assert!(bad.len() > 1, "{bad:?}");
    let path = target.path("archive.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let command = ["import", &path, "--as", "ida", "--offline", "--hold"];
    let plan = target.run(&[&command[..], &["--dry-run"]].concat());
    let done = target.run(&command);
    for ended in [plan, done] {
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let said = report["findings"].as_array().unwrap().iter();
        let said = said.filter(|finding| finding["code"] == "no_web_address").count();
        assert!(said >= bad.len(), "{report}");
    }
    for sql in [
        "SELECT COUNT(*) FROM photos WHERE remote_photo_path NOT LIKE 'http%'",
        "SELECT COUNT(*) FROM profiles WHERE COALESCE(image_url, image_url_medium, image_url_small) NOT LIKE 'http%'",
    ] {
        assert_eq!(target.pool.number(sql).await.unwrap(), 0, "{sql}");
    }
}

/// Files under the names of photos that are none, or not whole.
fn no_pictures() -> Vec<Vec<u8>> {
    let (png, jpg, gif) = (picture("png"), picture("jpg"), picture("gif"));
    let mut damaged = png.clone();
    let data = png.windows(4).position(|bytes| bytes == b"IDAT").unwrap();
    damaged[data + 8] ^= 0xff;
    // 1x1, 24 bits.
    let mut bmp = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    bmp.resize(0x3a, 0);
    vec![
        picture("svg"),
        Vec::new(),
        bmp,
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(),
        png[..20].to_vec(),
        png[..png.len() / 3].to_vec(),
        jpg[..30].to_vec(),
        gif[..15].to_vec(),
        // Only decoding shows it.
        damaged,
        bomb(),
        wide_gif(),
    ]
}

/// 102 million pixels in some kilobytes; no side is too long.
fn bomb() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::DynamicImage::ImageLuma8(image::GrayImage::new(10_100, 10_100));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let bytes = bytes.into_inner();
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    bytes
}

/// A small frame on a screen of 361 million pixels.
fn wide_gif() -> Vec<u8> {
    let mut gif = picture("gif");
    for side in [6, 8] {
        gif[side..side + 2].copy_from_slice(&19_000_u16.to_le_bytes());
    }
    gif
}

/// Pictures with one wrong byte, or without their end, at many places; some are still shown.
fn doubtful_pictures() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for kind in ["png", "jpg", "gif", "webp"] {
        let whole = picture(kind);
        let pixels = whole.len() - SCRIPT.len();
        for step in 1..12 {
            let at = pixels * step / 12;
            let mut wrong = whole.clone();
            wrong[at] ^= 0xff;
            files.push(wrong);
            files.push(whole[..at].to_vec());
        }
        let mut empty = whole;
        empty[pixels / 2..].fill(0);
        files.push(empty);
    }
    files
}

/// An archive with these photo files; plans and imports it.
struct PhotoScene {
    target: Target,
    archive: PathBuf,
    names: Vec<String>,
    photos: String,
}

impl PhotoScene {
    async fn new(files: &[Vec<u8>]) -> Self {
        let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
        source.export(&["ida"], "out", &[]);
        let document = json(&source.archive("out", "ida"), "diaspora.json");
        target.introduce(&document).await;
        let names: Vec<(String, &str)> =
            (0..files.len()).map(|number| (format!("{number:020x}.png"), "png")).collect();
        let Hostile { archive, photos } = hostile(target.folder.path(), &document, &names);
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&photos).unwrap());
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for ((name, _), bytes) in names.iter().zip(files) {
            zip.start_file(name.as_str(), stored).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        let names = names.into_iter().map(|(name, _)| name).collect();
        Self { target, archive, names, photos: photos.display().to_string() }
    }

    fn import(&self, more: &[&str]) -> Value {
        let more = [&["--accept-unproven", "--photos", &self.photos], more].concat();
        self.target.import(&self.archive, "ida", &more)
    }
}

/// The photo files that a report says are no pictures.
fn refused(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let refused = findings.filter(|finding| finding["code"] == "not_a_picture");
    refused.map(|finding| finding["record"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_plan_counts_pictures_only() {
    let mut files = no_pictures();
    let none = files.len();
    files.extend(["png", "jpg", "gif", "webp"].map(picture));
    let scene = PhotoScene::new(&files).await;
    let (plan, done) = (scene.import(&["--dry-run"]), scene.import(&[]));
    let expected: BTreeSet<String> = scene.names.iter().take(none).cloned().collect();
    assert_eq!(refused(&plan), expected);
    assert_eq!(refused(&done), expected);
    assert_eq!(plan["kinds"]["photo_files"]["imported"], 4, "{plan}");
    assert_eq!(plan["needs"]["photo_files"], 4, "{plan}");
    assert_eq!(done["kinds"]["photo_files"]["imported"], 4, "{done}");
}

#[tokio::test]
async fn a_plan_and_its_import_judge_damaged_pictures_alike() {
    let scene = PhotoScene::new(&doubtful_pictures()).await;
    let (plan, done) = (scene.import(&["--dry-run"]), scene.import(&[]));
    assert!(!refused(&plan).is_empty(), "{plan}");
    assert_eq!(refused(&plan), refused(&done));
    assert_eq!(plan["kinds"]["photo_files"], done["kinds"]["photo_files"]);
    assert_eq!(plan["kinds"]["photos"], done["kinds"]["photos"]);
    // Once more, with everything here.
    let again = scene.import(&["--dry-run"]);
    assert_eq!(refused(&again), refused(&done));
}
