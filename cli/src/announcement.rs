//! The announcement that follows an import: its conditions, checked before anything is written, and its outcome.

use std::io::IsTerminal as _;

use pappus_engine::announce::{Announced, KeyState, key_state};
use pappus_engine::archive::encryption::DecryptWith;
use pappus_engine::archive::open::{Archive, Verified};
use pappus_engine::archive::sha256_of_file;
use pappus_engine::delivery::{Counts, Ledger, Scope};
use pappus_engine::import::{ImportState, Imported, Proof, find_import};
use pappus_engine::pod::config::PodConfig;
use pappus_engine::store::Store;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::arguments::{Import, PassphraseSource};
use crate::commands::deliver::DeliverySender;
use crate::commands::{Outcome, announce, deliver};
use crate::error::Failure;
use crate::output::Output;
use crate::{archive, passphrase};

/// Warning about the losses until the announcement.
const LOSS_WARNING: &str = "Until the move is announced, comments and likes under the imported posts are lost for good, in both \
                    directions: other pods refuse them and do not try again.";

/// The reason why an import is not followed by its announcement.
pub(crate) enum Hold {
    /// Requested by the podmin.
    Requested,
    /// The key is encrypted, and there was no terminal to prompt for its passphrase.
    Locked,
    /// There is no key that can sign, for this reason.
    NoKey(String),
    /// Nothing proves whose archive it is, and an announcement cannot be undone.
    Unproven,
}

impl Hold {
    /// Returns the stable name, which programs use.
    fn code(&self) -> &'static str {
        match self {
            Self::Requested => "hold",
            Self::Locked => "key_passphrase",
            Self::NoKey(_) => "no_key",
            Self::Unproven => "unproven",
        }
    }

    /// Returns whether it counts as a finding, which only a requested hold does not.
    fn is_finding(&self) -> bool {
        !matches!(self, Self::Requested)
    }

    fn sentence(&self) -> String {
        match self {
            Self::Requested => "The announcement is postponed, as requested with --hold.".to_owned(),
            Self::Locked => {
                "The archive's private key is protected by a passphrase, and the move cannot be announced without \
                 it: pass it with --key-passphrase=FILE."
                    .to_owned()
            }
            Self::NoKey(reason) => format!(
                "The archive has no usable private key: {reason}. Other pods would not accept the move: the \
                 account stays here under its new name, and its contacts have to be told by hand."
            ),
            Self::Unproven => "Nothing proves whose archive it is, and an announcement cannot be undone, so the \
                 move is not announced automatically. Compare the key's fingerprint with the person first."
                .to_owned(),
        }
    }
}

/// The step that follows an import, decided before it starts.
pub(crate) struct Intent {
    hold: Option<Hold>,
    key_passphrase: Option<Zeroizing<String>>,
}

impl Intent {
    /// Examines the archive's key, and prompts for its passphrase if it needs one and there is a terminal.
    ///
    /// # Errors
    /// [`Failure`] if the passphrase does not open the key; nothing has been written yet.
    pub(crate) fn new(archive: &mut Archive<Verified>, arguments: &Import) -> Result<Self, Failure> {
        if arguments.announcement.hold {
            return Ok(Self { hold: Some(Hold::Requested), key_passphrase: None });
        }
        let mut source = arguments.announcement.key_passphrase.source();
        let mut state = key_state(archive, None)?;
        if matches!(state, KeyState::Locked(_)) {
            if source.is_none() && !arguments.dry_run && std::io::stdin().is_terminal() {
                source = Some(PassphraseSource::Prompt);
            }
        } else {
            source = None;
        }
        let key_passphrase = passphrase::read_if(source.as_ref(), "the private key")?;
        if let Some(passphrase) = &key_passphrase {
            state = key_state(archive, Some(passphrase))?;
        }
        let hold = match state {
            KeyState::Usable => None,
            KeyState::Locked(_) => Some(Hold::Locked),
            KeyState::Unusable(reason) => Some(Hold::NoKey(reason.to_string())),
            KeyState::WrongPassphrase => {
                let sentence = "the passphrase does not open the private key, so the move could not be announced; \
                                nothing was imported";
                return Err(Failure::message(sentence).with_code("key_passphrase"));
            }
        };
        Ok(Self { hold, key_passphrase })
    }

