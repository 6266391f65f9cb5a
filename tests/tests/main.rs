//! Everything that is tested from outside, in one program: it is linked once, and its tests share the throwaway servers.
//! `cargo test -p pappus-tests --test all portal::` runs the tests of one file.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "helpers of tests may stop the test, and are nobody else's"
)]

mod ahead;
mod announce;
mod announce_crowd;
mod at_rest;
mod board;
mod board_api;
mod board_pages;
mod browser;
mod campaign;
mod campaign_list;
mod clock;
mod cluster;
mod damage;
mod delivery;
mod demo;
mod depot;
mod doc_examples;
mod document_forms;
mod export;
mod failures;
mod friendships;
mod front;
mod generated;
mod heavy;
mod help;
mod import;
mod import_again;
mod import_announces;
mod import_evidence;
mod import_holding;
mod import_hostile;
mod import_neighbours;
mod import_network;
mod import_parents;
mod import_photo_names;
mod import_reference;
mod import_rules;
mod import_special;
mod import_undo;
mod instances;
mod integrity;
mod keys;
mod kill;
mod killed_move;
mod large_files;
mod leftovers;
mod merge;
mod move_sequences;
mod newcomers;
mod newcomers_api;
mod nginx;
mod odd_rows;
mod old_pod_tls;
mod people;
mod pod_address;
mod pooler;
mod poor_database;
mod portal;
mod portal_outages;
mod portal_own;
mod portal_requests;
mod reference;
mod rooms;
mod round_trip;
mod s3;
mod sample_pod;
mod schema;
mod shared_limits;
mod sign_in;
mod sign_in_web;
mod sizes;
mod stock_form;
mod store;
mod support;
mod terminal;
mod text_files;
mod tombstone;
