//! The order in which one pod gets the messages about one move.
//!
//! A diaspora* pod answers 202 and processes later, private messages before public ones. A Contact of the new account
//! that overtakes the move creates a second contact there, and the move then destroys the old one with its aspects.
//! So nothing else is sent before the move has been *processed*: the pod's users who share with the account notify
//! the target pod (their *echo*), or a long grace passes. If friends are expected and none is back by then, the
//! workers may have lost the move: it is sent again, and another grace passes ([`is_repeated`]). Hubzilla needs the
//! reverse order. docs/federation.md has diagrams of both.
//!
//! The account's old pod gets the move last. It closes the account and tells every contact that it no longer shares
//! (`AccountDeleter#disconnect_contacts`). A pod that is told so before it has processed the move ends the friendship
//! and sends no echo, and the friendship is lost on both sides.

use super::schedule::{LONGEST_ABSENCE, LONGEST_GRACE};

/// Number of times that the current time is bound in [`is_unblocked`].
pub(super) const UNBLOCKED_VALUES: usize = 2;

/// Names of the systems that process messages immediately or not at all, and send no echo.
pub(super) const WITHOUT_ECHO: &str = "('hubzilla', 'friendica', 'socialhome')";

/// Number of attempts, all answered with errors, after which a Contact to Hubzilla no longer delays the move: about
/// four hours. The hub must have accepted another Contact, since otherwise it does not know the new account yet.
const CONTACT_ATTEMPTS: u8 = 8;

/// Returns the condition that deliveries of a kind, of the same import and to the same pod, are still to be sent.
/// `condition` may restrict them further, after `AND`.
fn has_open(kind: &str, condition: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM pappus_deliveries e WHERE e.import_id = d.import_id AND e.pod = d.pod \
         AND e.kind = '{kind}' AND e.state IN ('queued', 'sending'){condition})"
    )
}

/// The condition that the delivery `d` is the move, to the pod that the account leaves. The pod's address may contain
/// `www.`, which IDs do not.
const FOR_OLD_POD: &str = "(d.kind = 'account_migration' AND (d.account LIKE '%@' || d.pod \
    OR (d.pod LIKE 'www.%' AND d.account LIKE '%@' || substr(d.pod, 5))))";

/// Returns the condition that the pod of the row `m` of `pappus_move_pods` gets the move again when its grace ends:
/// friends on it are expected back, no echo has arrived, and nothing else was sent. A diaspora* pod that has stored the
/// move ignores the second one (`Diaspora::Federation::Receive.account_migration`).
pub(super) fn is_repeated() -> String {
    format!(
        "(m.confirmed_at IS NULL AND m.repeated_at IS NULL \
         AND EXISTS (SELECT 1 FROM pappus_move_people f WHERE f.import_id = m.import_id AND f.pod = m.pod \
         AND f.is_friend = 1 AND f.back_at IS NULL) \
         AND NOT EXISTS (SELECT 1 FROM pappus_delivery_pods s WHERE s.pod = m.pod AND s.system IN {WITHOUT_ECHO}) \
         AND NOT EXISTS (SELECT 1 FROM pappus_deliveries g WHERE g.import_id = m.import_id AND g.pod = m.pod \
         AND g.kind IN ('contact', 'profile') AND (g.attempts > 0 OR g.state = 'sending')))"
    )
}

/// Returns the time at which the pod of the row `m` counts as having processed the move if no echo arrives: the end of
/// its grace or, approximately, of a second one.
fn grace_ends() -> String {
    format!("CASE WHEN {} THEN 2 * m.opens_at - m.told_at ELSE m.opens_at END", is_repeated())
}

