//! Against what a real diaspora* wrote, where those files are at hand: its pod restored into PostgreSQL and
//! copied to MariaDB, each account compared record for record with diaspora*'s own archive.

use std::path::Path;

use crate::support::reference::{reference, restore, unpack_photos};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::copy::copy_pod;
use pappus_tests::program::{pappus, program};
use pappus_tests::schema::Pool;

#[tokio::test]
async fn equals_what_diaspora_wrote() {
    let Some(reference) = reference() else { return };
    let folder = tempfile::tempdir().unwrap();
    unpack_photos(&reference, &["alice", "yusuf"], &folder.path().join("uploads/images"));
    let postgres = shared_postgres().await.unwrap().create_database("reference").await.unwrap();
    restore(&reference, "pod-a", &postgres);
    let mariadb = shared_mariadb().await.unwrap().create_database("reference").await.unwrap();
    let (from, to) = (Pool::connect(&postgres).await.unwrap(), Pool::connect(&mariadb).await.unwrap());
    copy_pod(&from, &to).await.unwrap();
    for (database, url) in [("postgresql", &postgres), ("mariadb", &mariadb)] {
        let out = folder.path().join(database);
        let text = |path: &Path| path.display().to_string();
        let (uploads, state, out_text) =
            (text(&folder.path().join("uploads")), text(&folder.path().join("state")), text(&out));
        let everybody = ["alice", "dora", "emma", "yusuf", "chloe", "lars", "tina", "sam", "finn", "mona"];
        let mut arguments = vec!["export"];
        arguments.extend(everybody);
        arguments.extend(["--database-url", url, "--pod-url", "http://closing.pod.test:3001/"]);
        arguments.extend(["--uploads", &uploads, "--out", &out_text, "--state", &state]);
        arguments.extend(["--created-at", "2026-11-22T10:00:00Z"]);
        let ended = pappus(arguments).unwrap();
        assert!(matches!(ended.code, Some(0 | 10)), "{database}: {ended:?}");
        for name in everybody {
            let archive = out.join(format!("{name}@closing.pod.test_3001-20261122T100000Z.zip"));
            let ended = pappus(["verify", archive.to_str().unwrap()]).unwrap();
            assert_eq!(ended.code, Some(0), "{database} {name}: {ended:?}");
            let stock = reference.join(format!("archives/{name}.json.gz"));
            // chloe's archive is from before she closed her account.
            if stock.exists() && name != "chloe" {
                let compared = program("compare-archives").arg(&archive).arg(&stock).output().unwrap();
                assert!(
                    compared.status.success(),
                    "{database} {name}: {}",
                    String::from_utf8_lossy(&compared.stdout)
                );
            }
            accepted_by_the_published_schema(&reference, &archive);
        }
    }
}

fn accepted_by_the_published_schema(reference: &Path, archive: &Path) {
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(reference.join("schemas").join(name)).unwrap()).unwrap()
    };
    let entities = jsonschema::Resource::from_contents(read("federation_entities.json"));
    let uri = "https://diaspora.github.io/diaspora_federation/schemas/federation_entities.json";
    let registry = jsonschema::Registry::new().add(uri, entities).unwrap().prepare().unwrap();
    let validator =
        jsonschema::options().with_registry(&registry).build(&read("archive-format.json")).unwrap();
    let document = crate::support::json(archive, "diaspora.json");
    let problems: Vec<String> =
        validator.iter_errors(&document).take(5).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{}: {problems:?}", archive.display());
}
