//! Keys and signatures of relayables.

pub(super) mod migrations;
pub(super) mod signatures;
pub(super) mod signers;
