//! Ctrl-C and SIGTERM: answered at once, with the terminal as it was and nothing half-written.

use std::time::{Duration, Instant};

use super::screen::{CTRL_C, Terminal};
use super::{export, words, write_posts};
use crate::support::{Pod, names, put_key};
use pappus_tests::program::pappus;

/// The most time that an interrupted program takes to end, also on a busy machine.
const MAX_EXIT_TIME: Duration = Duration::from_secs(20);

fn prompted(terminal: &mut Terminal, prompt: &str) {
    terminal.wait_for(prompt);
    while terminal.echoes() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_prompt_that_is_interrupted_leaves_the_terminal_as_it_was() {
    let pod = Pod::sqlite().await;
    let prompts = ["New passphrase for the archive: ", "Repeat the passphrase: "];
    for interrupted in prompts {
        for (signal, code) in [(None, 130), (Some("TERM"), 143), (Some("INT"), 130)] {
            let mut terminal = Terminal::start(80, &export(&pod, "out", &["--passphrase"]));
            prompted(&mut terminal, prompts[0]);
            if interrupted == prompts[1] {
                terminal.enter("secret");
                prompted(&mut terminal, prompts[1]);
            }
            terminal.press("half a secr");
            let asked = Instant::now();
            match signal {
                None => terminal.press(CTRL_C),
                Some(signal) => terminal.signal(signal),
            }
            assert_eq!(terminal.code(), Some(code), "{signal:?} {interrupted}: {}", terminal.text());
            assert!(asked.elapsed() < MAX_EXIT_TIME);
            assert!(terminal.echoes(), "{signal:?} {interrupted}: the terminal is left silent");
            assert!(!terminal.written.contains("secr"), "{}", terminal.text());
            assert!(names(&pod.path("out")).is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_interrupted_leaves_nothing_behind() {
    let pod = Pod::sqlite().await;
    write_posts(&pod, 60_000).await;
    for (signal, code) in [(None, 130), (Some("TERM"), 143)] {
        let mut terminal = Terminal::start(80, &export(&pod, "out", &[]));
        terminal.wait_for(" records");
        let part = pod.path("out/.nils@closing.example.part");
        while std::fs::metadata(&part).map_or(0, |file| file.len()) == 0 {
            assert!(names(&pod.path("out")).iter().all(|name| name.starts_with('.')), "it was too fast");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let asked = Instant::now();
        match signal {
            None => terminal.press(CTRL_C),
            Some(signal) => terminal.signal(signal),
        }
        assert_eq!(terminal.code(), Some(code), "{}", terminal.text());
        assert!(asked.elapsed() < MAX_EXIT_TIME, "{:?}", asked.elapsed());
        assert!(terminal.text().contains("pappus: interrupted"), "{}", terminal.text());
        assert_eq!(names(&pod.path("out")), Vec::<String>::new());
    }
    // Nothing of it stands in the way of the next export.
    assert_eq!(pappus(export(&pod, "out", &[])).unwrap().code, Some(0));
}

/// Waits until a campaign's worker is writing the archive of nils.
async fn begun(pod: &Pod, out: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let workers = std::fs::read_dir(pod.path(out).join(".pappus-work")).into_iter().flatten().flatten();
        if workers.into_iter().any(|worker| worker.path().join(".nils@closing.example.part").exists()) {
            return;
        }
        assert!(Instant::now() < deadline, "nothing is begun");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_finishes_what_was_begun_unless_it_is_told_twice() {
    let pod = Pod::sqlite().await;
    write_posts(&pod, 60_000).await;
    put_key(&pod.path("state"));
    let state = pod.path("state").display().to_string();
    let campaign = |name: &str| {
        let out = pod.path(name).display().to_string();
        let mut arguments = words(&["export", "--all", "--plain", "--workers", "1", "--name", name]);
        arguments.extend(words(&["--out", &out, "--state", &state]));
        arguments.extend(pod.arguments());
        arguments
    };
    // The account with most records comes first.
    let mut terminal = Terminal::start(80, &campaign("once"));
    begun(&pod, "once").await;
    terminal.press(CTRL_C);
    terminal.wait_for("Press Ctrl-C again to stop at once.");
    assert_eq!(terminal.code(), Some(1), "{}", terminal.text());
    assert!(terminal.text().contains("run the same command again to continue"), "{}", terminal.text());
    let whole = |name: &str| names(&pod.path(name)).iter().filter(|file| file.starts_with("nils@")).count();
    assert_eq!(whole("once"), 1, "the account that was begun is finished");

    let mut terminal = Terminal::start(80, &campaign("twice"));
    begun(&pod, "twice").await;
    terminal.press(CTRL_C);
    terminal.wait_for("Press Ctrl-C again to stop at once.");
    let asked = Instant::now();
    terminal.press(CTRL_C);
    assert_eq!(terminal.code(), Some(130), "{}", terminal.text());
    assert!(asked.elapsed() < MAX_EXIT_TIME);
    assert_eq!(whole("twice"), 0);
}
