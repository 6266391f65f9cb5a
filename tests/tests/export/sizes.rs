//! What `check --accounts` and `verify` say of many.

use crate::support::{Pod, document};
use pappus_tests::program::pappus;

#[tokio::test]
async fn accounts_are_listed_with_the_size_of_their_photos() {
    let pod = Pod::sqlite().await;
    let check = |more: &[&str]| {
        let mut arguments = vec!["check".to_owned(), "--accounts".to_owned()];
        arguments.extend(pod.arguments());
        arguments.extend(more.iter().map(ToString::to_string));
        pappus(arguments).unwrap()
    };
    let accounts = document(&check(&["--json"]))["accounts"].clone();
    let accounts = accounts.as_array().unwrap();
    let bytes = |name: &str| {
        accounts.iter().find(|one| one["username"] == name).unwrap()["photo_bytes"].as_u64().unwrap()
    };
    // What lies on the disk, of originals, belongs to somebody here.
    let all: u64 = std::fs::read_dir(pod.path("uploads/images"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .filter(|entry| {
            let name = entry.file_name().into_string().unwrap();
            !["thumb_", "scaled_"].iter().any(|size| name.starts_with(size))
        })
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    let listed: u64 = accounts.iter().map(|one| one["photo_bytes"].as_u64().unwrap()).sum();
    assert!(bytes("ida") > 0 && bytes("emil") == 0, "{accounts:?}");
    assert!(listed > 0 && listed <= all, "{listed} of {all}");

    // The archive holds them.
    assert_eq!(pod.export(&["ida"], "out", &[]).code, Some(10));
    let archive = pod.archive("out", "ida");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    let mut stored = 0;
    for index in 0..zip.len() {
        let entry = zip.by_index(index).unwrap();
        if entry.name().unwrap().starts_with("photos/") {
            stored += entry.size();
        }
    }
    assert_eq!(stored, bytes("ida"));
    let table = check(&[]).stdout;
    assert!(table.contains("photo files") && table.contains(" kB"), "{table}");
}

#[tokio::test]
async fn many_archives_are_verified_at_once_and_a_damaged_one_stops_nobody() {
    let pod = Pod::sqlite().await;
    assert_eq!(pod.export(&["ida", "nils", "greta"], "out", &[]).code, Some(10));
    let [ida, nils, greta] = ["ida", "nils", "greta"].map(|name| pod.archive("out", name));
    let [ida, nils, greta] = [&ida, &nils, &greta].map(|path| path.to_str().unwrap());
    let all = pappus(["verify", nils, greta]).unwrap();
    assert_eq!(all.code, Some(0), "{all:?}");
    assert!(all.stdout.contains("2 archives: 2 good, 0 with findings, 0 refused."), "{all:?}");

    let mut bytes = std::fs::read(greta).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    std::fs::write(greta, bytes).unwrap();
    let some = pappus(["verify", nils, greta, ida, "--json"]).unwrap();
    assert_eq!(some.code, Some(1), "{some:?}");
    let found = document(&some);
    let list = found["archives"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!((&list[0]["archive"], &list[0]["verified"]), (&nils.into(), &true.into()), "{found}");
    assert_eq!((&list[1]["archive"], &list[1]["verified"]), (&greta.into(), &false.into()), "{found}");
    assert_eq!((&list[2]["archive"], &list[2]["verified"]), (&ida.into(), &true.into()), "{found}");
    assert_eq!(found["refused"], 1);
    assert!(some.stderr.contains(greta), "{some:?}");
    // One archive is described as ever.
    let one = document(&pappus(["verify", nils, "--json"]).unwrap());
    assert_eq!(one["verified"], true);
}
