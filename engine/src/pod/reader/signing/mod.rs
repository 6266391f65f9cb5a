//! Under whose key a relayable of the account was or is to be signed.

pub(super) mod migrations;
pub(super) mod signatures;
pub(super) mod signers;
