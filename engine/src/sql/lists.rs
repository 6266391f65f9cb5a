//! Lists in statements.

/// Formats row IDs for `IN (…)`. For no IDs it returns -1, which no row has, since SQL does not allow an empty list.
pub(crate) fn id_list(ids: &[i64]) -> String {
    if ids.is_empty() {
        return "-1".to_owned();
    }
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// Returns `count` placeholders, such as `?, ?, ?`.
pub(crate) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}
