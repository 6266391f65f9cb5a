//! The list of a campaign for spreadsheets (RFC 4180).

use std::io::{self, Write};

use crate::campaign::report::list::AccountResult;

/// One account's row.
pub(in crate::campaign) struct CsvRow<'a>(pub(in crate::campaign) &'a AccountResult);

impl CsvRow<'_> {
    /// Writes the column names.
    pub(in crate::campaign) fn head(out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"account,state,file,bytes,sha256,records,omissions,seconds,reason\r\n")
    }

    /// Writes the row.
    pub(in crate::campaign) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let AccountResult { account, state, file, bytes, sha256, records, omissions, seconds, reason } =
            self.0;
        let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        let cells = [
            cell(account),
            state.as_str().to_owned(),
            cell(file.as_deref().unwrap_or_default()),
            number(*bytes),
            cell(sha256.as_deref().unwrap_or_default()),
            number(*records),
            number(*omissions),
            seconds.map_or_else(String::new, |seconds| seconds.to_string()),
            cell(reason.as_deref().unwrap_or_default()),
        ];
        write!(out, "{}\r\n", cells.join(","))
    }
}

/// Formats a text as a cell. Spreadsheets would run a text that begins like a formula; an apostrophe prevents that.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, expected) in [
            ("alice@pod.example", "alice@pod.example"),
            ("a, b", "\"a, b\""),
            ("say \"no\"\nagain", "\"say \"\"no\"\"\nagain\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("-a,b", "\"'-a,b\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
