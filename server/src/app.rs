//! What all rooms share.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use axum_csrf::{CsrfConfig, Key, SameSite};
use chrono::{DateTime, Utc};
use pappus_engine::depot::{CampaignKeys, Depot, DepotError, KeysError};
use pappus_engine::http::{AllowedNetworksError, HttpError};
use pappus_engine::jobs::JobsError;
use pappus_engine::store::{Store, StoreError};

use crate::at_rest;
use crate::board::Counted;
use crate::config::Config;
use crate::health::Numbers;
use crate::mail::OutboxError;
use crate::newcomers::NewcomersService;
use crate::place::{self, PlaceError};
use crate::portal::Portal;
use crate::security::Streams;
use crate::sign_in::SignInRoom;
use crate::words::{Translations, TranslationsError};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Pappus's own database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place of the archives.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The place of the archives is not the one it was.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// What earlier versions left in clear cannot be sealed.
    #[error("what earlier versions have left in clear in the store cannot be sealed: {0}")]
    AtRest(#[from] OutboxError),
    /// The queue of jobs.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// The keys of the archives.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What asks other pods.
    #[error(transparent)]
    Network(#[from] HttpError),
    /// Hosts that are allowed besides.
    #[error("newcomers.allow_hosts: {0}")]
    AllowedHosts(#[from] AllowedNetworksError),
    /// The door of a pod that is gone.
    #[error("newcomers.enabled: nobody can come to a pod of which only the address is known; name pod.dir")]
    NoPod,
    /// The texts that are built in.
    #[error(transparent)]
    Translations(#[from] TranslationsError),
    /// The key of the archives is on another machine.
    #[error(
        "what opens the archives of {pod} is not on this machine: copy it here, with: pappus keys restore FILE \
         --pod-url {pod}"
    )]
    KeyElsewhere {
        /// The pod's address.
        pod: String,
    },
    /// What works behind the pages.
    #[error("the system gives no threads for the work behind the pages: {0}")]
    Threads(std::io::Error),
    /// Everybody would seem to come from this machine.
    #[error("{0}")]
    Proxy(String),
    /// It cannot listen.
    #[error("cannot listen at {place}: {source}. Is another program there already?")]
    Listen {
        /// Where.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address people see is none that browsers send.
    #[error("web.public_url cannot be an origin: {0}")]
    Origin(String),
    /// Numbers cannot be kept.
    #[error("numbers for /metrics cannot be kept: {0}")]
    Metrics(String),
}

/// What all rooms share. Clones are the same.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// How the service runs.
    pub config: Config,
    /// Pappus's own database.
    pub store: Store,
    /// Where archives are kept.
    pub depot: Depot,
    /// What archives are encrypted to, and what opens them.
    pub keys: CampaignKeys,
    /// All texts.
    pub translations: Translations,
    /// What people of a pod that closes have asked for.
    pub portal: Portal,
    /// Who has an account, and how they get in.
    pub sign_in: SignInRoom,
    /// Who comes to the pod.
    pub newcomers: NewcomersService,
    /// What is counted.
    pub numbers: Numbers,
    /// How people stood a moment ago.
    pub counted: Counted,
    /// Open streams of events.
    pub streams: Streams,
    form_guard: CsrfConfig,
    clock: Clock,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens everything the rooms need.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: Config, clock: Clock, numbers: Numbers) -> Result<Self, StartError> {
        let store = Store::open(&config.store).await?;
        let depot = place::open(&config, &store).await?;
        let keys = CampaignKeys::new(&config.state, &store, &config.pod_url);
        if !keys.current(clock().into()).await?.identity_here {
            return Err(StartError::KeyElsewhere { pod: config.pod_url.to_string() });
        }
        at_rest::seal(&store, &keys, &config.pod_url, clock()).await?;
        let form_guard = form_guard(&config, &keys)?;
        let sign_in = SignInRoom::new(&config, &store, &keys)?;
        let translations = Translations::built_in()?;
        let portal = Portal::open(&config, &store).await?;
        let newcomers = NewcomersService::open(&config, &store)?;
        let streams = Streams::new(config.web.streams_per_address);
        Ok(Self(Arc::new(Parts {
            config,
            store,
            depot,
            keys,
            translations,
            portal,
            sign_in,
            newcomers,
            numbers,
            counted: Counted::default(),
            streams,
            form_guard,
            clock,
        })))
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// What time it is, as the store keeps times: milliseconds since 1970.
    pub fn now_millis(&self) -> i64 {
        self.now().timestamp_millis()
    }
}

impl FromRef<App> for CsrfConfig {
    fn from_ref(app: &App) -> Self {
        app.form_guard.clone()
    }
}

/// Forms carry a token that fits a cookie. All instances of the service derive the same keys.
fn form_guard(config: &Config, keys: &CampaignKeys) -> Result<CsrfConfig, KeysError> {
    let key = keys.derive("form cookie")?;
    let salt = keys.derive("form token")?;
    let secure = config.web.is_secure();
    Ok(CsrfConfig::new()
        .with_cookie_name("pappus-form")
        // Such a name no other host of the domain can set; browsers take it through TLS only.
        .with_prefix_with_host(secure)
        .with_secure(secure)
        .with_http_only(true)
        .with_cookie_same_site(SameSite::Lax)
        .with_key(Key::try_from(key.as_slice()).ok())
        .with_salt(hex::encode(salt.as_slice())))
}
