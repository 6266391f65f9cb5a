//! The pages in Debian's Chromium: by keyboard, on a phone and on a desktop, light and dark, with and without scripts, and
//! without barriers. With `PAPPUS_SCREENSHOTS` set to a folder, pictures of all pages are kept there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::Pod;
use crate::support::web::{Service, configuration, free_port};
use pappus_tests::program::{pappus, programs};
use pappus_tests::sample::{OTP_SECRET, PASSWORD};

/// Runs one of the scripts beside this file against a service.
fn drive(script: &str, service: &Service, more: &[(&str, &Path)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let modules: PathBuf = programs().parent().unwrap().join("browser");
    assert!(modules.join("installed").exists(), "run tests/install-browser.sh first");
    let ended = Command::new("node")
        .arg(folder.join(script))
        .env("PAPPUS_BROWSER", modules)
        .env("PAPPUS_URL", &service.url)
        .env("PAPPUS_PASSWORD", PASSWORD)
        .env("PAPPUS_OTP_SECRET", OTP_SECRET)
        .envs(more.iter().copied())
        .output()
        .unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{script}: {}", String::from_utf8_lossy(&said));
}

/// The service of a pod that closes.
fn closing(pod: &Pod, folder: &Path) -> Service {
    let text = configuration(folder, pod, None, free_port());
    let mails = folder.join("mails");
    let text = format!(
        "{text}[mail]\nfolder = {:?}\nfrom = \"podmin@closing.example\"\n[closing]\nenabled = true\n",
        mails.display().to_string()
    );
    Service::start(folder, &text)
}

#[tokio::test]
async fn a_podmin_closes_a_pod() {
    let (pod, folder) = (Pod::sqlite().await, tempfile::tempdir().unwrap());
    drive("board.mjs", &closing(&pod, folder.path()), &[]);
}

#[tokio::test]
async fn somebody_fetches_an_archive() {
    let (pod, folder) = (Pod::sqlite().await, tempfile::tempdir().unwrap());
    let unused = "UPDATE users SET consumed_timestep = NULL WHERE username = 'jonas'";
    pod.pool.execute(unused).await.unwrap();
    let service = closing(&pod, folder.path());
    let download = folder.path().join("archive.zip");
    drive("closing.mjs", &service, &[("PAPPUS_DOWNLOAD", &download)]);
    let ended = pappus(["verify", download.to_str().unwrap()]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
