//! One account on its way into a pod.

mod account;
mod again;
mod door_choice;
mod evidence;
mod holding;
mod hostile;
mod interrupted;
mod neighbours;
mod network;
mod old_pod_tls;
mod parents;
mod people;
pub mod photo_names;
mod reference;
mod round_trip;
mod rules;
mod safeguards;
mod special;
mod strangers;
mod trusted_keys;
mod undo;
