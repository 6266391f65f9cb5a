//! What newcomers choose at the door, and what the target's database holds of it.

use pappus_engine::import::{ImportError, check_choice};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;

use super::holding::{DATABASES, ida, target_on, write};
use crate::support::Pod;
use crate::support::target::TARGET_URL;

/// What newcomers choose is judged as the plan judges it.
#[tokio::test]
async fn a_choice_at_the_door_is_one_that_the_database_holds() {
    const FLOWER: &str = "flo🌼wer@mail.example";
    let pod = Pod::sqlite().await;
    let ida = ida(&pod);
    let old = "ida@closing.example".parse().unwrap();
    let url = PodUrl::parse(TARGET_URL).unwrap();
    for database in DATABASES.into_iter().chain(["latin2_general_ci"]) {
        let target = target_on(database, "door").await;
        let store = DatabaseUrl::from_file(&target.folder.path().join("store.sqlite3")).unwrap();
        let store = Store::open(&store).await.unwrap();
        let address = DatabaseUrl::parse(&target.database).unwrap();
        let check = |email| check_choice(&address, &url, &store, &old, &[], ("ida", Some(email)));
        let (flower, plain) = (check(FLOWER).await, check("flower@mail.example").await);
        let path = write(&target, &ida);
        let command = ["import", &path, "--as", "ida", "--offline", "--accept-unproven", "--email", FLOWER];
        match database {
            "latin2_general_ci" => {
                assert!(matches!(plain, Err(ImportError::Database(_))), "{plain:?}");
                assert!(matches!(flower, Err(ImportError::Database(_))), "{flower:?}");
            }
            "utf8mb3_general_ci" => {
                assert!(matches!(flower, Err(ImportError::Email(..))), "{flower:?}");
                assert!(plain.is_ok(), "{plain:?}");
                target.refuses(&command, "email_not_possible").await;
            }
            _ => {
                assert!(flower.is_ok() && plain.is_ok(), "{database}: {flower:?} {plain:?}");
                let ended = target.run(&[&command[..], &["--hold"]].concat());
                assert!(matches!(ended.code, Some(0 | 10)), "{database}: {ended:?}");
                let email = target.pool.texts("SELECT email FROM users").await.unwrap();
                assert_eq!(email, [FLOWER], "{database}");
            }
        }
    }
}
