//! The web service as a program of its own, and somebody who uses it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pappus_tests::program::program;
use pappus_tests::sample::POD_URL;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};

use super::Pod;

/// `pappus serve`, until it is dropped.
pub struct Service {
    child: Child,
    pub config: PathBuf,
    /// `http://127.0.0.1:PORT`
    pub url: String,
}

/// The part of a configuration that says where things are; `folder` is for Pappus's own.
pub fn configuration(folder: &Path, pod: &Pod, store: Option<&str>, port: u16) -> String {
    let store = store.map_or_else(String::new, |url| format!("url = {url:?}\n"));
    format!(
        "[pod]\ndatabase_url = {:?}\nurl = {POD_URL:?}\nuploads = {:?}\n\
         [store]\nstate = {:?}\n{store}\
         [web]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}/\"\nrequests_per_second = 1000\n",
        pod.database,
        pod.path("uploads").display().to_string(),
        folder.join("state").display().to_string(),
    )
}

/// A port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Service {
    /// Starts it with a configuration, and waits until it serves.
    pub fn start(folder: &Path, text: &str) -> Self {
        let config = folder.join("pappus.toml");
        std::fs::write(&config, text).unwrap();
        Self::again(config)
    }

    /// Starts it with a configuration that is there.
    pub fn again(config: PathBuf) -> Self {
        let mut command = program("pappus");
        command.arg("serve").arg("--config").arg(&config).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some((_, url)) = line.trim().split_once(" at ") else {
            panic!("it does not serve: {line:?} {:?}", child.wait());
        };
        let url = url.trim_end_matches('/').to_owned();
        Self { child, config, url }
    }

    /// Ends it as systemd does, and says whether it ended well.
    pub fn stop(mut self) -> bool {
        let killed = std::process::Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The hidden field of the first form that has one.
    pub fn token(&self) -> String {
        let after = self.text.split_once("name=\"token\" value=\"").map(|(_, rest)| rest);
        let token = after.and_then(|rest| rest.split_once('"')).map(|(token, _)| token);
        token
            .unwrap_or_else(|| panic!("no form in {}", self.text))
            .replace("&#43;", "+")
            .replace("&#61;", "=")
    }
}

/// Somebody with a browser: keeps cookies, follows nothing by itself.
pub struct Visitor {
    client: reqwest::Client,
    pub base: String,
    pub cookies: BTreeMap<String, String>,
    /// Sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

impl Visitor {
    pub fn new(service: &Service) -> Self {
        Self::at(&service.url)
    }

    pub fn at(url: &str) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_mins(2))
            .build()
            .unwrap();
        Self { client, base: url.to_owned(), cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// Sends a request and hands the response over as it comes.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        response
    }

    async fn answer(response: Response) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        Self::answer(self.send(Method::GET, path, &[], None).await).await
    }

    /// Sends a form as it is.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        Self::answer(self.send(Method::POST, path, &kind, Some(body.into_bytes())).await).await
    }

    /// Opens a page and sends its form, or that of another path, with its token.
    pub async fn fill(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(page).await.token();
        let mut all = vec![("token", token.as_str())];
        all.extend(fields);
        self.post(path, &all).await
    }

    /// Signs in with name and password.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.fill("/sign-in", "/sign-in", &[("name", name), ("password", password)]).await
    }
}
