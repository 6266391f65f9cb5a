//! The web service as a program of its own, and a reader with a browser that keeps cookies and follows redirects.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method, Response, StatusCode};

use crate::program::program;

/// A running `pappus serve`. Dropped, it is killed.
#[derive(Debug)]
pub struct Service {
    child: Child,
    config: PathBuf,
    environment: Vec<(&'static str, String)>,
    /// Its address, with a slash at the end.
    pub url: String,
}

impl Service {
    /// Writes a configuration into a folder and starts the service with it, at a free port. `sections` is what comes
    /// behind `[web]` and the address: further lines of that section, and all others.
    ///
    /// # Errors
    /// What the system says, or that the program ended.
    pub fn start(folder: &Path, sections: &str) -> io::Result<Self> {
        Self::start_in(folder, sections, Vec::new())
    }

    /// As [`start`](Self::start), with more in its environment.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_in(
        folder: &Path,
        sections: &str,
        environment: Vec<(&'static str, String)>,
    ) -> io::Result<Self> {
        // Nobody else gets the port so soon.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}/");
        Self::start_at(folder, (&format!("127.0.0.1:{port}"), &url), sections, environment)
    }

    /// As [`start`](Self::start), behind a proxy with this address: it listens on the socket `web.sock` in its folder.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_behind(folder: &Path, public_url: &str, sections: &str) -> io::Result<Self> {
        Self::start_at(folder, ("unix:web.sock", public_url), sections, Vec::new())
    }

    fn start_at(
        folder: &Path,
        (listen, url): (&str, &str),
        sections: &str,
        environment: Vec<(&'static str, String)>,
    ) -> io::Result<Self> {
        let mut web = format!("[web]\nlisten = {listen:?}\npublic_url = {url:?}\n");
        // All visitors of a test come from one address.
        for limit in ["requests_per_second", "connections", "connections_per_address", "streams_per_address"]
        {
            if !sections.lines().any(|line| line.split_once(" = ").is_some_and(|(key, _)| key == limit)) {
                web = format!("{web}{limit} = 100000\n");
            }
        }
        let config = folder.join("pappus.toml");
        std::fs::write(&config, format!("{web}{sections}\n"))?;
        let child = spawn(&config, folder, &environment)?;
        Ok(Self { child, config, environment, url: url.to_owned() })
    }

    /// Kills it at once, as a power cut would, and starts it anew.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn kill_and_start(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        let folder = self.config.parent().unwrap_or(Path::new("."));
        self.child = spawn(&self.config, folder, &self.environment)?;
        Ok(())
    }

    /// Ends it as systemd does, and says whether it ended well within half a minute.
    ///
    /// # Errors
    /// What the system says.
    pub fn stop(mut self) -> io::Result<bool> {
        Command::new("kill").arg(self.id().to_string()).status()?;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
        // Whoever reads why a test has failed wants to know what the service had to say.
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.config.with_file_name("log")).unwrap_or_default());
        }
    }
}

fn spawn(config: &Path, folder: &Path, environment: &[(&str, String)]) -> io::Result<Child> {
    let log = std::fs::OpenOptions::new().append(true).create(true).open(folder.join("log"))?;
    let mut command = program("pappus");
    command.arg("serve").arg("--config").arg(config).stdout(Stdio::piped()).stderr(log);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let mut child = command.spawn()?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    if !line.starts_with("Serving ") {
        let log = std::fs::read_to_string(folder.join("log"))?;
        return Err(io::Error::other(format!("pappus serve does not serve: {line}{log}")));
    }
    Ok(child)
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where it leads to; nothing when it leads nowhere.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// What the first form of a page carries, by which it is known as ours.
    pub fn token(&self) -> Option<String> {
        self.between("name=\"token\" value=\"", "\"")
    }

    /// What stands in an attribute behind a text: `between("name=\"token\" value=\"", "\"")`.
    pub fn between(&self, before: &str, after: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(before)?;
        rest.split_once(after).map(|(found, _)| found.to_owned())
    }
}