/// Returns the time from which on the old pod may get the move `d`: when each other pod has processed it, has had the
/// time to, or has refused it, or the move to it was given up. A pod that answers with errors delays it for
/// [`LONGEST_GRACE`] at most; an unreachable one only until it has been unreachable for [`LONGEST_ABSENCE`], since
/// nearly every account has contacts on pods that no longer exist.
fn others_processed_at() -> String {
    format!(
        "COALESCE((SELECT max(CASE WHEN o.state IN ('queued', 'sending') THEN \
         CASE WHEN q.failures > 0 AND q.failing_since + {absence} < d.queued_at + {grace} \
         THEN q.failing_since + {absence} ELSE d.queued_at + {grace} END \
         WHEN m.confirmed_at IS NULL AND COALESCE(q.system, 'unknown') NOT IN {WITHOUT_ECHO} \
         THEN {processed} END) FROM pappus_deliveries o \
         LEFT JOIN pappus_move_pods m ON m.import_id = o.import_id AND m.pod = o.pod \
         LEFT JOIN pappus_delivery_pods q ON q.pod = o.pod \
         WHERE o.import_id = d.import_id AND o.pod <> d.pod AND o.kind = 'account_migration'), 0)",
        absence = LONGEST_ABSENCE.num_milliseconds(),
        grace = LONGEST_GRACE.num_milliseconds(),
        processed = grace_ends()
    )
}

/// Returns the condition that the delivery `d` to the pod `p` waits for no other delivery. The current time is bound
/// [`UNBLOCKED_VALUES`] times: the time of the old pod's delivery, and the end of a move's grace, are compared with it.
pub(super) fn is_unblocked() -> String {
    // A farewell is not essential: it delays the others for one attempt, or until the pod is reachable.
    let farewell = has_open("farewell", " AND (e.attempts = 0 OR e.last_status IS NULL)");
    let is_awaited = format!(
        " AND (e.attempts < {CONTACT_ATTEMPTS} OR e.last_status IS NULL OR NOT EXISTS (SELECT 1 \
         FROM pappus_deliveries t WHERE t.import_id = e.import_id AND t.pod = e.pod AND t.kind = 'contact' \
         AND t.state IN ('delivered', 'confirmed')))"
    );
    let (contacts, awaited_contacts, moves) =
        (has_open("contact", ""), has_open("contact", &is_awaited), has_open("account_migration", ""));
    let contact_of_recipient = has_open("contact", " AND e.recipient = d.recipient");
    let (others_processed_at, repeated) = (others_processed_at(), is_repeated());
    format!(
        "(EXISTS (SELECT 1 FROM pappus_moves v WHERE v.import_id = d.import_id AND v.seen_at IS NOT NULL) \
         AND (d.kind = 'farewell' OR (NOT {farewell} AND (NOT {FOR_OLD_POD} OR {others_processed_at} <= ?) \
         AND CASE COALESCE(p.system, 'unknown') \
         WHEN 'hubzilla' THEN d.kind = 'contact' OR (d.kind = 'account_migration' AND NOT {awaited_contacts}) \
         OR (d.kind = 'profile' AND NOT {contacts} AND NOT {moves}) \
         WHEN 'friendica' THEN d.kind <> 'profile' OR NOT {contact_of_recipient} \
         WHEN 'socialhome' THEN d.kind <> 'profile' OR NOT {contact_of_recipient} \
         ELSE d.kind = 'account_migration' OR (NOT {moves} AND EXISTS (SELECT 1 FROM pappus_move_pods m \
         WHERE m.import_id = d.import_id AND m.pod = d.pod AND m.opens_at <= ? AND NOT {repeated})) END)))"
    )
}

/// The condition that the delivery `d` contains no profile, or the one that the last check of the target pod found.
/// Outdated ones are sealed again at the next check.
pub(super) const IS_CURRENT: &str = "(d.kind <> 'profile' OR NOT EXISTS (SELECT 1 FROM pappus_moves c \
    WHERE c.import_id = d.import_id AND c.profile_digest <> COALESCE(d.profile_digest, '')))";

/// Returns the time at which the delivery `d` may be sent without any further event: the end of the grace, if it waits
/// for a move to be processed; 0 while the pod has not accepted the move.
pub(super) fn opens_at() -> String {
    format!(
        "COALESCE(CASE WHEN d.kind IN ('contact', 'profile') \
         AND COALESCE(p.system, 'unknown') NOT IN {WITHOUT_ECHO} \
         THEN (SELECT CASE WHEN {} THEN 0 ELSE {} END FROM pappus_move_pods m WHERE m.import_id = d.import_id AND m.pod = d.pod) \
         WHEN {FOR_OLD_POD} THEN {} END, 0)",
        has_open("account_migration", ""),
        grace_ends(),
        others_processed_at()
    )
}
