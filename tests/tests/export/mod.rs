//! One account on its way out of a pod.

mod account;
mod broken_rows;
mod capital_letters;
mod failures;
mod hand_made;
mod killed;
mod odd_rows;
mod odd_values;
mod pod_address;
mod pooler;
mod poor_database;
mod read_together;
mod reference;
mod s3;
mod sizes;
mod time_limits;
