//! Command-line arguments. Their spelling is a contract: scripts call them.

mod announcement;
mod campaign;
mod campaign_verify;
mod deliveries;
mod keys;
mod merge;
mod passphrase;
mod repair;
mod serve;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pappus_engine::domain::Timestamp;
use pappus_engine::import::PodPin;

pub(crate) use announcement::AnnouncementArguments;
pub(crate) use campaign::{Campaign, CampaignAction, Log, NewCampaign, Order, WorkArguments, Worker};
pub(crate) use campaign_verify::CampaignVerify;
pub(crate) use deliveries::{Deliver, Deliveries, PatienceArguments, Resend};
pub(crate) use keys::{Keys, KeysAction};
pub(crate) use merge::Merge;
pub(crate) use passphrase::{KeyPassphrase, NewKeyPassphrase, NewPassphrase, Passphrase, PassphraseSource};
pub(crate) use repair::Repair;
pub(crate) use serve::Serve;
pub(crate) use verify::Verify;

/// Move accounts away from diaspora* pods that close.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 10 done with findings (something was left out or is doubtful; the
/// list says what), 130 interrupted by Ctrl-C.
#[derive(Parser)]
#[command(name = "pappus", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Print one JSON document for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Export some or all accounts of a pod, one signed archive each
    Export(Box<Export>),
    /// Join the export of a whole pod that was started elsewhere
    Worker(Worker),
    /// Show the progress of a whole pod's export; pause, resume, retry or cancel it
    Campaign(Campaign),
    /// Check whether a pod can be exported, and what would be left out
    Check(Check),
    /// Verify archives: every byte against the manifest, and the signatures
    Verify(Verify),
    /// Show an archive's contents
    Show(ReadArchive),
    /// Convert an archive into the files a stock diaspora* pod imports
    Convert(Convert),
    /// Merge several archives of the same account into one
    Merge(Merge),
    /// Import an account into a pod and announce the move, or show what would be imported
    Import(Box<Import>),
    /// List the imports into a pod
    Imports(Imports),
    /// Announce an import that was held back: move everything on this pod to the new account, and queue the messages
    /// to the contacts' pods
    Announce(Announce),
    /// Send due deliveries to other pods
    Deliver(Deliver),
    /// List the pods and people that have been notified, and those that have not
    Deliveries(Deliveries),
    /// Retry undelivered messages at once
    Resend(Resend),
    /// Undo an import that was held back and is not announced yet
    Undo(Undo),
    /// Fix what earlier versions of Pappus wrote into a pod
    Repair(Repair),
    /// Show, copy, restore or rotate the keys that open a pod's archives
    Keys(Keys),
    /// Run the web service: the portal of a closing pod, the podmin's board, and imports for newcomers
    Serve(Serve),
    /// Run one step for a newcomer's archive; started by the web service
    #[command(hide = true)]
    NewcomerStep,
    /// Print shell completions
    Completions(Completions),
    /// Write the manual pages
    #[command(hide = true)]
    Manual(Folder),
    /// Write the JSON Schemas of archives
    #[command(hide = true)]
    Schemas(Folder),
}

/// Options that select the pod.
#[derive(Args)]
#[command(next_help_heading = "Pod")]
pub(crate) struct PodArguments {
    /// The folder diaspora* is installed in, such as /srv/diaspora: the one with config/database.yml. Database, address
    /// and uploads are read from its configuration. Required unless all three are given below
    #[arg(long, value_name = "DIR")]
    pub(crate) pod: Option<PathBuf>,
    /// The pod's database: postgres://…, mysql://… or sqlite://…. To keep a password out of the process list, set it
    /// in the environment instead
    #[arg(long, value_name = "URL", env = "PAPPUS_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// The pod's address, such as `https://pod.example/`
    #[arg(long, value_name = "URL")]
    pub(crate) pod_url: Option<String>,
    /// The folder that contains images/, or `s3://BUCKET[/PREFIX]` with the key in the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`)
    #[arg(long, value_name = "DIR|s3://BUCKET")]
    pub(crate) uploads: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Export {
    /// Usernames or diaspora* IDs
    #[arg(required_unless_present = "all", value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Export every account of the pod: start a campaign, or continue it
    #[arg(long, conflicts_with_all = ["names", "key_passphrase", "key_passphrase_command", "passphrase",
          "passphrase_command"])]
    pub(crate) all: bool,
    /// Folder for the archives, created if missing. With --all also `s3://BUCKET[/PREFIX]`, with the key in the
    /// environment
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Time to record in the archive instead of now, such as 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) created_at: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten, next_help_heading = "Encryption")]
    pub(crate) key_passphrase: NewKeyPassphrase,
    #[command(flatten, next_help_heading = "Encryption")]
    pub(crate) passphrase: NewPassphrase,
    /// Encrypt the whole archive so that only this age key (age1…) opens it; may be repeated. With --all the key of
    /// `pappus keys` opens it too
    #[arg(long, value_name = "RECIPIENT", conflicts_with_all = ["passphrase", "passphrase_command"],
          help_heading = "Encryption")]
    pub(crate) encrypt_to: Vec<String>,
    #[command(flatten)]
    pub(crate) campaign: NewCampaign,
    #[command(flatten)]
    pub(crate) work: WorkArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// Options that select Pappus's own data.
