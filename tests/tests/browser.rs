//! The pages in Debian's Chromium: by keyboard, on a phone and on a desktop, light and dark, with and without scripts, and
//! without barriers. With `PAPPUS_SCREENSHOTS` set to a folder, pictures of all pages are kept there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::newcomers;
use crate::support::Pod;
use crate::support::closing::Closing;
use pappus_tests::program::{pappus, programs};
use pappus_tests::sample::{OTP_SECRET, PASSWORD};

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
