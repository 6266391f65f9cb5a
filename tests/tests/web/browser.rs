//! The pages in Debian's Chromium: by keyboard, on a phone and on a desktop, light and dark, with and without scripts, and
//! without barriers. With `PAPPUS_SCREENSHOTS` set to a folder, pictures of all pages are kept there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::Pod;
use crate::support::closing::{Closing, said};
use crate::web::newcomers;
use pappus_tests::door::Mover;
use pappus_tests::program::{pappus, programs};
use pappus_tests::sample::{OTP_SECRET, PASSWORD};
use pappus_tests::service::Service;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// Runs one of the scripts beside this file against a service.
fn drive(script: &str, url: &str, more: &[(&str, &Path)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let modules: PathBuf = programs().parent().unwrap().join("browser");
    assert!(modules.join("installed").exists(), "run tests/install-browser.sh first");
    let ended = Command::new("node")
        .arg(folder.join(script))
        .env("PAPPUS_BROWSER", modules)
        .env("PAPPUS_URL", url)
        .env("PAPPUS_PASSWORD", PASSWORD)
        .env("PAPPUS_OTP_SECRET", OTP_SECRET)
        .envs(more.iter().copied())
        .output()
        .unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{script}: {}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn a_podmin_closes_a_pod() {
    let scene = Closing::sqlite().await;
    drive("board.mjs", &scene.service.url, &[]);
}

#[tokio::test]
async fn an_archive_is_read_in_a_browser() {
    let pod = Pod::sqlite().await;
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(3);
    let words =
        format!("{long}\n\n    {long}\n\n|a|b|\n|-|-|\n|{long}|{long}|\n\n`{long}` https://x.example/{long}");
    // What is longest goes everywhere.
    for sql in [
        format!("UPDATE posts SET text = text || '\n\n{words}' WHERE text IS NOT NULL"),
        format!("UPDATE comments SET text = text || '\n\n{words}'"),
        format!("UPDATE messages SET text = text || '\n\n{words}'"),
        format!("UPDATE profiles SET bio = '{words}', location = substr('{long}', 1, 200)"),
        format!("UPDATE conversations SET subject = substr('{long}', 1, 200)"),
    ] {
        pod.pool.execute(&sql).await.unwrap();
    }
    assert_eq!(pod.export(&["ida"], "out", &[]).code, Some(10));
    let mut zip = zip::ZipArchive::new(std::fs::File::open(pod.archive("out", "ida")).unwrap()).unwrap();
    let unpacked = pod.path("unpacked");
    zip.extract(&unpacked).unwrap();
    let alone = pod.path("alone.html");
    std::fs::copy(unpacked.join("index.html"), &alone).unwrap();
    let url = format!("file://{}", unpacked.display());
    drive("archive.mjs", &url, &[("PAPPUS_ALONE", &alone)]);
}

#[tokio::test]
async fn somebody_fetches_an_archive() {
    let scene = Closing::sqlite().await;
    let unused = "UPDATE users SET consumed_timestep = NULL WHERE username = 'jonas'";
    scene.pod.pool.execute(unused).await.unwrap();
    let download = scene.folder.path().join("archive.zip");
    drive("closing.mjs", &scene.service.url, &[("PAPPUS_DOWNLOAD", &download)]);
    let ended = pappus(["verify", download.to_str().unwrap()]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_keep_the_focus_and_the_message_at_the_field() {
    let scene = newcomers::Scene::with(|source| {
        // An archive of some megabytes: several pieces.
        let pixels = image::RgbImage::from_fn(1400, 1400, |x, y| {
            let noise = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761).to_le_bytes();
            image::Rgb([noise[1], noise[2], noise[3]])
        });
        let photos = source.path("uploads/images");
        for entry in std::fs::read_dir(photos).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "png") {
                pixels.save(&path).unwrap();
            }
        }
    })
    .await;
    let archive = scene.archive.clone();
    let greta = scene.source.archive("out", "greta");
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let url = service.url.clone();
    let driving = tokio::task::spawn_blocking(move || {
        drive("forms.mjs", &url, &[("PAPPUS_ARCHIVE", &*archive), ("PAPPUS_SMALL", &*greta)]);
    });
    driving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_moves_to_a_pod() {
    let scene = newcomers::Scene::new().await;
    let terms = "terms = \"https://haven.example/terms\"";
    let service = scene.serve(None, &format!("admission = \"open\"\n{}\n{terms}", scene.trusted()));
    let (ida, greta) = (scene.source.archive("out", "ida"), scene.source.archive("out", "greta"));
    let arrived = PathBuf::from(scene.target.path("arrived"));
    let (url, marker) = (service.url.clone(), arrived.clone());
    let driving = tokio::task::spawn_blocking(move || {
        let files = [("PAPPUS_ARCHIVE", &*ida), ("PAPPUS_ARCHIVE_2", &*greta), ("PAPPUS_ARRIVED", &*marker)];
        drive("newcomers.mjs", &url, &files);
    });
    while !driving.is_finished() {
        if arrived.exists() {
            scene.pods_are_near().await;
            scene.make_podmin("ida").await;
            std::fs::remove_file(&arrived).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    driving.await.unwrap();
}

/// Somebody who has come as far as the look at their archive.
async fn checked(service: &Service, archive: &Path) -> Mover {
    let mut mover = newcomers::begin_by_program(service, json!({})).await;
    newcomers::hand_in_by_program(&mut mover, archive).await;
    newcomers::state(&mut mover, "checked").await;
    mover
}

/// Walks pages: name, path, a text in English and the same in German.
async fn walk_door(service: &Service, pages: Vec<(&'static str, String, &'static str, &'static str)>) {
    let (url, pages) = (service.url.clone(), serde_json::to_string(&pages).unwrap());
    let driving = tokio::task::spawn_blocking(move || {
        drive(
            "door.mjs",
            &url,
            &[("PAPPUS_PAGES", Path::new(&pages)), ("PAPPUS_PASSWORD", Path::new(newcomers::PASSWORD))],
        );
    });
    driving.await.unwrap();
}

/// Two newcomers with the same archive at a pod whose podmin approves them: one waits, the other is declined and sees
/// a list of other pods.
async fn waiting_and_declined(scene: &newcomers::Scene) -> (Mover, Mover) {
    let by_hand = format!("admission = \"approval\"\nper_address = 100\n{}", scene.trusted());
    let service = scene.serve(None, &by_hand);
    let mut podmin = crate::web::newcomers_api::with_podmin(scene, &service).await;
    let mut waiting = checked(&service, &scene.archive).await;
    newcomers::choose_by_program(&mut waiting, "ida_waits").await;
    newcomers::state(&mut waiting, "waiting").await;
    let mut declined = checked(&service, &scene.archive).await;
    newcomers::choose_by_program(&mut declined, "ida_declined").await;
    newcomers::state(&mut declined, "waiting").await;
    let no = json!({ "act": "no" });
    said(&mut podmin, Method::PATCH, "/api/v1/board/newcomers/2", Some(no), StatusCode::OK).await;
    newcomers::state(&mut declined, "declined").await;
    let pods =
        json!({ "note": "Write to me first.", "pods": [{ "url": "other.example", "about": "friendly" }] });
    said(&mut podmin, Method::PUT, "/api/v1/board/words", Some(pods), StatusCode::OK).await;
    (waiting, declined)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_or_cannot_go_on_finds_a_page_without_barriers() {
    let scene = newcomers::Scene::new().await;
    scene.source.export(&["ruth"], "out", &[]);
    let (ida, ruth) = (scene.archive.clone(), scene.source.archive("out", "ruth"));
    let back = |mover: &Mover| format!("/newcomers/back/{}", mover.secret());
    let (waiting, declined) = waiting_and_declined(&scene).await;
    let open = format!(
        "admission = \"open\"\nper_address = 100\nmax_hosts = 1\nundo_minutes = 1000\n{}",
        scene.trusted()
    );
    {
        let service = scene.serve(None, &open);
        let mut many = checked(&service, &ida).await;
        newcomers::choose_by_program(&mut many, "ida").await;
        newcomers::state(&mut many, "imported").await;
        many.ask(Method::POST, "/me/announce", Some(&json!({}))).await.unwrap();
        until_it_stops(&mut many).await;
        let mut undone = checked(&service, &ruth).await;
        newcomers::choose_by_program(&mut undone, "ruth").await;
        newcomers::state(&mut undone, "imported").await;
        assert_eq!(newcomers::undo(&mut undone).await, StatusCode::ACCEPTED);
        newcomers::state(&mut undone, "undone").await;
        let heavy = checked(&service, &ruth).await;
        let store = scene.folder.path().join("state/pods/haven.example/pappus.sqlite3");
        let store = sqlx::SqlitePool::connect(&format!("sqlite:{}", store.display())).await.unwrap();
        // As after three processes have died of it.
        let refused = "UPDATE pappus_newcomers SET state = 'refused', problem = 'too_heavy', reason = 'the work on the \
                       archive was begun 3 times, and each time it ran out of memory' WHERE id = 5";
        sqlx::query(refused).execute(&store).await.unwrap();
        let board = "/board/newcomers".to_owned();
        let pages = vec![
            ("waiting", back(&waiting), "Waiting for the podmin", "Jetzt entscheidet der Podmin"),
            ("declined", back(&declined), "Request declined", "Anfrage abgelehnt"),
            ("many-pods", back(&many), "Your contacts are on very many pods", "sehr vielen Pods"),
            ("undone", back(&undone), "Move undone", "Umzug rückgängig gemacht"),
            ("too-heavy", back(&heavy), "failed several times", "mehrmals nicht verarbeiten"),
            ("queue", board, "imported, not announced yet", "importiert, noch nicht angekündigt"),
        ];
        walk_door(&service, pages).await;
    }
    let service = scene.serve(None, "admission = \"closed\"");
    let closed = ("This pod accepts no newcomers at the moment", "Dieser Pod nimmt zurzeit niemanden auf");
    let pages = vec![
        ("closed", "/newcomers".to_owned(), closed.0, closed.1),
        ("waiting-closed", back(&waiting), "Waiting for the podmin", "Jetzt entscheidet der Podmin"),
        ("declined-closed", back(&declined), "other.example", "other.example"),
    ];
    walk_door(&service, pages).await;
}

/// Waits until a move that was to be announced says why it is not.
async fn until_it_stops(mover: &mut Mover) {
    for _ in 0..600 {
        if newcomers::state(mover, "imported").await["problem"] == "many_pods" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is announced");
}
