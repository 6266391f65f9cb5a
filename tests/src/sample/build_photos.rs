//! Rows of photos, and the pictures themselves in the sizes diaspora* keeps.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use image::{DynamicImage, ImageError, ImageFormat, RgbImage};

use super::people::{MOVES, day};
use super::posts::{Audience, Fate, PHOTOS, POSTS, Photo};
use super::sheet::Value;
use super::story::{Story, missing};
use super::words::guid;
use super::{POD_URL, SampleError};

/// The prefix of a size's file name and its largest width and height.
const SIZES: [(&str, u32, u32); 4] = [
    ("thumb_small_", 50, 50),
    ("thumb_medium_", 100, 100),
    ("thumb_large_", 300, 1500),
    ("scaled_full_", 700, 9000),
];

/// The files of a photo: name and contents.
type Files = Arc<Vec<(String, Vec<u8>)>>;

/// Photos that this process has drawn, by key. Tests build the sample pod hundreds of times, and drawing takes most of
/// the time that this takes.
static DRAWN: Mutex<BTreeMap<&str, Files>> = Mutex::new(BTreeMap::new());

impl Story {
    /// Adds all photos and gives the names of the originals on the disk.
    pub(super) fn add_photos(&mut self, uploads: &Path) -> Result<Vec<String>, SampleError> {
        let folder = uploads.join("images");
        fs::create_dir_all(&folder).map_err(|source| file_error(&folder, source))?;
        let mut kept = Vec::new();
        for (number, photo) in (0_u8..).zip(PHOTOS) {
            let random: String = guid("file", photo.key).chars().take(20).collect();
            let name = format!("{random}.{}", photo.extension);
            self.add_photo(photo, &random, &name, i64::from(number))?;
            // A pod that somebody has left keeps none of their files.
            let here = self.is_open(photo.author);
            if here && photo.fate != Fate::Lost {
                for (name, contents) in files(photo, number, &name)?.iter() {
                    let path = folder.join(name);
                    fs::write(&path, contents).map_err(|source| file_error(&path, source))?;
                }
                kept.push(name);
            }
        }
        Ok(kept)
    }

    fn add_photo(
        &mut self,
        photo: &'static Photo,
        random: &str,
        name: &str,
        number: i64,
    ) -> Result<(), SampleError> {
        let post = photo.post.map(|key| self.post(key)).transpose()?;
        let at = post.as_ref().map_or(day(20) + number * 613, |post| post.at - 60);
        let shown_with = POSTS.iter().find(|other| Some(other.key) == photo.post);
        let public = shown_with.map_or(photo.public, |other| matches!(other.audience, Audience::Everybody));
        let here = self.is_open(photo.author);
        let file: Value = here.then(|| name.to_owned()).into();
        let cells = [
            ("author_id", Value::Number(self.person(photo.author)?)),
            ("public", Value::Flag(public)),
            ("guid", guid("photo", photo.key).into()),
            ("pending", Value::Flag(photo.fate == Fate::Pending)),
            ("text", photo.caption.into()),
            ("remote_photo_path", self.remote_path(photo)?.into()),
            ("remote_photo_name", name.to_owned().into()),
            ("random_string", self.is_local(photo.author).then(|| random.to_owned()).into()),
            ("processed_image", if photo.fate == Fate::Pending { Value::Null } else { file.clone() }),
            ("unprocessed_image", file),
            ("status_message_guid", photo.post.map(|key| guid("post", key)).into()),
            ("width", Value::Number(i64::from(photo.size.0))),
            ("height", Value::Number(i64::from(photo.size.1))),
        ];
        let id = self.sheet.add("photos", at, cells)?;
        if let Some(post) = shown_with {
            self.show(post, "Photo", id)?;
        }
        if photo.fate == Fate::Avatar {
            for (column, prefix) in
                [("image_url", SIZES[2].0), ("image_url_medium", SIZES[1].0), ("image_url_small", SIZES[0].0)]
            {
                let url = format!("{POD_URL}uploads/images/{prefix}{name}");
                self.set_profile(photo.author, column, url.into())?;
            }
        }
        Ok(())
    }

    fn remote_path(&self, photo: &Photo) -> Result<String, SampleError> {
        if let Some(path) = MOVES.iter().find(|step| step.old == photo.author).and_then(|step| step.photos) {
            return Ok(path.to_owned());
        }
        let handle = &self.known_person(photo.author)?.handle;
        let host = handle.split_once('@').map(|(_, host)| host).ok_or_else(|| missing("host", handle))?;
        Ok(format!("https://{host}/uploads/images/"))
    }
}

/// Stripes and a gradient, different for each picture, so that mixed-up files are noticed.
#[expect(clippy::cast_possible_truncation, reason = "colours wrap around")]
fn draw(photo: &Photo, number: u8) -> DynamicImage {
    let (width, height) = photo.size;
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let stripe = if (x / 8 + y / 8) % 2 == 0 { 40 } else { 0 };
        image::Rgb([
            (x * 255 / width) as u8,
            (y * 255 / height) as u8 ^ stripe,
            number.wrapping_mul(37).wrapping_add(stripe),
        ])
    });
    DynamicImage::ImageRgb8(picture)
}

/// Returns the original, and the smaller sizes, which diaspora* makes when a picture is sent off.
fn files(photo: &'static Photo, number: u8, name: &str) -> Result<Files, SampleError> {
    if let Some(files) = DRAWN.lock().unwrap_or_else(PoisonError::into_inner).get(photo.key) {
        return Ok(Arc::clone(files));
    }
    let picture = draw(photo, number);
    let mut files = vec![(name.to_owned(), encode(name, &picture)?)];
    if photo.fate != Fate::Pending {
        files.extend(sizes(name, &picture)?);
    }
    let files = Arc::new(files);
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner).insert(photo.key, Arc::clone(&files));
    Ok(files)
}

fn sizes(name: &str, picture: &DynamicImage) -> Result<Vec<(String, Vec<u8>)>, SampleError> {
    let of_size = |(prefix, width, height): (&str, u32, u32)| {
        let small = if prefix == "thumb_small_" {
            picture.resize_to_fill(width, height, image::imageops::FilterType::Triangle)
        } else if picture.width() <= width && picture.height() <= height {
            picture.clone()
        } else {
            picture.thumbnail(width, height)
        };
        let name = format!("{prefix}{name}");
        let contents = encode(&name, &small)?;
        Ok((name, contents))
    };
    SIZES.into_iter().map(of_size).collect()
}

fn encode(name: &str, picture: &DynamicImage) -> Result<Vec<u8>, SampleError> {
    let broken = |source: ImageError| SampleError::Picture { name: name.to_owned(), source };
    let mut contents = Vec::new();
    let format = ImageFormat::from_path(name).map_err(broken)?;
    picture.write_to(&mut Cursor::new(&mut contents), format).map_err(broken)?;
    Ok(contents)
}

pub(super) fn file_error(path: &Path, source: std::io::Error) -> SampleError {
    SampleError::File { path: path.display().to_string(), source }
}
