//! What is generated and checked in is what the code makes today.

use std::path::Path;

use crate::support::names;
use pappus_tests::program::pappus;

#[test]
fn schemas_and_manual_pages_are_fresh() {
    let (project, fresh) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), tempfile::tempdir().unwrap());
    for (command, folder) in [("schemas", "schemas"), ("manual", "docs/man")] {
        let (kept, made) = (project.join(folder), fresh.path().join(command));
        let ended = pappus([command, made.to_str().unwrap()]).unwrap();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let stale = "run `make generate` and commit what changes";
        assert_eq!(names(&kept), names(&made), "{folder}: {stale}");
        for name in names(&made) {
            let bytes = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
            assert!(bytes(&kept) == bytes(&made), "{folder}/{name}: {stale}");
        }
    }
}