    /// Adds the proof that the import, or its plan, has found.
    pub(crate) fn with_proof(mut self, proof: Proof) -> Self {
        if self.hold.is_none() && proof == Proof::Unproven {
            self.hold = Some(Hold::Unproven);
        }
        self
    }

    /// Prints the step as part of the plan.
    pub(crate) fn describe(&self, output: &Output) {
        match &self.hold {
            None => output.line(
                "The import announces the move at once, and after that it cannot be undone. Review this plan \
                 first; --hold postpones the announcement.",
            ),
            Some(hold) => output.line(hold.sentence()),
        }
    }

    /// Returns the step as JSON.
    pub(crate) fn document(&self) -> Value {
        let hold = self.hold.as_ref();
        json!({ "state": if hold.is_some() { "held" } else { "planned" }, "reason": hold.map(Hold::code) })
    }

    /// Returns the outcome of a dry run, given the outcome of its plan.
    pub(crate) fn outcome(&self, plan: Outcome) -> Outcome {
        if self.hold.as_ref().is_some_and(Hold::is_finding) { Outcome::Findings } else { plan }
    }
}

/// The inputs of an announcement after an import.
pub(crate) struct FollowUp<'a> {
    pub(crate) arguments: &'a Import,
    pub(crate) config: &'a PodConfig,
    pub(crate) store: &'a Store,
    pub(crate) unlock: Option<&'a DecryptWith>,
    /// Digest of the imported archive.
    pub(crate) archive_sha256: &'a str,
    pub(crate) imported: &'a Imported,
}

/// The result of the announcement.
pub(crate) enum Announcement {
    /// Postponed.
    Held(Hold),
    /// Postponed, but already announced before.
    AnnouncedBefore,
    /// Announced; with the deliveries that were sent, if any.
    Announced { announced: Box<Announced>, sent: Option<Box<deliver::SendReport>>, counts: Counts },
    /// Failed to announce or to send.
    Failed(Failure),
}

impl FollowUp<'_> {
    /// Announces the move and sends the due deliveries, or postpones that. The account is already imported: a failure
    /// must not hide that, so it is part of the result.
    pub(crate) async fn run(&self, intent: Intent, output: &Output) -> Announcement {
        let id = self.imported.import.as_deref().unwrap_or_default();
        let result = match intent.hold {
            Some(hold) => self.hold(hold, id).await,
            None => self.announce(intent.key_passphrase, id, output).await,
        };
        result.unwrap_or_else(Announcement::Failed)
    }

    async fn hold(&self, hold: Hold, id: &str) -> Result<Announcement, Failure> {
        let record = find_import(self.store, id).await?;
        let was_announced = record.is_some_and(|record| record.state == ImportState::Announced);
        Ok(if was_announced { Announcement::AnnouncedBefore } else { Announcement::Held(hold) })
    }

    async fn announce(
        &self,
        key_passphrase: Option<Zeroizing<String>>,
        id: &str,
        output: &Output,
    ) -> Result<Announcement, Failure> {
        let file = &self.arguments.archive.archive;
        let read_error = |error| Failure::new(format!("{} cannot be read", file.display()), error);
        if sha256_of_file(file).map_err(read_error)? != self.archive_sha256 {
            let sentence = format!(
                "{} changed during the import: run the same command again with the right file",
                file.display()
            );
            return Err(Failure::message(sentence).with_code("changed"));
        }
        let opened = archive::open_with(file, self.unlock, None, output)?;
        let Import { announcement, network, trust, .. } = self.arguments;
        let discovery = if self.arguments.offline { None } else { Some(crate::network::discovery(network)?) };
        let farewell = announcement.farewell.farewell.clone();
        let pinned_pods = trust.trust_pod.clone();
        let settings = announce::AnnounceSettings { key_passphrase, farewell, pinned_pods, discovery };
        let announced = announce::announce_archive(opened, self.config, self.store, settings).await?;
        let sender =
            DeliverySender { config: self.config, network, patience: &announcement.patience, wait: false };
        let sent = if self.arguments.offline {
            None
        } else {
            Some(Box::new(sender.send_due(self.store, output).await?))
        };
        let counts = Ledger::new(self.store).counts(Scope::Import(id)).await?;
        Ok(Announcement::Announced { announced: Box::new(announced), sent, counts })
    }
}

