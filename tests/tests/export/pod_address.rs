//! Pods whose address does not spell their diaspora* IDs: `www.`, foreign ports, an address that has changed.

use crate::support::{Pod, TIME, document, json};
use pappus_tests::program::{Ended, pappus};

/// Addresses under which the IDs of the sample pod, `…@closing.example`, are right.
const FITTING: [&str; 6] = [
    "https://closing.example/",
    "https://www.closing.example/",
    "http://closing.example:443/",
    "https://closing.example:80/",
    "HTTPS://WWW.Closing.Example/users/sign_in",
    "http://closing.example:80",
];
/// Addresses under which they are those of a pod that has moved.
const CHANGED: [&str; 3] =
    ["https://renamed.example/", "https://closing.example:3000/", "https://pod.closing.example/"];

/// Runs a command on the sample pod under another address.
fn run(pod: &Pod, command: &[&str], url: &str) -> Ended {
    let uploads = pod.path("uploads").display().to_string();
    let mut arguments = command.to_vec();
    arguments.extend(["--database-url", &pod.database, "--pod-url", url, "--uploads", &uploads, "--json"]);
    pappus(arguments).unwrap()
}

fn export(pod: &Pod, name: &str, url: &str, out: &str) -> Ended {
    let (out, state) = (pod.path(out).display().to_string(), pod.path("state").display().to_string());
    run(pod, &["export", name, "--out", &out, "--state", &state, "--created-at", TIME], url)
}

#[tokio::test]
async fn what_a_pod_of_any_address_exports_verifies() {
    let pod = Pod::sqlite().await;
    for (number, url) in FITTING.iter().chain(&CHANGED).enumerate() {
        let changed = CHANGED.contains(url);
        let out = format!("out{number}");
        let ended = export(&pod, "greta", url, &out);
        assert_eq!(ended.code, Some(if changed { 10 } else { 0 }), "{url}: {ended:?}");
        let archive = pod.archive(&out, "greta");
        let id_host = &json(&archive, "manifest.json")["pod"]["id_host"];
        assert_eq!(id_host.as_str(), changed.then_some("closing.example"), "{url}");
        let path = archive.display().to_string();
        for command in ["verify", "show"] {
            let ended = pappus([command, &path, "--json"]).unwrap();
            assert_eq!(ended.code, Some(0), "{command} {url}: {ended:?}");
        }
        let out = pod.path(&format!("stock{number}")).display().to_string();
        std::fs::create_dir(&out).unwrap();
        let ended = pappus(["convert", &path, "--to", "diaspora", "--out", &out]).unwrap();
        assert_eq!(ended.code, Some(0), "convert {url}: {ended:?}");
    }
}

#[tokio::test]
async fn check_says_whether_the_address_fits() {
    let pod = Pod::sqlite().await;
    let hosts = |url| document(&run(&pod, &["check"], url))["survey"]["other_hosts"].clone();
    for url in FITTING {
        assert_eq!(hosts(url), serde_json::json!({}), "{url}");
    }
    for url in CHANGED {
        assert_eq!(hosts(url)["closing.example"], 13, "{url}");
    }
    let uploads = pod.path("uploads").display().to_string();
    let ended =
        pappus(["check", "--database-url", &pod.database, "--pod-url", CHANGED[0], "--uploads", &uploads])
            .unwrap();
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let sentence = "The IDs of 13 accounts end in @closing.example, not in @renamed.example";
    assert!(ended.stdout.contains(sentence), "{}", ended.stdout);
}

#[tokio::test]
async fn people_of_a_pod_that_changed_its_address_are_found_by_their_ids() {
    let pod = Pod::sqlite().await;
    let url = CHANGED[0];
    assert_eq!(export(&pod, "greta@closing.example", url, "former").code, Some(10));
    assert_eq!(export(&pod, "greta@renamed.example", url, "present").code, Some(10));
    assert_eq!(export(&pod, "greta@elsewhere.example", url, "never").code, Some(1));

    let list = pod.path("list.txt");
    std::fs::write(&list, "greta@closing.example\nida@elsewhere.example\n").unwrap();
    let (out, state) = (pod.path("all").display().to_string(), pod.path("state").display().to_string());
    let only = format!("file:{}", list.display());
    let command =
        ["export", "--all", "--only", &only, "--out", &out, "--state", &state, "--plain", "--name", "c"];
    let ended = run(&pod, &command, url);
    let campaign = std::fs::read_to_string(pod.path("all/campaign.json")).unwrap();
    let campaign: serde_json::Value = serde_json::from_str(&campaign).unwrap();
    let mut states: Vec<_> = campaign["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["account"].as_str().unwrap(), line["state"].as_str().unwrap()))
        .collect();
    states.sort_unstable();
    let expected = [("greta@closing.example", "done"), ("ida@elsewhere.example", "skipped")];
    assert_eq!(states, expected, "{ended:?}");
    let ended = pappus(["campaign", "verify", "c", "--pod-url", url, "--state", &state]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}
