//! A move is announced, and what is true afterwards on the pods of the contacts.

mod announce;
mod announce_audience;
mod announce_crowd;
mod announce_follows;
mod edited_profiles;
mod ended_contacts;
mod false_echo;
mod friendships;
mod friendships_over_http;
mod killed_move;
mod ledger;
mod lost_moves;
mod missing_contacts;
mod move_sequences;
mod moved_friends;
mod moved_together;
mod old_pod;
mod resend;
mod tombstone;
