//! A throwaway S3 server, in memory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::{Client, Method, RequestBuilder};

use super::ClusterError;
use super::server::{Account, Server, free_port, run};

const PROGRAM: &str = "moto";
/// Everything in S3, as a form has it.
const POLICY: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                      %22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";

/// A running S3 server; dropped, it is gone. It takes every key until it is told not to.
#[derive(Debug)]
pub struct S3Double {
    _server: Server,
    port: u16,
    client: Client,
}

/// An object with what browsers get to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// `Content-Type`.
    pub kind: String,
    /// `Cache-Control`, or nothing.
    pub cache: String,
    /// Whether everybody may read it.
    pub public: bool,
}

impl S3Double {
    /// Installs the server where that has not been done, and starts it.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub async fn start() -> Result<Self, ClusterError> {
        let port = free_port()?;
        let server = tokio::task::spawn_blocking(move || Self::launch(port))
            .await
            .map_err(|source| ClusterError::Io { action: "start a thread", source: source.into() })??;
        server.listens(PROGRAM, port).await?;
        Ok(Self { _server: server, port, client: Client::new() })
    }

    fn launch(port: u16) -> Result<Server, ClusterError> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        run("the installation of moto", &mut Command::new(here.join("install-s3-double.sh")))?;
        let folder = Account::own().folder("s3")?;
        let port = port.to_string();
        let line =
            [target().join("s3-double/bin/python").into(), here.join("s3-double.py").into(), port.into()];
        Server::start(folder, "KILL", &[OsString::from("true")], &line)
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What programs read from the environment to get here with a key.
    pub fn environment(&self, key: &str, secret: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
        ]
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// The server's.
    pub async fn create_bucket(&self, name: &str) -> Result<(), ClusterError> {
        self.text(self.request(Method::PUT, name)).await.map(drop)
    }

    /// Stores an object.
    ///
    /// # Errors
    /// The server's.
    pub async fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), ClusterError> {
        self.text(self.request(Method::PUT, &format!("{bucket}/{key}")).body(bytes)).await.map(drop)
    }

    /// Stores every file of a folder.
    ///
    /// # Errors
    /// The server's, or the disk's.
    pub async fn put_folder(&self, bucket: &str, prefix: &str, folder: &Path) -> Result<(), ClusterError> {
        let read = || ClusterError::io("read a folder");
        for entry in std::fs::read_dir(folder).map_err(read())? {
            let entry = entry.map_err(read())?;
            let bytes = std::fs::read(entry.path()).map_err(read())?;
            self.put(bucket, &format!("{prefix}{}", entry.file_name().to_string_lossy()), bytes).await?;
        }
        Ok(())
    }

    /// Removes an object.
    ///
    /// # Errors
    /// The server's.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<(), ClusterError> {
        self.text(self.request(Method::DELETE, &format!("{bucket}/{key}"))).await.map(drop)
    }

    /// The keys in a bucket (of the first thousand).
    ///
    /// # Errors
    /// The server's.
    pub async fn keys(&self, bucket: &str) -> Result<Vec<String>, ClusterError> {
        let list = self.text(self.request(Method::GET, &format!("{bucket}?list-type=2"))).await?;
        Ok(all(&list, "Key").map(str::to_owned).collect())
    }

    /// Everything in a bucket (of the first thousand).
    ///
    /// # Errors
    /// The server's.
    pub async fn objects(&self, bucket: &str) -> Result<BTreeMap<String, S3Object>, ClusterError> {
        let mut objects = BTreeMap::new();
        for key in self.keys(bucket).await? {
            let path = format!("{bucket}/{key}");
            let answer = self.answer(self.request(Method::GET, &path)).await?;
            let header = |name: &str| {
                let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            let (kind, cache) = (header("content-type"), header("cache-control"));
            let bytes = answer.bytes().await.map_err(|error| refused(&error))?.to_vec();
            let access = self.text(self.request(Method::GET, &format!("{path}?acl"))).await?;
            let public = access.contains("groups/global/AllUsers");
            objects.insert(key, S3Object { bytes, kind, cache, public });
        }
        Ok(objects)
    }

    /// A new key with its secret, allowed everything. From now on only such keys are let in, and only with right
    /// signatures; the other functions here are not let in any more.
    ///
    /// # Errors
    /// The server's.
    pub async fn lock(&self) -> Result<(String, String), ClusterError> {
        let ask = |form: String| {
            let request = self.client.post(self.endpoint()).header("authorization", signed_for("iam"));
            request.header("content-type", "application/x-www-form-urlencoded").body(form)
        };
        self.text(ask("Version=2010-05-08&Action=CreateUser&UserName=pod".to_owned())).await?;
        let policy = format!(
            "Version=2010-05-08&Action=PutUserPolicy&UserName=pod&PolicyName=all&PolicyDocument={POLICY}"
        );
        self.text(ask(policy)).await?;
        let key = self.text(ask("Version=2010-05-08&Action=CreateAccessKey&UserName=pod".to_owned())).await?;
        self.text(self.request(Method::POST, "moto-api/reset-auth").body("0")).await?;
        let first = |name| all(&key, name).next().unwrap_or_default().to_owned();
        Ok((first("AccessKeyId"), first("SecretAccessKey")))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/{path}", self.endpoint()));
        request.header("authorization", signed_for("s3"))
    }

    async fn answer(&self, request: RequestBuilder) -> Result<reqwest::Response, ClusterError> {
        request.send().await.and_then(reqwest::Response::error_for_status).map_err(|error| refused(&error))
    }

    async fn text(&self, request: RequestBuilder) -> Result<String, ClusterError> {
        self.answer(request).await?.text().await.map_err(|error| refused(&error))
    }
}

/// A signature that is good enough as long as nobody looks; the server takes the service that is meant from it.
fn signed_for(service: &str) -> String {
    let scope = format!("x/20260101/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x")
}

fn refused(error: &reqwest::Error) -> ClusterError {
    ClusterError::Program { program: PROGRAM, output: error.to_string() }
}

/// What stands in elements of this name.
fn all<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&begin)
        .skip(1)
        .filter_map(move |rest| rest.split_once(&end).map(|(inside, _)| inside))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The folder that cargo builds into.
fn target() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(default, PathBuf::from)
}
