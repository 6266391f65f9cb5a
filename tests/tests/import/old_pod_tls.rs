//! An old pod whose TLS fails when it is asked whose archive it is: a real server, with certificates that nobody takes.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::target::Target;
use crate::support::{Pod, document, shared_state};
use pappus_tests::program::pappus;

/// `openssl s_server` on a free port, as long as this value lives.
struct TlsServer {
    process: Child,
    port: u16,
}

impl TlsServer {
    fn start(certificate: &str, more: &[&str]) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("openssl")
            .args(["s_server", "-www", "-quiet", "-accept", &port.to_string()])
            .args(["-cert", &format!("{folder}/{certificate}"), "-key", &format!("{folder}/server.key.pem")])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "openssl s_server does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_and_the_finding_say_what_is_wrong() {
    for (certificate, more, words) in [
        (
            "self-signed.pem",
            &[][..],
            "its certificate is self-signed, or of an authority that is not trusted here",
        ),
        ("other-host.pem", &[], "its certificate is"),
        ("server.pem", &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "it supports no safe version of TLS"),
    ] {
        let server = TlsServer::start(certificate, more);
        let host = format!("localhost:{}", server.port);
        let pod = Pod::sqlite().await;
        let rename = format!(
            "UPDATE people SET diaspora_handle = REPLACE(diaspora_handle, '@closing.example', '@{host}')"
        );
        pod.pool.execute(&rename).await.unwrap();
        let out = pod.path("out").display().to_string();
        let uploads = pod.path("uploads").display().to_string();
        let url = format!("https://{host}/");
        let ended = pappus([
            "export",
            "ida",
            "--database-url",
            &pod.database,
            "--pod-url",
            &url,
            "--uploads",
            &uploads,
            "--out",
            &out,
            "--state",
            &shared_state(),
        ])
        .unwrap();
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        let archive = format!("{out}/{}", crate::support::names(&pod.path("out"))[0]);
        let target = Target::sqlite().await;
        let allow = format!("https://{host}");
        let command = ["import", &archive, "--as", "ida", "--dry-run", "--allow-host", &allow];
        let refused = target.run(&command);
        assert_eq!(refused.code, Some(1), "{certificate}: {refused:?}");
        let said = document(&refused)["error"].as_str().unwrap().to_owned();
        assert!(
            said.contains("TLS") && said.contains(words) && said.contains(&host),
            "{certificate}: {said}"
        );
        let taken = target.run(&[&command[..], &["--accept-unproven"]].concat());
        assert_eq!(taken.code, Some(10), "{certificate}: {taken:?}");
        let findings = document(&taken)["findings"].clone();
        let mut findings = findings.as_array().unwrap().iter();
        let finding = findings.find(|finding| finding["code"] == "old_pod_tls").unwrap();
        // It is about the account, not about one of its contacts.
        assert_eq!(finding["kind"], "account", "{certificate}: {finding}");
        let record = finding["record"].as_str().unwrap();
        assert!(record.contains(words) && record.contains(&host), "{certificate}: {record}");
    }
}
