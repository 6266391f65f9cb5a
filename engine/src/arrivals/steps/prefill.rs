//! Reads the e-mail address in an archive, to prefill the form.

use serde_json::value::RawValue;

use crate::archive::document::{DocumentError, DocumentVisitor, Next, Place, Section, read_document};
use crate::archive::open::{Archive, Verified};

/// Maximum length in bytes of an address that is prefilled.
const MAX_EMAIL_BYTES: usize = 255;

/// Reads `user.email`; `None` if it is missing, unreadable or not plausible: the newcomer can enter it.
pub(super) fn email(archive: &mut Archive<Verified>) -> Option<String> {
    let limits = *archive.limits();
    let mut visitor = EmailVisitor(None);
    read_document(archive.document().ok()?, &limits, &mut visitor).ok()?;
    visitor.0.filter(|email| {
        email.len() <= MAX_EMAIL_BYTES && email.contains('@') && !email.contains(char::is_control)
    })
}

struct EmailVisitor(Option<String>);

impl DocumentVisitor for EmailVisitor {
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
