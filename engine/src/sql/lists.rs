//! Lists in statements.

/// Formats row IDs for `IN (…)`; never empty, since SQL does not allow an empty list.
pub(crate) fn id_list(ids: &[i64]) -> String {
    if ids.is_empty() {
        return "-1".to_owned();
    }
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// Returns as many placeholders: `?, ?, ?`
pub(crate) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}
