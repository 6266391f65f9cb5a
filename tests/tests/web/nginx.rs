//! A real nginx from Debian: before the service, with the example of the documentation as it stands, and as a pod's own web
//! server, which serves what lies in the uploads folder by its extension, as diaspora*'s own example has it.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pappus_tests::cluster::{Nginx, NginxFolder};
use pappus_tests::door::{ARCHIVE, Mover, PHOTOS, TUS, send_piece};
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::import::photo_names::{hostile, is_ours, odd_names};
use crate::support::{json as json_of, names};
use crate::web::newcomers::{PASSWORD, Scene, state};

/// The name in the example.
const NAME: &str = "move.pod.example";

/// The service behind nginx.
struct Front {
    scene: Scene,
    service: Service,
    nginx: Nginx,
    /// Where people find the service.
    url: String,
    /// The same without TLS.
    plain_url: String,
    https: u16,
}

impl Front {
    async fn new(more: &str) -> Self {
        let scene = Scene::new().await;
        let folder = NginxFolder::new().unwrap();
        let (http, https) = (folder.http, folder.https);
        let (certificate, key) = folder.certificate(NAME).unwrap();
        let example = include_str!("../../../server/packaging/nginx.conf");
        let socket = scene.folder.path().join("web.sock");
        // Ports, the certificate and the socket are the machine's; all else is as it stands there.
        let mut site = example.to_owned();
        for (there, here, times) in [
            ("listen 80;", format!("listen 127.0.0.1:{http};"), 1),
            ("listen [::]:80;", String::new(), 1),
            ("listen 443 ssl http2;", format!("listen 127.0.0.1:{https} ssl http2;"), 1),
            ("listen [::]:443 ssl http2;", String::new(), 1),
            ("/etc/letsencrypt/live/move.pod.example/fullchain.pem", certificate.display().to_string(), 1),
            ("/etc/letsencrypt/live/move.pod.example/privkey.pem", key.display().to_string(), 1),
            ("unix:/run/pappus/web.sock", format!("unix:{}", socket.display()), 1),
        ] {
            assert_eq!(site.matches(there).count(), times, "{there}");
            site = site.replace(there, &here);
        }
        let pod = format!(
            "server {{\nlisten 127.0.0.1:{http};\nserver_name pod.example;\nroot {};\n\
             location / {{ try_files $uri =404; }}\n}}\n",
            scene.target.folder.path().display()
        );
        let url = format!("https://{NAME}:{https}/");
        let service = Service::start_behind(scene.folder.path(), &url, &scene.sections(None, more)).unwrap();
        let nginx = folder.start(&[("pappus", &site), ("pod", &pod)]).await.unwrap();
        Self { scene, service, nginx, url, plain_url: format!("http://{NAME}:{http}/"), https }
    }

    fn browser(&self) -> Browser {
        Browser::near(&self.url, NAME).unwrap()
    }

    async fn mover(&self) -> Mover {
        Mover::begin_as(self.browser(), &json!({})).await.unwrap()
    }

    /// Begins a piece of `bytes` bytes at the beginning of an upload, and sends the first of them over a line that can be cut.
    fn begin_piece(&self, mover: &Mover, place: &str, bytes: usize, first: &[u8]) -> Child {
        let mut command = Command::new("openssl");
        command.args([
            "s_client",
            "-quiet",
            "-servername",
            NAME,
            "-connect",
            &format!("127.0.0.1:{}", self.https),
        ]);
        let mut line =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let head = format!(
            "PATCH {place} HTTP/1.1\r\nhost: {NAME}\r\nauthorization: Bearer {}\r\n{}: {}\r\n\
             content-type: application/offset+octet-stream\r\nupload-offset: 0\r\ncontent-length: {bytes}\r\n\r\n",
            mover.secret(),
            TUS.0,
            TUS.1
        );
        let input = line.stdin.as_mut().unwrap();
        input.write_all(head.as_bytes()).unwrap();
        input.write_all(first).unwrap();
        input.flush().unwrap();
        line
    }

