//! The order in which one pod gets the messages about one move.
//!
//! A diaspora* pod answers 202 and processes later, private messages before public ones. A Contact of the new account
//! that overtakes the move creates a second contact there, and the move then destroys the old one with its aspects.
//! So nothing else is sent before the move has been *processed*: the pod's users who share with the account notify
//! the target pod (their *echo*), or a long grace passes. Where friends are expected and none is back by then, the
//! workers may have lost the move: it is sent once more, and another grace passes ([`is_repeated`]). Hubzilla needs the
//! reverse order. docs/federation.md has both as diagrams.
//!
//! The account's old pod comes last. It closes the account and tells every contact that it no longer shares
//! (`AccountDeleter#disconnect_contacts`); a pod that hears that before it has processed the move ends the friendship
//! on its side, sends no echo, and neither side ever learns of the other again.

use super::schedule::{LONGEST_ABSENCE, LONGEST_GRACE};

/// Number of times the current time is bound in [`its_turn`].
pub(super) const TURN_VALUES: usize = 2;

/// Names of the systems that process messages at once, or not at all, and send no echo.
pub(super) const WITHOUT_ECHO: &str = "('hubzilla', 'friendica', 'socialhome')";

/// Attempts after which a Contact to Hubzilla, if each was answered with an error, no longer delays the move, provided
/// that the hub took another one: about four hours. A hub that took none does not know the new account yet.
const CONTACT_ATTEMPTS: u8 = 8;

/// Returns the condition that deliveries of the same import to the same pod are still to be sent.
fn open(kind: &str, more: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM pappus_deliveries e WHERE e.import_id = d.import_id AND e.pod = d.pod \
         AND e.kind = '{kind}' AND e.state IN ('queued', 'sending'){more})"
    )
}

/// The condition that the delivery `d` is the move, for the pod that the account leaves. IDs lack the `www.` that the
/// pod's address may have.
const FOR_OLD_POD: &str = "(d.kind = 'account_migration' AND (d.account LIKE '%@' || d.pod \
    OR (d.pod LIKE 'www.%' AND d.account LIKE '%@' || substr(d.pod, 5))))";

/// Returns the condition that the pod of the row `m` of `pappus_move_pods` gets the move once more when its grace ends:
/// friends are expected back from there, none has shown that the move was processed, and nothing else was sent. A
/// diaspora* pod that has stored the first one ignores the second (`Diaspora::Federation::Receive.account_migration`).
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

/// Returns the time at which the pod of the row `m` counts as having processed the move, without a sign that it has: the
/// end of its grace, or about that of the second one.
fn grace_ends() -> String {
    format!("CASE WHEN {} THEN 2 * m.opens_at - m.told_at ELSE m.opens_at END", is_repeated())
}

/// Returns the time from which on the old pod may get the move `d`: when every other pod has processed it or has had
/// the time to, been refused or given up. Pods that refuse for now delay it for the longest grace, and those that are
/// unreachable until they have been so for [`LONGEST_ABSENCE`]: nearly everybody has contacts on pods that are gone.
fn others_done_at() -> String {
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

/// Returns the condition that the delivery `d` to the pod `p` waits for nothing but, perhaps, time. The time until
/// which the old pod has waited for the others, and contacts and profiles for a move, is bound [`TURN_VALUES`] times.
pub(super) fn its_turn() -> String {
    // A farewell is a courtesy: it delays the rest for one attempt, or until the pod is reachable.
    let farewell = open("farewell", " AND (e.attempts = 0 OR e.last_status IS NULL)");
    let patient = format!(
        " AND (e.attempts < {CONTACT_ATTEMPTS} OR e.last_status IS NULL OR NOT EXISTS (SELECT 1 \
         FROM pappus_deliveries t WHERE t.import_id = e.import_id AND t.pod = e.pod AND t.kind = 'contact' \
         AND t.state IN ('delivered', 'confirmed')))"
    );
    let (contacts, patient_contacts, moves) =
        (open("contact", ""), open("contact", &patient), open("account_migration", ""));
    let own_contact = open("contact", " AND e.recipient = d.recipient");
    let (others_done_at, repeated) = (others_done_at(), is_repeated());
    format!(
        "(EXISTS (SELECT 1 FROM pappus_moves v WHERE v.import_id = d.import_id AND v.seen_at IS NOT NULL) \
         AND (d.kind = 'farewell' OR (NOT {farewell} AND (NOT {FOR_OLD_POD} OR {others_done_at} <= ?) \
         AND CASE COALESCE(p.system, 'unknown') \
         WHEN 'hubzilla' THEN d.kind = 'contact' OR (d.kind = 'account_migration' AND NOT {patient_contacts}) \
         OR (d.kind = 'profile' AND NOT {contacts} AND NOT {moves}) \
         WHEN 'friendica' THEN d.kind <> 'profile' OR NOT {own_contact} \
         WHEN 'socialhome' THEN d.kind <> 'profile' OR NOT {own_contact} \
         ELSE d.kind = 'account_migration' OR (NOT {moves} AND EXISTS (SELECT 1 FROM pappus_move_pods m \
         WHERE m.import_id = d.import_id AND m.pod = d.pod AND m.opens_at <= ? AND NOT {repeated})) END)))"
    )
}

/// The condition that the delivery `d` contains the account's profile as the last look at the target pod found it, unless it
/// contains none. One that does not is sealed anew at the next look.
pub(super) const IS_CURRENT: &str = "(d.kind <> 'profile' OR NOT EXISTS (SELECT 1 FROM pappus_moves c \
    WHERE c.import_id = d.import_id AND c.profile_digest <> COALESCE(d.profile_digest, '')))";

/// Returns the time at which the delivery `d` may go without a further event: the end of the grace, if it waits for a
/// move to be processed; 0 while the pod has not taken the move.
pub(super) fn opens_at() -> String {
    format!(
        "COALESCE(CASE WHEN d.kind IN ('contact', 'profile') \
         AND COALESCE(p.system, 'unknown') NOT IN {WITHOUT_ECHO} \
         THEN (SELECT CASE WHEN {} THEN 0 ELSE {} END FROM pappus_move_pods m WHERE m.import_id = d.import_id AND m.pod = d.pod) \
         WHEN {FOR_OLD_POD} THEN {} END, 0)",
        open("account_migration", ""),
        grace_ends(),
        others_done_at()
    )
}
