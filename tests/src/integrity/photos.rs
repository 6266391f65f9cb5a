//! Photos, their files, and pictures of profiles.

use super::{Check, is_web};
use crate::rows::{Record, flag, number, text};

/// What diaspora* puts before the names of the sizes it makes.
const SIZES: [&str; 4] = ["thumb_small_", "thumb_medium_", "thumb_large_", "scaled_full_"];

impl Check<'_> {
    pub(super) fn photos(&mut self) {
        let owners = self.owners();
        let posts = self.rows.by("posts", "guid");
        for photo in self.rows.of("photos") {
            self.must(!flag(photo, "pending"), "photos", photo, "it waits to be posted");
            let path = text(photo, "remote_photo_path");
            self.must(is_web(path) && path.ends_with('/'), "photos", photo, "its folder has no address");
            for column in ["width", "height"] {
                let fits = photo.get(column).is_none_or(|size| size.parse().is_ok_and(|size: i64| size > 0));
                self.must(fits, "photos", photo, &format!("its {column} is none"));
            }
            if let Some(post) = photo.get("status_message_guid").and_then(|guid| posts.get(guid.as_str())) {
                let fits = text(post, "author_id") == text(photo, "author_id")
                    && text(post, "type") == "StatusMessage";
                self.must(fits, "photos", photo, "it hangs on somebody else's post");
            }
            if owners.contains_key(&number(photo, "author_id")) {
                self.own_photo(photo);
            } else {
                let fits = !photo.contains_key("processed_image");
                self.must(fits, "photos", photo, "a photo of somebody from elsewhere is here");
            }
        }
        for profile in self.rows.of("profiles") {
            self.avatar(profile);
            if owners.contains_key(&number(profile, "person_id")) {
                let name = text(profile, "image_url").rsplit('/').next().unwrap_or_default();
                let here = text(profile, "image_url").starts_with(self.place.images().as_str());
                self.must(
                    here || !self.is_here(name),
                    "profiles",
                    profile,
                    "its avatar is here, and it points elsewhere",
                );
            }
        }
    }

    fn is_here(&self, name: &str) -> bool {
        !name.is_empty() && self.place.uploads.join("images").join(name).is_file()
    }

    fn own_photo(&mut self, photo: &Record) {
        let name = text(photo, "remote_photo_name");
        let here = text(photo, "remote_photo_path") == self.place.images();
        self.must(
            here == photo.contains_key("processed_image"),
            "photos",
            photo,
            "its file is here and its address is not, or the other way round",
        );
        if !here {
            let bare = !photo.contains_key("random_string") && !photo.contains_key("unprocessed_image");
            self.must(bare, "photos", photo, "its file is not here");
            self.must(!self.is_here(name), "photos", photo, "its file is here, and it points elsewhere");
            return;
        }
        // The uploader builds names of these two (`ProcessedImage#filename`).
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        self.must(text(photo, "random_string") == stem, "photos", photo, "random_string is not its name");
        for column in ["processed_image", "unprocessed_image"] {
            self.must(text(photo, column) == name, "photos", photo, &format!("{column} is not its name"));
        }
        let ending = ending.to_lowercase();
        let fits = ["jpg", "jpeg", "png", "gif", "webp"].contains(&ending.as_str());
        self.must(fits, "photos", photo, "its name does not end like a picture's");
        for prefix in SIZES.into_iter().chain([""]) {
            let file = self.place.uploads.join("images").join(format!("{prefix}{name}"));
            self.must(file.is_file(), "photos", photo, &format!("{prefix}{name} is not on the disk"));
        }
    }

    /// Pictures of this pod are on its disk.
    fn avatar(&mut self, profile: &Record) {
        let images = self.place.images();
        let sizes = ["image_url", "image_url_medium", "image_url_small"];
        for (column, prefix) in sizes.into_iter().zip(["thumb_large_", "thumb_medium_", "thumb_small_"]) {
            let Some(name) = text(profile, column).strip_prefix(images.as_str()) else { continue };
            let there = self.place.uploads.join("images").join(name).is_file();
            self.must(
                there && name.starts_with(prefix),
                "profiles",
                profile,
                &format!("{column} is not here"),
            );
        }
        let filled = sizes.iter().filter(|column| profile.contains_key(**column)).count();
        self.must(filled == 0 || filled == 3, "profiles", profile, "its picture is not there in all sizes");
    }
}
