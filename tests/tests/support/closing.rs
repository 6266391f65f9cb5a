//! A pod that closes, with `pappus serve` on it, and people and programs that use its pages.

use std::time::{Duration, Instant};

use pappus_engine::depot::CampaignKeys;
use pappus_engine::depot::sealed::open_text;
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{StateFolder, Store, StoreRow};
use pappus_tests::sample::{PASSWORD, POD_URL};
use pappus_tests::service::{Answer, Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Pod, put_key};

/// Mails go into a folder.
pub const MAILS: &str = "[mail]\nfolder = \"mails\"\nfrom = \"podmin@closing.example\"\nper_minute = 6000\n";

/// The pod, the address of Pappus's own database unless it is a file, the folder of the service, and the service.
pub struct Closing {
    pub pod: Pod,
    store: Option<String>,
    pub folder: TempDir,
    pub service: Service,
}

impl Closing {
    /// On SQLite, with [`MAILS`].
    pub async fn sqlite() -> Self {
        Self::on(Pod::sqlite().await, None, MAILS)
    }

    /// With more sections than a pod needs to close.
    pub fn on(pod: Pod, store: Option<String>, more: &str) -> Self {
        let folder = folder_with_key();
        let service = Service::start(folder.path(), &sections(&pod, store.as_deref(), more)).unwrap();
        Self { pod, store, folder, service }
    }

    /// The same with an address of the podmin.
    pub fn with_podmin(pod: Pod, store: Option<String>, more: &str, podmin: &str) -> Self {
        let folder = folder_with_key();
        let sections = sections(&pod, store.as_deref(), more).replacen(
            "[pod]\n",
            &format!("[pod]\npodmin_email = {podmin:?}\n"),
            1,
        );
        let service = Service::start(folder.path(), &sections).unwrap();
        Self { pod, store, folder, service }
    }

    /// Somebody whom the service does not know.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.service.url).unwrap()
    }

    pub async fn signed_in(&self, name: &str) -> Browser {
        signed_in(&self.service, name).await
    }

    /// The service's own folder.
    pub fn state(&self) -> StateFolder {
        StateFolder::open(&self.folder.path().join("state"), &PodUrl::parse(POD_URL).unwrap()).unwrap()
    }

    pub async fn store(&self) -> Store {
        let url = self.store.as_deref().map_or_else(|| self.state().database(), DatabaseUrl::parse);
        Store::open(&url.unwrap()).await.unwrap()
    }

    /// Whom mails in the outbox go to and what they say, of those whose name is like this.
    pub async fn waiting_mails(&self, key: &str) -> Vec<(String, String)> {
        let store = self.store().await;
        let sql =
            "SELECT recipient, body FROM pappus_outbox WHERE key LIKE ? AND body IS NOT NULL ORDER BY id";
        let rows = store.rows("looking", sql, &[key.into()]).await.unwrap();
        store.close().await;
        let unlock = CampaignKeys::unlock_in(&self.state()).unwrap();
        let open = |row: &StoreRow, column: &'static str| {
            let text: String = row.get(column).unwrap();
            assert!(text.starts_with("sealed:"), "a mail waits in clear: {text}");
            open_text(unlock.as_ref().unwrap(), text).unwrap().to_string()
        };
        rows.iter().map(|row| (open(row, "recipient"), open(row, "body"))).collect()
    }

    /// All mails, as they were sent.
    pub fn mails(&self) -> Vec<String> {
        let folder = self.folder.path().join("mails");
        let names = super::names(&folder).into_iter();
        names.map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect()
    }
}

/// A folder for a service, with an archive key in it.
pub fn folder_with_key() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    put_key(&folder.path().join("state"));
    folder
}

/// What a configuration says of a pod that closes; `store` is the address of Pappus's own database.
pub fn sections(pod: &Pod, store: Option<&str>, more: &str) -> String {
    let store = store.map_or_else(String::new, |url| format!("url = {url:?}\n"));
    let uploads = pod.path("uploads").display().to_string();
    format!(
        "[pod]\ndatabase_url = {:?}\nurl = {POD_URL:?}\nuploads = {uploads:?}\n\
         [store]\nstate = \"state\"\n{store}[closing]\nenabled = true\n{more}",
        pod.database,
    )
}

pub async fn signed_in(service: &Service, name: &str) -> Browser {
    let mut browser = Browser::new(&service.url).unwrap();
    let answer = browser.sign_in(name, PASSWORD).await.unwrap();
    assert!(answer.text().contains("My archive"), "{}", answer.text());
    browser
}

/// Looks at a page until it says something.
pub async fn until(browser: &mut Browser, path: &str, says: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = browser.open(path).await.unwrap();
        if answer.text().contains(says) {
            return answer;
        }
        // A campaign beside other tests on two cores takes minutes.
        assert!(begun.elapsed() < Duration::from_mins(6), "{path} never says {says:?}: {}", answer.text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The address of the newest archive on a page.
pub fn archive_on(page: &Answer) -> String {
    format!("/archive/made/{}", page.between("href=\"/archive/made/", "\"").unwrap())
}

/// Sends what a program sends.
pub async fn call(browser: &mut Browser, method: Method, path: &str, body: Option<Value>) -> Answer {
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    browser.send(method, path, &[("content-type", "application/json")], body).await.unwrap()
}

pub fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).map_err(|_| answer.text()).unwrap()
}

/// What an answer says, which has this status: a refusal is a problem document.
pub async fn said(
    browser: &mut Browser,
    method: Method,
    path: &str,
    body: Option<Value>,
    status: StatusCode,
) -> Value {
    let shown = format!("{method} {path}");
    let answer = call(browser, method, path, body).await;
    assert_eq!(answer.status, status, "{shown}: {}", answer.text());
    if !status.is_success() {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{shown}");
        assert_eq!(document(&answer)["status"], status.as_u16(), "{shown}");
    }
    if status == StatusCode::NO_CONTENT { Value::Null } else { document(&answer) }
}

pub async fn get(browser: &mut Browser, path: &str) -> Value {
    said(browser, Method::GET, path, None, StatusCode::OK).await
}

/// Asks until the answer is as it shall be.
pub async fn until_right(browser: &mut Browser, path: &str, right: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let found = get(browser, path).await;
        if right(&found) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{path}: {found}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A script with a token of whoever has signed in.
pub async fn script_of(service: &Service, owner: &mut Browser, scopes: &[&str]) -> Browser {
    let new = json!({ "name": "script", "scopes": scopes, "days": 1 });
    let made = said(owner, Method::POST, "/api/v1/tokens", Some(new), StatusCode::CREATED).await;
    let mut script = Browser::new(&service.url).unwrap();
    script.headers.push(("authorization", format!("Bearer {}", made["token"].as_str().unwrap())));
    script
}

/// A mail as people read it: the head as it is, the body decoded.
pub fn mail_text(raw: &str) -> String {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw, ""));
    let coding = head.lines().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: "));
    let body = match coding.unwrap_or_default().trim() {
        "base64" => {
            let text: String = body.split_whitespace().collect();
            let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
            String::from_utf8(bytes).unwrap()
        }
        "quoted-printable" => unquoted(body),
        _ => body.to_owned(),
    };
    format!("{head}\n\n{body}")
}

/// Quoted-printable text (RFC 2045).
fn unquoted(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        match (first, others.get(..2).and_then(|digits| std::str::from_utf8(digits).ok())) {
            (b'=', Some(digits)) => {
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &others[2..];
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap()
}
