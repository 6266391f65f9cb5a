//! What can be said on the command line. The spellings are a contract: scripts call them.

mod announcement;
mod campaign;
mod campaign_verify;
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
pub(crate) use keys::{Keys, KeysAction};
pub(crate) use merge::Merge;
pub(crate) use passphrase::{KeyPassphrase, NewKeyPassphrase, NewPassphrase, Passphrase, PassphraseSource};
pub(crate) use repair::Repair;
pub(crate) use serve::Serve;
pub(crate) use verify::Verify;

/// Carries accounts away from diaspora* pods that close.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 10 done with findings (something was left out or is doubtful;
/// the list says what), 130 interrupted by Ctrl-C.
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
    /// Export accounts of a pod, or all of them, one signed archive each
    Export(Box<Export>),
    /// Work on the export of a whole pod that was begun elsewhere
    Worker(Worker),
    /// Say how far the export of a whole pod is; pause, resume, retry or cancel it
    Campaign(Campaign),
    /// Say whether a pod can be exported, and what would be left out
    Check(Check),
    /// Check archives: every byte against the manifest, and the signatures
    Verify(Verify),
    /// Say what is in an archive
    Show(ReadArchive),
    /// Turn an archive into the files a stock diaspora* pod imports
    Convert(Convert),
    /// Make one archive of several of the same account
    Merge(Merge),
    /// Bring an account into a pod and announce the move, or show what would come in
    Import(Box<Import>),
    /// List the imports into a pod
    Imports(Imports),
    /// Announce an import that was held back: move everything on this pod to the new account, and queue what the
    /// contacts' pods are to be told
    Announce(Announce),
    /// Send what is due to other pods
    Deliver(Deliver),
    /// Say who has been told, pod by pod, and who has not
    Deliveries(Deliveries),
    /// Try again at once what has not arrived
    Resend(Resend),
    /// Undo an import that was held back, as long as it is not announced
    Undo(Undo),
    /// Fix what earlier versions of Pappus entered into a pod
    Repair(Repair),
    /// Show, copy, restore or change the keys that open the archives of a whole pod
    Keys(Keys),
    /// Run the web service: the portal of a pod that closes, the podmin's board, the door for newcomers
    Serve(Serve),
    /// Take one step with a newcomer's archive, as the web service orders it
    #[command(hide = true)]
    NewcomerStep,
    /// Print completions for a shell
    Completions(Completions),
    /// Write the manual pages
    #[command(hide = true)]
    Manual(Folder),
    /// Write the JSON Schemas of archives
    #[command(hide = true)]
    Schemas(Folder),
}

/// Which pod.
#[derive(Args)]
#[command(next_help_heading = "Pod")]
pub(crate) struct PodArguments {
    /// The pod's own folder; database, address and uploads are read from its configuration
    #[arg(long, value_name = "DIR", required_unless_present_all = ["database_url", "pod_url", "uploads"])]
    pub(crate) pod: Option<PathBuf>,
    /// The pod's database: postgres://…, mysql://… or sqlite://…. To keep a password out of the list of
    /// processes, set it in the environment instead
    #[arg(long, value_name = "URL", env = "PAPPUS_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// The pod's address, such as `https://pod.example/`
    #[arg(long, value_name = "URL")]
    pub(crate) pod_url: Option<String>,
    /// The folder that holds images/, or `s3://BUCKET[/PREFIX]` with the key in the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`)
    #[arg(long, value_name = "DIR|s3://BUCKET")]
    pub(crate) uploads: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Export {
    /// Usernames or diaspora* IDs
    #[arg(required_unless_present = "all", value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Every account of the pod: begins a campaign, or goes on with it
    #[arg(long, conflicts_with_all = ["names", "key_passphrase", "key_passphrase_command", "passphrase",
          "passphrase_command"])]
    pub(crate) all: bool,
    /// Where the archives go; made when needed. With --all also `s3://BUCKET[/PREFIX]`, with the key in the
    /// environment
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The time to write into the archive instead of now, such as 2026-11-22T10:00:00Z
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

