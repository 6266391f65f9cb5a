//! Any file, taken as an archive and used as far as it goes.
#![no_main]

use std::cell::RefCell;
use std::io::{Read, Seek, Write};
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use pappus_engine::archive::convert::convert_to_diaspora;
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::open::{Archive, OpenError};
use pappus_engine::validate::check_signatures;

thread_local! {
    /// One nameless file for all runs.
    static FILE: RefCell<std::fs::File> = RefCell::new(tempfile::tempfile().unwrap());
}

fuzz_target!(|data: &[u8]| {
    let path = FILE.with_borrow_mut(|file| {
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(data).unwrap();
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    });
    // Small, so that a bomb shows as one.
    let limits = Limits {
        unpacked_bytes: 8 << 20,
        ratio_from_bytes: 1 << 20,
        record_bytes: 1 << 20,
        ..Limits::default()
    };
    let Ok(archive) = Archive::open(&path, limits, None) else { return };
    let Ok(mut archive) = archive.verify(&()) else { return };
    let mut document = Vec::new();
    archive.document().unwrap().read_to_end(&mut document).unwrap();
    serde_json::from_slice::<serde_json::Value>(&document).unwrap();
    archive
        .photos(|name, size, photo| -> Result<(), OpenError> {
            assert!(!name.contains('/'));
            assert_eq!(std::io::copy(photo, &mut std::io::sink())?, size);
            Ok(())
        })
        .unwrap();
    check_signatures(&mut archive, &[], NonZeroUsize::MIN).unwrap();
    let out = tempfile::tempdir().unwrap();
    let files = if convert_to_diaspora(&mut archive, out.path(), None).is_ok() { 2 } else { 0 };
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), files);
});
