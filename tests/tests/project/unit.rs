//! The systemd unit of the package: what the service may use up, and what it leaves behind when it dies.

use std::collections::BTreeMap;

const UNIT: &str = include_str!("../../../server/packaging/pappus.service");
const EXAMPLE: &str = include_str!("../../../docs/pappus.example.toml");

/// Returns the settings of a section.
fn section(name: &str) -> BTreeMap<&'static str, &'static str> {
    let (_, section) = UNIT.split_once(&format!("\n[{name}]\n")).unwrap();
    let section = section.split("\n[").next().unwrap();
    let lines = section.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).collect()
}

/// Returns a default, as the example of the configuration has it.
fn default(key: &str) -> u64 {
    let line = EXAMPLE.lines().find_map(|line| line.strip_prefix(&format!("#{key} = ")));
    line.unwrap_or_else(|| panic!("{key} is not in the example")).parse().unwrap()
}

#[test]
fn the_service_is_limited() {
    let service = section("Service");
    // Private keys would be in a core dump.
    assert_eq!(service["LimitCORE"], "0");
    let files: u64 = service["LimitNOFILE"].parse().unwrap();
    assert!(files > 2 * default("connections"), "each connection may read a file: {files}");
    let memory = service["MemoryMax"].strip_suffix('G').unwrap().parse::<u64>().unwrap() << 30;
    // A step of a newcomer's archive ends at its own limit, not at that of all together.
    assert!((2 * default("step_megabytes") * 1_000_000..4 << 30).contains(&memory), "{memory}");
    // When memory runs short, a step ends, and the service goes on.
    assert_eq!(service["OOMPolicy"], "continue");
}