    /// Uploads a file over a line that is cut in the middle.
    async fn upload_with_a_cut(&self, mover: &mut Mover, part: &str, bytes: &[u8]) {
        let made = mover.create(part, bytes.len()).await.unwrap();
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let place = made.location().trim_start_matches(self.url.trim_end_matches('/')).to_owned();
        let half = bytes.len() / 2;
        let mut line = self.begin_piece(mover, &place, bytes.len(), &bytes[..half]);
        let begun = Instant::now();
        // What has come is on the disk while the piece is still being sent: nginx passes it on at once.
        while self.on_the_disk() < half as u64 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} of {half} bytes", self.on_the_disk());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        line.kill().unwrap();
        line.wait().unwrap();
        let offset = loop {
            let head = mover.send(Method::HEAD, &place, &[TUS], Vec::new()).await.unwrap();
            if head.status == StatusCode::OK {
                break head.header("upload-offset").parse::<usize>().unwrap();
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", head.status);
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(offset, half);
        // The service may still wait for the line that is gone.
        let rest = loop {
            let rest = send_piece(mover, &place, offset, bytes[offset..].to_vec()).await.unwrap();
            if rest.status != StatusCode::LOCKED || begun.elapsed() > Duration::from_secs(30) {
                break rest;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(rest.status, StatusCode::NO_CONTENT, "{}", rest.text());
    }

    fn on_the_disk(&self) -> u64 {
        let folder = self.scene.folder.path().join("state/pods/haven.example/newcomers/n1");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let pieces = files.filter(|file| file.file_name().to_string_lossy().starts_with("pieces-"));
        pieces.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }
}

/// Whether a browser may take this for something that it runs.
fn may_run(kind: &str) -> bool {
    ["html", "script", "svg", "xml", "css", "text", "octet-stream"].iter().any(|part| kind.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_an_archive_brings_is_served_as_anything_but_a_picture() {
    let front = Front::new("admission = \"open\"").await;
    let document = json_of(&front.scene.archive, "diaspora.json");
    front.scene.target.introduce(&document).await;
    let images = front.scene.target.folder.path().join("uploads/images");
    let mut photos = odd_names();
    photos.extend(
        [
            ("scaled_full_v.png", "png"),
            ("picture.svg", "svg"),
            ("drawing.png", "svg"),
            ("00ff00ff00ff00ff00ff.svg", "svg"),
            ("00ff00ff00ff00ff00ff.xhtml", "gif"),
            ("sw.mjs", "webp"),
        ]
        .map(|(name, kind)| (name.to_owned(), kind)),
    );
    let folder = tempfile::tempdir().unwrap();
    let hostile = hostile(folder.path(), &document, &photos);

    let mut mover = front.mover().await;
    front.upload_with_a_cut(&mut mover, ARCHIVE, &std::fs::read(&hostile.archive).unwrap()).await;
    front.upload_with_a_cut(&mut mover, PHOTOS, &std::fs::read(&hostile.photos).unwrap()).await;
    mover.look().await.unwrap();
    state(&mut mover, "checked").await;
    mover.choose("ida", PASSWORD).await.unwrap();
    state(&mut mover, "imported").await;

    let url = front.plain_url.replace(NAME, "pod.example");
    let mut visitor = Browser::near(&url, "pod.example").unwrap();
    // As nginx serves what an archive's own names would be, if they were there.
    std::fs::write(images.join("probe.html"), "<script>").unwrap();
    let probe = visitor.get("/uploads/images/probe.html").await.unwrap();
    assert_eq!((probe.status, probe.header("content-type")), (StatusCode::OK, "text/html"));
    std::fs::remove_file(images.join("probe.html")).unwrap();

    let stored = names(&images);
    assert!(stored.len() > 100, "{} files", stored.len());
    let mut asked: Vec<String> = photos.iter().map(|(name, _)| name.clone()).collect();
    asked.extend(["", "index.html", "victim.png", "v.png", "scaled_full_v.png"].map(str::to_owned));
    asked.extend(stored.iter().cloned());
    for name in &asked {
        let segment: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("/uploads/images/{}", segment.replace('+', "%20"));
        let answer = visitor.get(&path).await.unwrap();
        if !stored.contains(name) {
            assert!(answer.status.is_client_error(), "{name}: {}", answer.status);
            assert!(!answer.text().contains("script"), "{name}: {}", answer.text());
            continue;
        }
        let kind = answer.header("content-type").to_owned();
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        assert!(kind.starts_with("image/") && !may_run(&kind), "{name} is served as {kind}");
        assert!(is_ours(name).is_some(), "{name}");
        assert!(!answer.body.windows(6).any(|part| part == b"script"), "{name} carries words along");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_nginx_logs_nothing_that_lets_anybody_in() {
    let front = Front::new("admission = \"open\"").await;
    let mover = front.mover().await;
    let secret = mover.secret().to_owned();
    assert!(secret.len() > 20, "{secret}");
    let mut visitor = front.browser();
    let back = visitor.get(&format!("/newcomers/back/{secret}")).await.unwrap();
    assert_eq!(back.status, StatusCode::OK, "{}", back.text());
    let mut plain = Browser::near(&front.plain_url, NAME).unwrap();
    let redirected = plain.get(&format!("/newcomers/back/{secret}")).await.unwrap();
    // The address in the example has no port.
    assert_eq!(redirected.location(), format!("https://{NAME}/newcomers/back/{secret}"));
    let paths = [
        "/get/",
        "/sign-in/link/",
        "/newcomers/back/",
        "//get/",
        "/%67et/",
        "/Get/",
        "/x/../get/",
        "/get%2F",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::HEAD] {
            for visitor in [&mut visitor, &mut plain] {
                visitor.send(method.clone(), &format!("{path}{secret}"), &[], Vec::new()).await.unwrap();
            }
        }
    }
    // Also while the service is away, and nginx has something to complain of.
    visitor.get("/newcomers?seen").await.unwrap();
    let Front { service, nginx, scene, .. } = front;
    assert!(service.stop().unwrap());
    for path in paths {
        let away = visitor.get(&format!("{path}{secret}")).await.unwrap();
        assert_eq!(away.status, StatusCode::BAD_GATEWAY, "{path}");
    }
    visitor.get("/newcomers?away").await.unwrap();
    let (access, errors) = nginx.logs().unwrap();
    assert!(
        access.contains("GET /newcomers?seen ") && errors.contains("/newcomers?away"),
        "{access}{errors}"
    );
    for log in [&access, &errors] {
        assert!(!log.contains(&secret), "{log}");
    }
    let own = std::fs::read_to_string(scene.folder.path().join("log")).unwrap();
    assert!(!own.contains(&secret), "{own}");
}