/// Where Pappus keeps what it must remember.
#[derive(Args)]
#[command(next_help_heading = "Pappus's own data")]
pub(crate) struct StoreArguments {
    /// Pappus's own database, `sqlite://PATH` or `postgres://…`; a file in Pappus's own folder unless given
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
    /// The ZIP of photos that a stock pod gives beside its archive
    #[arg(long, value_name = "ZIP")]
    pub(crate) photos: Option<PathBuf>,
    /// The username on this pod
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) username: String,
    /// Only show what would come in and what would not; nothing is written. This is the place to look around
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) announcement: AnnouncementArguments,
    /// Use this e-mail address instead of the one in the archive
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// Trust this pod for its own people: archives that it has signed with this archive key, as its podmin reads it
    /// out. May be repeated
    #[arg(long, value_name = "HOST=SHA256:…")]
    pub(crate) trust_pod: Vec<PodPin>,
    /// Take the archive even though nothing proves whose it is
    #[arg(long)]
    pub(crate) accept_unproven: bool,
    /// Contact no other pod: whoever is not known here stays out, and what the announcement is to send waits for
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
    /// Contact no other pod: the old pod is not asked whether the account's key is still the same
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// A last post by the old account.
#[derive(Args)]
pub(crate) struct FarewellArgument {
    /// Publish a last post by the old account before the move, for friends whose software knows no moves. `{new}` in
    /// TEXT becomes the new address
    #[arg(long, value_name = "TEXT", num_args = 0..=1, require_equals = true,
          default_missing_value = "I have moved. You can find me at {new} from now on.")]
    pub(crate) farewell: Option<String>,
}

/// Whom Pappus may ask.
#[derive(Args)]
pub(crate) struct NetworkArguments {
    /// A host of a test network that is not on the public internet: `HOST:PORT` for http,
    /// `https://HOST:PORT` otherwise. May be repeated
    #[arg(long, value_name = "HOST", env = "PAPPUS_ALLOW_HOST", value_delimiter = ',')]
    pub(crate) allow_host: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Deliver {
    /// Go on until nothing is left, for four weeks if need be
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) patience: PatienceArguments,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// How long pods are waited for.
#[derive(Args)]
pub(crate) struct PatienceArguments {
    /// Hours that a pod which took a move gets to process it when no friend there is back, before Contacts and profiles
    /// follow. Contacts that overtake the move end friendships
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=168))]
    pub(crate) grace: u32,
    /// Seconds after the first friend on a pod is back until the rest is sent there
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) settle: u32,
    /// Send without looking whether the new account answers from outside: when this machine cannot reach the pod's
    /// public address and you have looked yourself
    #[arg(long)]
    pub(crate) assume_reachable: bool,
}

#[derive(Args)]
pub(crate) struct Deliveries {
    /// Only those for this account: its old diaspora* ID
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args)]
pub(crate) struct Resend {
    /// Only to this pod: its host, with the port if that is unusual
    #[arg(long, value_name = "HOST")]
    pub(crate) to: Option<String>,
    /// Only for this account: its old diaspora* ID
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// Also what has been delivered
    #[arg(long)]
    pub(crate) delivered: bool,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
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
    /// Which import: its name, or the beginning of it
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
    /// Skip reading every account: what an export would leave out is not looked for
    #[arg(long)]
    pub(crate) quick: bool,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
}

/// Which archive, and what opens it.
#[derive(Args)]
pub(crate) struct ReadArchive {
    /// The archive; also what stock pods write: .json, .json.gz, .zip
    #[arg(value_name = "ARCHIVE")]
    pub(crate) archive: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// A file with the age key (AGE-SECRET-KEY-1…) that opens an encrypted archive
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passphrase", "passphrase_command"])]
    pub(crate) identity: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Convert {
    #[command(flatten)]
    pub(crate) archive: ReadArchive,
    /// What to make
    #[arg(long, value_enum)]
    pub(crate) to: Target,
    /// Where the files go; made when needed
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) key_passphrase: KeyPassphrase,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Target {
    /// USERNAME.json.gz and `USERNAME_photos.zip`, as a stock pod takes them
    Diaspora,
}

/// Whose store, for commands that need nothing else of the pod.
#[derive(Args)]
pub(crate) struct StorePlace {
    /// The pod's own folder; its address is read from its configuration
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) pod: Option<PathBuf>,
    /// The pod's address, such as `https://pod.example/`
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) pod_url: Option<String>,
    /// Taken so that all commands take the same options; not needed here
    #[arg(
        long,
        value_name = "URL",
        env = "PAPPUS_DATABASE_URL",
        hide = true,
        hide_env_values = true,
        global = true
    )]
    pub(crate) database_url: Option<String>,
    /// Taken so that all commands take the same options; not needed here
    #[arg(long, value_name = "DIR|s3://BUCKET", hide = true, global = true)]
    pub(crate) uploads: Option<PathBuf>,
    /// Pappus's own database, `sqlite://PATH` or `postgres://…`; a file in Pappus's own folder unless given
    #[arg(long, value_name = "URL", env = "PAPPUS_STORE", hide_env_values = true, global = true)]
    pub(crate) store: Option<String>,
    /// Pappus's own folder
    #[arg(long, value_name = "DIR", env = "PAPPUS_STATE", global = true)]
    pub(crate) state: Option<PathBuf>,
}

impl StorePlace {
    /// Where the store is.
    pub(crate) fn store(&self) -> StoreArguments {
        StoreArguments { store: self.store.clone(), state: self.state.clone() }
    }
}

#[derive(Args)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct Folder {
    /// Where the files go
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
