//! A throwaway nginx with the sites of a test, set up as Debian sets it up.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::ClusterError;
use super::server::{Account, Server, free_port, is_root, run};

const PROGRAM: &str = "nginx";
const BINARY: &str = "/usr/sbin/nginx";
/// Debian's list of types by extension.
const TYPES: &str = "/etc/nginx/mime.types";

/// A running nginx; dropped, it is gone.
#[derive(Debug)]
pub struct Nginx {
    _server: Server,
    folder: PathBuf,
}

/// What a configuration needs to know of the machine before nginx starts.
#[derive(Debug)]
pub struct NginxFolder {
    folder: TempDir,
    /// A port for plain HTTP.
    pub http: u16,
    /// A port for TLS.
    pub https: u16,
}

impl NginxFolder {
    /// A new folder, and ports that are free.
    ///
    /// # Errors
    /// When nginx is not installed, or the folder cannot be made.
    pub fn new() -> Result<Self, ClusterError> {
        if !Path::new(BINARY).exists() {
            return Err(ClusterError::Missing { program: PROGRAM, package: "nginx-light" });
        }
        Ok(Self { folder: Account::own().folder(PROGRAM)?, http: free_port()?, https: free_port()? })
    }

    /// A certificate for a name, and its key, signed by nobody.
    ///
    /// # Errors
    /// What openssl says.
    pub fn certificate(&self, name: &str) -> Result<(PathBuf, PathBuf), ClusterError> {
        let (certificate, key) =
            (self.folder.path().join("certificate.pem"), self.folder.path().join("key.pem"));
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]);
        command.arg(format!("/CN={name}")).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
        run("openssl", &mut command)?;
        Ok((certificate, key))
    }

    /// Starts nginx with these files in its `sites-enabled`, once `nginx -t` has accepted them.
    ///
    /// # Errors
    /// What nginx says.
    pub async fn start(self, sites: &[(&str, &str)]) -> Result<Nginx, ClusterError> {
        let folder = self.folder.path().to_owned();
        let write = |name: &str, text: &str| {
            let written = std::fs::write(folder.join(name), text);
            written.map_err(|source| ClusterError::Io { action: "write the settings of nginx", source })
        };
        std::fs::create_dir(folder.join("sites-enabled"))
            .map_err(|source| ClusterError::Io { action: "make a folder for nginx", source })?;
        for (name, text) in sites {
            write(&format!("sites-enabled/{name}"), text)?;
        }
        write("nginx.conf", &main_file(&folder, is_root()?))?;
        let file = folder.join("nginx.conf");
        run(PROGRAM, Command::new(BINARY).args(["-t", "-q", "-c"]).arg(&file))?;
        let line = vec![BINARY.into(), "-c".into(), file.into()];
        let server = Server::start(self.folder, "TERM", &["/bin/true".into()], &line)?;
        server.listens(PROGRAM, self.https).await?;
        Ok(Nginx { _server: server, folder })
    }
}

impl Nginx {
    /// What its logs say: the log of requests, and that of errors.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn logs(&self) -> std::io::Result<(String, String)> {
        let read = |name| std::fs::read_to_string(self.folder.join(name));
        Ok((read("access.log")?, read("error.log")?))
    }
}

/// As Debian's own, with everything in one folder.
fn main_file(folder: &Path, is_root: bool) -> String {
    let at = folder.display();
    // Files of a test are for whoever runs it.
    let user = if is_root { "user root;\n" } else { "" };
    format!(
        "{user}daemon off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{ worker_connections 256; }}\n\
         http {{\nsendfile on;\ntcp_nopush on;\ntypes_hash_max_size 2048;\ninclude {TYPES};\n\
         default_type application/octet-stream;\nssl_protocols TLSv1.2 TLSv1.3;\naccess_log {at}/access.log;\n\
         gzip on;\nclient_body_temp_path {at}/body;\nproxy_temp_path {at}/proxy;\nfastcgi_temp_path {at}/fastcgi;\n\
         uwsgi_temp_path {at}/uwsgi;\nscgi_temp_path {at}/scgi;\ninclude {at}/sites-enabled/*;\n}}\n"
    )
}
