//! Reads the e-mail address in an archive, to prefill the form.

use serde_json::value::RawValue;

use crate::archive::document::{DocumentError, DocumentVisitor, Next, Place, Section, read_document};
use crate::archive::open::{Archive, Verified};

/// Maximum length of an address that is prefilled.
const LONG: usize = 255;

/// Reads `user.email`; `None` if there is none or it is unreadable: the person can enter it.
pub(super) fn email(archive: &mut Archive<Verified>) -> Option<String> {
    let limits = *archive.limits();
    let mut found = Email(None);
    read_document(archive.document().ok()?, &limits, &mut found).ok()?;
    found.0.filter(|email| email.len() <= LONG && email.contains('@') && !email.contains(char::is_control))
}

struct Email(Option<String>);

impl DocumentVisitor for Email {
    fn wants(&self, section: Section, name: &str) -> bool {
        section == Section::User && name == "email"
    }

    fn field(&mut self, _: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.0 = serde_json::from_str(value.get()).ok();
        Ok(Next::Stop)
    }

    fn element(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }
}
