//! Pods that behave like real ones when somebody moves, for judging an announcement by the friendships that are left.
//!
//! A [`Network`](world::World) of [`Pod`](pod::Pod)s takes what Pappus sends, answers before it processes, and
//! processes late and in the order that real pods do: diaspora* takes private messages before public ones and the
//! move itself after both (`app/workers/receive_*.rb`, `config/sidekiq.yml`), destroys the old contact where there are
//! two (`AccountMigration#eliminate_person_duplicates`), and tells the new pod who shares; Hubzilla processes at once
//! and ties its permissions to the first Contact: posts of anybody without permission are refused. An old pod that
//! still runs closes the account when it processes the move, and tells everybody that the old identity no longer
//! shares. The [`Home`](home::Home) is the target pod: it answers for the new account and writes into its database what
//! comes from others.
//!
//! Time is handed in: [`clock::TwinClock`] jumps in tests of the engine, `http` goes by the real one.

pub mod clock;
pub mod home;
pub mod http;
pub mod pod;
pub mod scene;
pub mod transport;
pub mod world;

mod later_posts;
mod lookup;
mod old_pod;
mod outcome;
mod people;
mod queue;