#[derive(Args)]
#[command(next_help_heading = "Pappus's own data")]
pub(crate) struct StoreArguments {
    /// Pappus's own database, `sqlite://PATH` or `postgres://…` (default: a file in Pappus's own folder)
    #[arg(long, value_name = "URL", env = "PAPPUS_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// Pappus's own folder
    #[arg(long, value_name = "DIR", env = "PAPPUS_STATE")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) archive: ReadArchive,
    /// The ZIP of photos that a stock pod provides beside its archive
    #[arg(long, value_name = "ZIP")]
    pub(crate) photos: Option<PathBuf>,
    /// Username on this pod
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) username: String,
    /// Show what would be imported and what would not, without writing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) announcement: AnnouncementArguments,
    /// Use this e-mail address instead of the one in the archive
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Accept the archive even though nothing proves whose it is
    #[arg(long)]
    pub(crate) accept_unproven: bool,
    /// Contact no other pod: people unknown here are left out, and the announcement's messages wait until
    /// `pappus deliver`
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args)]
pub(crate) struct Announce {
    #[command(flatten)]
    pub(crate) archive: ReadArchive,
    #[command(flatten)]
    pub(crate) key_passphrase: KeyPassphrase,
    #[command(flatten)]
    pub(crate) farewell: FarewellArgument,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Contact no other pod: do not ask the old pod whether the account's key is still the same
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// Option for keys that prove archives.
#[derive(Args)]
pub(crate) struct TrustArguments {
    /// Trust this pod for its own accounts: accept archives signed with this archive key, as its podmin reads it out.
    /// May be repeated
    #[arg(long, value_name = "HOST=SHA256:…", env = "PAPPUS_TRUST_POD", value_delimiter = ',')]
    pub(crate) trust_pod: Vec<PodPin>,
}

/// Option for a last post by the old account.
#[derive(Args)]
pub(crate) struct FarewellArgument {
    /// Publish a last post by the old account before the move, for friends whose software does not support moves.
    /// `{new}` in TEXT becomes the new address
    #[arg(long, value_name = "TEXT", num_args = 0..=1, require_equals = true,
          default_missing_value = "I have moved. You can find me at {new} from now on.")]
    pub(crate) farewell: Option<String>,
}

/// Options that limit network access.
#[derive(Args)]
pub(crate) struct NetworkArguments {
    /// Allow a host of a test network that is not on the public internet: `HOST` or `HOST:PORT`, over http and https, or
    /// `http://HOST:PORT` or `https://HOST:PORT`, over that only. May be repeated
    #[arg(long, value_name = "HOST", env = "PAPPUS_ALLOW_HOST", value_delimiter = ',')]
    pub(crate) allow_host: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Imports {
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args)]
pub(crate) struct Undo {
    /// Name of the import, or the beginning of it
    #[arg(value_name = "IMPORT")]
    pub(crate) import: String,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args)]
pub(crate) struct Check {
    /// List every account with its records and the size of its photo files
    #[arg(long)]
    pub(crate) accounts: bool,
    /// Do not read every account: skips the search for what an export would leave out
    #[arg(long)]
    pub(crate) quick: bool,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
}

/// Options that select an archive and open it.
#[derive(Args)]
pub(crate) struct ReadArchive {
    /// The archive; also a stock pod's export: .json, .json.gz, .zip
    #[arg(value_name = "ARCHIVE")]
    pub(crate) archive: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// File with the age key (AGE-SECRET-KEY-1…) that opens an encrypted archive
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passphrase", "passphrase_command"])]
    pub(crate) identity: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Convert {
    #[command(flatten)]
    pub(crate) archive: ReadArchive,
    /// Format of the output
    #[arg(long, value_enum)]
    pub(crate) to: Target,
    /// Folder for the files, created if missing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) key_passphrase: KeyPassphrase,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Target {
    /// USERNAME.json.gz and `USERNAME_photos.zip`, as a stock pod imports them
    Diaspora,
}

/// Options that select a pod's store, for commands that need nothing else of the pod.
#[derive(Args)]
pub(crate) struct StorePlace {
    /// The folder diaspora* is installed in, such as /srv/diaspora; the pod's address is read from its configuration
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) pod: Option<PathBuf>,
    /// The pod's address, such as `https://pod.example/`
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) pod_url: Option<String>,
    /// Accepted so that all commands have the same options; not needed here
    #[arg(
        long,
        value_name = "URL",
        env = "PAPPUS_DATABASE_URL",
        hide = true,
        hide_env_values = true,
        global = true
    )]
    pub(crate) database_url: Option<String>,
    /// Accepted so that all commands have the same options; not needed here
    #[arg(long, value_name = "DIR|s3://BUCKET", hide = true, global = true)]
    pub(crate) uploads: Option<PathBuf>,
    /// Pappus's own database, `sqlite://PATH` or `postgres://…` (default: a file in Pappus's own folder)
    #[arg(long, value_name = "URL", env = "PAPPUS_STORE", hide_env_values = true, global = true)]
    pub(crate) store: Option<String>,
    /// Pappus's own folder
    #[arg(long, value_name = "DIR", env = "PAPPUS_STATE", global = true)]
    pub(crate) state: Option<PathBuf>,
}

impl StorePlace {
    /// Returns the store's location.
    pub(crate) fn store(&self) -> StoreArguments {
        StoreArguments { store: self.store.clone(), state: self.state.clone() }
    }
}

#[derive(Args)]
pub(crate) struct Completions {
    /// Shell to complete for
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct Folder {
    /// Folder for the files
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