impl Announcement {
    /// Prints the result and the next steps.
    pub(crate) fn describe(&self, output: &Output, follow_up: &FollowUp<'_>) {
        let archive = follow_up.arguments.archive.archive.display();
        let import = follow_up.imported.import.as_deref().unwrap_or_default();
        let import = import.get(..8).unwrap_or(import);
        match self {
            Self::Held(hold) => {
                output.line(hold.sentence());
                output.line(LOSS_WARNING);
                if matches!(hold, Hold::NoKey(_)) {
                    output.line(format!("`pappus undo {import}` undoes the import."));
                } else {
                    output.line(format!(
                        "Next: `pappus announce {archive}`, and then `pappus deliver --wait`. Until it is announced, and \
                         only until then, `pappus undo {import}` undoes the import."
                    ));
                }
            }
            Self::AnnouncedBefore => output.line(
                "The move was announced before and cannot be undone. `pappus deliveries` shows who has been notified.",
            ),
            Self::Announced { announced, sent, .. } => {
                announce::describe(output, announced);
                if let Some(sent) = sent {
                    sent.describe(output);
                    output.line(
                        "Next: leave `pappus deliver --wait` running, or `pappus serve`, which delivers as well. \
                         The friends' pods get the remaining messages after they have processed the move; a pod \
                         that is down is retried for four weeks. `pappus deliveries` shows the progress.",
                    );
                } else {
                    output.line(
                        "Nothing was sent, because of --offline. Next: `pappus deliver --wait` sends everything \
                         and retries pods that are down for four weeks. Comments and likes under the imported posts \
                         are lost until the friends' pods know of the move.",
                    );
                }
                output.line("The move is announced: it cannot be undone.");
            }
            Self::Failed(_) => {
                output.line("The account is here, but the move is not announced, or nothing could be sent.");
                output.line(LOSS_WARNING);
                output.line("Next: fix the cause below, and run the same command again.");
            }
        }
    }

    /// Returns the result as JSON.
    pub(crate) fn document(&self) -> Value {
        match self {
            Self::Held(hold) => json!({ "state": "held", "reason": hold.code() }),
            Self::AnnouncedBefore => json!({ "state": "announced", "announced": null, "sent": null }),
            Self::Announced { announced, sent, counts } => json!({
                "state": "announced",
                "announced": announced,
                "sent": sent.as_ref().map(|sent| sent.document()),
                "counts": counts,
            }),
            Self::Failed(failure) => {
                json!({ "state": "failed", "error": failure.to_string(), "code": failure.code() })
            }
        }
    }

    /// Returns the outcome of a command, given that of its import. Deliveries that wait for a pod do not count as
    /// findings, since most of them wait.
    pub(crate) fn outcome(&self, import: Outcome) -> Outcome {
        let is_clean = match self {
            Self::Failed(_) => return Outcome::Failed,
            Self::Held(hold) => !hold.is_finding(),
            Self::AnnouncedBefore => true,
            Self::Announced { announced, counts, .. } => {
                announced.by_hand.is_empty() && counts.rejected == 0 && counts.dead == 0
            }
        };
        if is_clean { import } else { Outcome::Findings }
    }
}
