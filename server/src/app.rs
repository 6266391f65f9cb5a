//! State shared by all modules.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use axum_csrf::{CsrfConfig, Key, SameSite};
use chrono::{DateTime, Utc};
use pappus_engine::depot::{CampaignKeys, Depot, DepotError, KeysError};
use pappus_engine::http::{AllowedNetworksError, HttpError};
use pappus_engine::store::{Store, StoreError};

use crate::at_rest;
use crate::board::NumbersCache;
use crate::config::Config;
use crate::health::Metrics;
use crate::mail::{Outbox, OutboxError};
use crate::newcomers::NewcomersService;
use crate::place::{self, DepotOpenError};
use crate::portal::Portal;
use crate::security::Streams;
use crate::sign_in::SignInService;
use crate::words::{Translations, TranslationsError};

/// A source of the current time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The reason why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Pappus's own database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The depot cannot be opened.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The depot is not the one used before.
    #[error(transparent)]
    WrongDepot(#[from] DepotOpenError),
    /// Plain text stored by earlier versions cannot be encrypted.
    #[error("plain text that earlier versions stored cannot be encrypted: {0}")]
    AtRest(#[from] OutboxError),
    /// The archive keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The HTTP client for other pods cannot be set up.
    #[error(transparent)]
    Network(#[from] HttpError),
    /// An entry of `newcomers.allow_hosts` is invalid.
    #[error("newcomers.allow_hosts: {0}")]
    AllowedHosts(#[from] AllowedNetworksError),
    /// The disk for uploads is no larger than the space to keep free on it.
    #[error("{0}")]
    SmallDisk(String),
    /// The folder of the uploads cannot be used.
    #[error("{folder} cannot be used: {source}")]
    Uploads {
        /// The folder.
        folder: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Imports are enabled without access to a pod.
    #[error("newcomers.enabled needs access to the pod: set pod.dir")]
    NoPod,
    /// The built-in translations cannot be used.
    #[error(transparent)]
    Translations(#[from] TranslationsError),
    /// The private archive key is on another machine.
    #[error(
        "the key that decrypts the archives of {pod} is not on this machine: copy it here with pappus keys restore FILE \
         --pod-url {pod}"
    )]
    KeyElsewhere {
        /// The pod's address.
        pod: String,
    },
    /// The threads for background work cannot be started.
    #[error("the threads for background work cannot be started: {0}")]
    Threads(std::io::Error),
    /// All requests would appear to come from this machine.
    #[error("{0}")]
    Proxy(String),
    /// The service cannot listen.
    #[error("cannot listen at {address}: {source}. Is another program using this address?")]
    Listen {
        /// The address.
        address: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The public URL is not an origin that browsers send.
    #[error("web.public_url cannot be an origin: {0}")]
    Origin(String),
    /// Metrics cannot be recorded.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(String),
}

/// State shared by all modules. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// Pappus's own database.
    pub store: Store,
    /// The depot that stores the archives.
    pub depot: Depot,
    /// The keys that encrypt and decrypt archives.
    pub keys: CampaignKeys,
    /// Mails to send.
    pub outbox: Outbox,
    /// All texts.
    pub translations: Translations,
    /// State of the export portal.
    pub portal: Portal,
    /// Accounts and sign-in.
    pub sign_in: SignInService,
    /// Imports of accounts into this pod.
    pub newcomers: NewcomersService,
    /// The metrics.
    pub metrics: Metrics,
    /// The cached account counts.
    pub numbers_cache: NumbersCache,
    /// The open event streams.
    pub streams: Streams,
    form_guard: CsrfConfig,
    pub(crate) clock: Clock,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens the databases, the depot, the keys and the modules.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: Config, clock: Clock, metrics: Metrics) -> Result<Self, StartError> {
        let store = Store::open(&config.store).await?;
        let depot = place::open(&config, &store).await?;
        let keys = CampaignKeys::new(&config.state, &store, &config.pod_url);
        if !keys.current(clock().into()).await?.identity_here {
            return Err(StartError::KeyElsewhere { pod: config.pod_url.to_string() });
        }
        if let Err(error) = config.state.remove_old_queue() {
            tracing::warn!("the queue of an earlier version is not deleted yet: {error}");
        }
        at_rest::seal(&store, &keys, &config.pod_url, clock()).await?;
        let form_guard = form_guard(&config, &keys)?;
        let sign_in = SignInService::new(&config, &store, &keys)?;
        let translations = crate::words::built_in()?;
        let portal = Portal::new(&config, &store);
        let newcomers = NewcomersService::open(&config, &store)?;
        let outbox = Outbox::new(&store, &keys);
        let streams = Streams::new(config.web.streams_per_address);
        Ok(Self(Arc::new(Parts {
            config,
            store,
            depot,
            keys,
            outbox,
            translations,
            portal,
            sign_in,
            newcomers,
            metrics,
            numbers_cache: NumbersCache::default(),
            streams,
            form_guard,
            clock,
        })))
    }

    /// Returns the current time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Returns the current time in the store's format: milliseconds since 1970.
    pub fn now_millis(&self) -> i64 {
        self.now().timestamp_millis()
    }
}

impl FromRef<App> for CsrfConfig {
    fn from_ref(app: &App) -> Self {
        app.form_guard.clone()
    }
}

/// Returns the CSRF settings: form tokens that match a cookie. All instances of the service derive the same keys.
fn form_guard(config: &Config, keys: &CampaignKeys) -> Result<CsrfConfig, KeysError> {
    let key = keys.derive("form cookie")?;
    let salt = keys.derive("form token")?;
    let is_secure = config.web.is_secure();
    Ok(CsrfConfig::new()
        .with_cookie_name("pappus-form")
        // Other hosts of the domain cannot set a `__Host-` cookie; browsers accept one over TLS only.
        .with_prefix_with_host(is_secure)
        .with_secure(is_secure)
        .with_http_only(true)
        .with_cookie_same_site(SameSite::Lax)
        .with_key(Key::try_from(key.as_slice()).ok())
        .with_salt(hex::encode(salt.as_slice())))
}
