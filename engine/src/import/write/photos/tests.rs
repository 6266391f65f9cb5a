use std::path::PathBuf;
use std::sync::Barrier;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::pod::config::Uploads;

const NAME: &str = "00112233445566778899.png";

fn naming_of(person: &str) -> Naming {
    let [own_names, deleted_files, neighbour_names] = [(); 3].map(|()| HashSet::new());
    Naming { person_guid: person.to_owned(), own_names, deleted_files, neighbour_names }
}

fn picture(red: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(40, 20, image::Rgb([red, 0, 0]));
    image::DynamicImage::ImageRgb8(picture).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn empty(runtime: &Runtime) -> (TempDir, PathBuf, PhotoStore) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    let uploads = runtime.block_on(PhotoStore::open(&Uploads::Folder(folder.path().to_owned()))).unwrap();
    (folder, images, uploads)
}

#[test]
fn of_two_imports_at_once_one_keeps_the_name() {
    let runtime = Runtime::new().unwrap();
    let (_folder, images, uploads) = empty(&runtime);
    let both_begin = Barrier::new(2);
    let import = |person: &str, red: u8, own_names: Vec<String>, must_wait: bool| {
        let own_names = own_names.into_iter().collect();
        let naming = Naming { own_names, ..naming_of(person) };
        let mut noted: Vec<String> = Vec::new();
        let mut record = |event: PhotoFileEvent| {
            match event {
                PhotoFileEvent::Writing(name) => {
                    // Both have seen by now that the name is free.
                    if must_wait && name == NAME {
                        both_begin.wait();
                    }
                    noted.push(name);
                }
                PhotoFileEvent::NotWritten(name) => noted.retain(|noted| *noted != name),
                PhotoFileEvent::NameTaken(name) => assert_eq!(name, NAME),
            }
            Ok(())
        };
        let file = picture(red);
        let stored = store_photo(&uploads, runtime.handle(), &naming, NAME, &file, &mut record);
        (stored.unwrap().unwrap(), noted)
    };
    let all = std::thread::scope(|scope| {
        let one = scope.spawn(|| import("one", 1, Vec::new(), true));
        let other = scope.spawn(|| import("other", 200, Vec::new(), true));
        [("one", 1, one.join().unwrap()), ("other", 200, other.join().unwrap())]
    });
    assert_eq!(all.iter().filter(|(_, _, (stored, _))| stored == NAME).count(), 1);
    for (person, red, (stored, noted)) in all {
        assert_eq!(noted, [stored.as_str()], "the journal has only the name that this import has written");
        let has_all = || stored_names(&stored).iter().all(|name| images.join(name).is_file());
        assert!(has_all(), "{stored}");
        let expected = Picture::read(&picture(red)).unwrap().bytes;
        assert_eq!(std::fs::read(images.join(&stored)).unwrap(), expected, "{stored}");
        // After a kill, the same import finishes what it has begun.
        std::fs::remove_file(images.join(format!("thumb_small_{stored}"))).unwrap();
        assert_eq!(import(person, red, noted, false), (stored.clone(), Vec::new()));
        assert!(has_all(), "{stored}");
    }
}

#[test]
fn a_noted_name_that_another_import_has_taken_is_given_up() {
    let runtime = Runtime::new().unwrap();
    let (_folder, images, uploads) = empty(&runtime);
    // The other import has another picture, and has not written all sizes yet.
    let theirs = Picture::read(&picture(200)).unwrap().bytes;
    std::fs::write(images.join(NAME), &theirs).unwrap();
    let own_names = HashSet::from([NAME.to_owned()]);
    let naming = Naming { own_names, ..naming_of("one") };
    let mut given_up = Vec::new();
    let mut record = |event: PhotoFileEvent| {
        if let PhotoFileEvent::NotWritten(name) = event {
            given_up.push(name);
        }
        Ok(())
    };
    let stored = store_photo(&uploads, runtime.handle(), &naming, NAME, &picture(1), &mut record);
    let stored = stored.unwrap().unwrap();
    assert_eq!((stored == NAME, given_up), (false, vec![NAME.to_owned()]));
    assert_eq!(std::fs::read(images.join(NAME)).unwrap(), theirs);
    assert!(!images.join(format!("thumb_small_{NAME}")).exists());
    assert!(stored_names(&stored).iter().all(|name| images.join(name).is_file()), "{stored}");
}