/// A reader.
#[derive(Debug, Clone)]
pub struct Browser {
    client: Client,
    base: String,
    /// What it has been given, by name.
    pub cookies: BTreeMap<String, String>,
    token: String,
    /// Sent with everything.
    pub headers: Vec<(&'static str, String)>,
}

impl Browser {
    /// A new one, without cookies.
    ///
    /// # Errors
    /// What the library says.
    pub fn new(url: &str) -> reqwest::Result<Self> {
        Self::with(url, |client| client)
    }

    /// A new one that finds a host on this machine, and believes its certificate.
    ///
    /// # Errors
    /// What the library says.
    pub fn near(url: &str, host: &str) -> reqwest::Result<Self> {
        // The port stands in the URL.
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::with(url, |client| client.resolve(host, here).tls_danger_accept_invalid_certs(true))
    }

    fn with(url: &str, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> reqwest::Result<Self> {
        let patience = Duration::from_mins(1);
        let client = Client::builder().redirect(Policy::none()).read_timeout(patience).no_proxy();
        let client = change(client).build()?;
        let base = url.trim_end_matches('/').to_owned();
        let headers = vec![("accept-language", "en".to_owned())];
        Ok(Self { client, base, cookies: BTreeMap::new(), token: String::new(), headers })
    }

    /// Sends a request, with more headers than usual; redirects are not followed.
    ///
    /// # Errors
    /// What the library says.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> reqwest::Result<Answer> {
        let response = self.begin(method, path, headers, body).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status, headers, body: response.bytes().await?.to_vec() };
        if let Some(token) = answer.token() {
            self.token = token;
        }
        Ok(answer)
    }

    /// The same reader at another address: with the same cookies and headers.
    ///
    /// # Errors
    /// What the library says.
    pub fn at(&self, url: &str) -> reqwest::Result<Self> {
        let Self { cookies, token, headers, .. } = self.clone();
        Ok(Self { cookies, token, headers, ..Self::new(url)? })
    }

    /// What a browser sends of its cookies.
    pub fn cookie_header(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    /// As [`send`](Self::send), but gives the answer before its body has come.
    ///
    /// # Errors
    /// What the library says.
    pub async fn begin(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> reqwest::Result<Response> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookie_header());
        }
        let response = request.body(body).send().await?;
        for cookie in response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }

    /// Opens a page; redirects are not followed.
    ///
    /// # Errors
    /// What the library says.
    pub async fn get(&mut self, path: &str) -> reqwest::Result<Answer> {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    /// Opens a page, and follows redirects.
    ///
    /// # Errors
    /// What the library says.
    pub async fn open(&mut self, path: &str) -> reqwest::Result<Answer> {
        let answer = self.get(path).await?;
        self.follow(answer).await
    }

    /// Goes where an answer leads to.
    ///
    /// # Errors
    /// What the library says.
    pub async fn follow(&mut self, mut answer: Answer) -> reqwest::Result<Answer> {
        for _ in 0..5 {
            if answer.location().is_empty() || !answer.status.is_redirection() {
                break;
            }
            answer = self.get(answer.location()).await?;
        }
        Ok(answer)
    }

    /// Sends these fields and nothing else, as somebody does who is no browser; redirects are not followed.
    ///
    /// # Errors
    /// What the library says.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        self.send(Method::POST, path, &[FORM], encoded(fields)).await
    }

    /// Sends a form with the token of the page that was opened last, and follows redirects.
    ///
    /// # Errors
    /// What the library says.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let answer = self.send_form(path, fields).await?;
        self.follow(answer).await
    }

    /// Opens a page and sends its form to a path, with the token of this page; redirects are not followed.
    ///
    /// # Errors
    /// What the library says.
    pub async fn fill(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        // A page without a form leaves none to be sent.
        self.token.clear();
        self.get(page).await?;
        self.send_form(path, fields).await
    }

    async fn send_form(&mut self, path: &str, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let (token, base) = (self.token.clone(), self.base.clone());
        let mut all = vec![("token", token.as_str())];
        all.extend(fields);
        self.send(Method::POST, path, &[FORM, ("origin", base.as_str())], encoded(&all)).await
    }

    /// Signs in with a password.
    ///
    /// # Errors
    /// What the library says.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> reqwest::Result<Answer> {
        self.open("/sign-in").await?;
        self.submit("/sign-in", &[("name", name), ("password", password)]).await
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn encoded(fields: &[(&str, &str)]) -> Vec<u8> {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}
